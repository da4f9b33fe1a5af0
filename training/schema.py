"""The JSON schema of models.json, for editors: `python -m training.schema > infra/models.schema.json`."""

import json

from brinery.versions.reference import NAME
from training.spec import SCHEMA_KEY, ModelSpec


def schema_text() -> str:
    """The schema as the file has it."""
    model = ModelSpec.model_json_schema()
    definitions = model.pop("$defs")
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "models.json: the models that Brinery trains",
        "type": "object",
        "properties": {SCHEMA_KEY: {"type": "string"}},
        "patternProperties": {f"^{NAME.pattern}$": {"$ref": "#/$defs/ModelSpec"}},
        "additionalProperties": False,
        "$defs": {**definitions, "ModelSpec": model},
    }
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    print(schema_text(), end="")
