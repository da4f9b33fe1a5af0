"""Models that are made of a file and rows of two features, for tests."""

from typing import Any

import pandas as pd
from onnx import ModelProto

from brinery.assessment.columns.arrays import to_array
from brinery.assessment.columns.infer import infer_features
from brinery.assessment.given.file import OnnxFile
from brinery.assessment.given.model import GivenModel, given_model
from tests.brinery.assessment.given.graphs import NAMES, PLACES, POINTS

FRAME = pd.DataFrame(POINTS, columns=["east", "north"])
TRUTH = pd.Series(NAMES[PLACES], name="colour")


def made(model: ModelProto, target: Any = TRUTH, frame: pd.DataFrame = FRAME, **more: Any) -> GivenModel:
    features = infer_features(frame, named=list(frame.columns))
    target = target if isinstance(target, pd.Series) else pd.Series(target, name="target")
    return given_model(OnnxFile.of(model), features, to_array(frame, features), target, **more)
