"""A network from elsewhere answers requests as any model does."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from brinery.assessment.publish_fitted import publish_fitted
from brinery.loading.by_name import load
from tests.conftest import ROOT
from tests.serving.conftest import serving


@pytest.mark.slow
def test_network_of_a_file_classifies(tmp_path: Path) -> None:
    rows = load_digits(as_frame=True).frame[:200]
    columns, truth = rows.drop(columns="target"), rows.target
    registry = tmp_path.as_uri()
    reference = publish_fitted("digits", ROOT / "tests/data/digits.onnx", columns, truth, registry=registry)
    client = serving(load(reference, registry=registry))
    answer = client.classify(columns[:1].to_dict(orient="records")[0]).json()
    assert answer["prediction"] == truth[0] and answer["model"] == {"name": "digits", "version": 1}
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    many = client.classify(columns.to_numpy().tolist()).json()["predictions"]
    assert np.mean([each["prediction"] for each in many] == truth) > 0.9
    assert client.classify({"pixel_0_0": 1}).status_code == 422
