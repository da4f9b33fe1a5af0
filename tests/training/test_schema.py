"""The JSON schema that editors use is the one that the code has."""

import json

import jsonschema
import pytest

from tests.conftest import ROOT
from tests.models_file import EXAMPLES, SPEC
from training.schema import schema_text

SCHEMA = json.loads((ROOT / "infra/models.schema.json").read_text())


def test_schema_file_is_up_to_date() -> None:
    assert (ROOT / "infra/models.schema.json").read_text() == schema_text(), (
        "make it anew: uv run python -m training.schema > infra/models.schema.json"
    )


def test_shipped_models_file_points_to_the_schema_and_keeps_it() -> None:
    models = json.loads(EXAMPLES.read_text())
    assert (EXAMPLES.parent / models["$schema"]).resolve() == ROOT / "infra/models.schema.json"
    jsonschema.validate(models, SCHEMA)


@pytest.mark.parametrize(
    "change", [{"estimater": 1}, {"test_size": 2}, {"gate": {"accuracy": {"min": "high"}}}, {"data": 1}], ids=str
)
def test_schema_refuses_what_the_code_refuses(change: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"wine": {**SPEC, **change}}, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"Wine!": SPEC}, SCHEMA)
