"""The runs of one command, whose number has no bound."""

import gc
from pathlib import Path

from brinery.assessment.publish_candidate import Asked
from brinery.versions.manifest import Manifest
from brinery.versions.read import Published
from brinery.versions.store import Store
from tests.models_file import write
from training.models_file import models_file
from training.runs import train_all
from training.spec import read_specs

SPEC = {"data": "sklearn:iris", "estimator": "sklearn.naive_bayes.GaussianNB"}


def test_run_keeps_of_a_version_what_it_tells_and_no_manifest(tmp_path: Path, serving_check: Asked) -> None:
    file = models_file(write(tmp_path, {f"m{number}": SPEC for number in range(3)}), None, {})
    living = [_manifests()]

    def check(store: Store, published: Published) -> str | None:
        living.append(_manifests())
        return serving_check(store, published)

    code = train_all(
        file, read_specs(file), tmp_path.as_uri(), None, check, baselines={}, trust_bucket=False, as_json=False
    )
    assert code == 0 and len(living) == 4
    assert max(living) - living[0] <= 2, "more than the one that is checked and the one before it"


def _manifests() -> int:
    gc.collect()
    return sum(isinstance(each, Manifest) for each in gc.get_objects())
