"""The check before the commit: only what the serving image has, in a process of its own."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import psutil
import pytest
import xgboost

from brinery.assessment.publish_candidate import refusing
from brinery.errors import NotServable
from brinery.formats.choice import FORMATS
from brinery.formats.labels import XGBClassifier
from brinery.formats.runtimes import RUNTIMES
from brinery.loading.model_process import ModelProcess
from brinery.loading.servable import SERVING
from brinery.versions.catalog import versions
from brinery.versions.manifest import Faithful, ManifestContent
from brinery.versions.publish import publish
from brinery.versions.store import Store, open_store
from tests.conftest import ROOT, python
from tests.examples import example, pickled, tiny
from tests.models_file import write

pytestmark = pytest.mark.usefixtures("own_model_process")


@pytest.fixture(scope="module")
def check() -> Iterator[ModelProcess]:
    with ModelProcess() as check:
        yield check


@pytest.mark.parametrize("name", ["wine", "mixed"])
def test_a_version_of_scikit_learn_alone_is_published(folder_store: Store, check: ModelProcess, name: str) -> None:
    described, files = example(name)
    assert publish(folder_store, described, files, refusing(check)).reference.version == 1


@pytest.mark.slow
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_allowed_modules_are_those_of_the_serving_image(runtime: str) -> None:
    """Each locked distribution of the image brings at least one of them, and each of them is brought by one."""
    command = ["uv", "export", "--quiet", "--frozen", "--no-default-groups", "--no-emit-project", "--no-hashes"]
    command += ["--group", "serving", "--extra", runtime]
    lock = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    locked = {match[1].lower().replace("_", "-") for match in re.finditer(r"^([A-Za-z0-9_.-]+)==", lock, re.MULTILINE)}
    from importlib.metadata import packages_distributions

    tops = {top: {name.lower().replace("_", "-") for name in names} for top, names in packages_distributions().items()}
    brought = {top for top, names in tops.items() if names & locked and re.fullmatch(r"[a-z]\w*", top)}
    assert brought - {"distutils"} == (SERVING | RUNTIMES[runtime]) - {"brinery", "serving"}


@pytest.mark.slow
@pytest.mark.parametrize("module", ["pandas", "training", "boto3", "pytest", "pyarrow", "skl2onnx", "nothing_like_it"])
def test_nothing_else_can_be_imported(module: str) -> None:
    code = "import sys; from brinery.loading.servable import OnlyServing; sys.meta_path.insert(0, OnlyServing())"
    code += f"\nimport {module}"
    result = python("-c", code)
    assert f"No module named '{module}'" in result.stderr


@pytest.mark.slow
def test_a_pickle_that_needs_a_module_of_the_user_is_not_published(tmp_path: Path) -> None:
    (tmp_path / "my_models.py").write_text(
        "from sklearn.linear_model import LogisticRegression\n"
        "class Mine(LogisticRegression):\n    pass\n"
        "def make():\n    return Mine(max_iter=500)\n"
        "def plain():\n    return LogisticRegression(max_iter=500)\n"
    )
    write(
        tmp_path,
        {name: {"data": "sklearn:wine", "estimator": f"my_models:{name}", "scale": True} for name in ("make", "plain")},
    )
    result = python("-m", "training", "--models", str(tmp_path / "models.json"))
    assert result.returncode == 1
    assert result.stderr.startswith(
        "train: make: it is not published: its pickle refers to my_models, which no serving image has; models are "
        "built from classes of scikit-learn, XGBoost and LightGBM, whatever function puts them together, and no ONNX "
    )
    store = open_store((tmp_path / ".registry").as_uri())
    assert versions(store, "make") == [] and versions(store, "plain") == [1]


class Heavy:
    """Ends the process that loads it."""

    def __reduce__(self) -> Any:
        import os

        return os._exit, (9,)


@pytest.mark.slow
def test_a_model_that_ends_the_process_is_not_published_and_the_next_one_is(
    folder_store: Store, check: ModelProcess
) -> None:
    described, files = tiny()
    with pytest.raises(NotServable, match="it is not published, .* ended with 9, perhaps for want of memory"):
        publish(folder_store, described, {**files, "model.joblib": pickled(Heavy())}, refusing(check))
    assert versions(folder_store, "tiny") == []
    assert publish(folder_store, described, files, refusing(check)).reference.version == 2


def test_a_model_that_answers_otherwise_is_not_published(folder_store: Store, check: ModelProcess) -> None:
    described, files = tiny()
    golden = files["golden.json"].replace(b'"prediction": 0', b'"prediction": 1', 1)
    assert golden != files["golden.json"]
    with pytest.raises(NotServable, match="does not reproduce its golden rows: 1 of 4 get another label"):
        publish(folder_store, described, {**files, "golden.json": golden}, refusing(check))


def test_a_model_that_prints_when_it_is_loaded_is_checked_all_the_same(
    folder_store: Store, check: ModelProcess, tmp_path: Path
) -> None:
    described, files = tiny()
    talking = joblib.load(_file(tmp_path, files["model.joblib"]))
    talking.says = _Talking()
    assert (
        publish(folder_store, described, {**files, "model.joblib": pickled(talking)}, refusing(check)).reference.version
        == 1
    )


class _Talking:
    def __reduce__(self) -> Any:
        return print, ("hello",)


def _file(folder: Path, data: bytes) -> Path:
    path = folder / "model.joblib"
    path.write_bytes(data)
    return path


def test_the_check_leaves_no_process_behind() -> None:
    before = set(psutil.Process().children())
    with ModelProcess():
        (process,) = set(psutil.Process().children()) - before
        assert process.is_running()
    assert not process.is_running()


def boosted() -> tuple[ManifestContent, dict[str, bytes]]:
    """A version of XGBoost's, as a pickle alone."""
    described, files = tiny(estimator=XGBClassifier(n_estimators=1).fit(np.array([[0.0], [1.0]]), [0, 1]))
    itself = Faithful(largest_difference=None, rows={}, ties=0, tested="")
    made = FORMATS["pickle"].artifact(1, itself, ["joblib", "xgboost"])
    return described.model_copy(update={"artifacts": {"pickle": made}}), dict(files)


@pytest.mark.slow
def test_a_pickle_of_another_library_is_loaded_as_the_image_that_has_it(
    folder_store: Store, check: ModelProcess
) -> None:
    described, files = boosted()
    (made,) = described.artifacts.values()
    assert made.runtimes == ("full",) and made.libraries["xgboost"] == xgboost.__version__
    told = described.model_copy(update={"artifacts": {"pickle": made.model_copy(update={"runtimes": ("sklearn",)})}})
    for _ in range(2):  # before and after a process that has imported it
        with pytest.raises(NotServable, match="the format pickle of tiny:. needs xgboost, not installed here"):
            publish(folder_store, told, files, refusing(check))
        publish(folder_store, described, files, refusing(check))
    silent = told.artifacts["pickle"].model_copy(update={"modules": ("sklearn",)})
    with pytest.raises(NotServable, match='its pickle needs the module "xgboost", which the serving image does not'):
        publish(folder_store, described.model_copy(update={"artifacts": {"pickle": silent}}), files, refusing(check))
