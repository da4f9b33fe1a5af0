"""The OpenAPI document: real names, types and an example that works."""

from collections.abc import Callable

import pytest

from brinery.loading.model import VerifiedModel
from tests.serving.conftest import serving

Models = Callable[..., VerifiedModel]


@pytest.mark.parametrize("name", ["wine", "alcohol", "mixed"])
def test_openapi_example_sent_as_it_stands_is_answered(models: Models, name: str) -> None:
    client = serving(models(name))
    media = client.get("/openapi.json").json()["paths"]["/classify"]["post"]["requestBody"]["content"]
    answer = client.request("POST", "/classify", json=media["application/json"]["example"])
    assert answer.status_code == 200
    assert "warnings" not in answer.json()


def test_openapi_shows_the_features(models: Models) -> None:
    document = serving(models("mixed")).get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert [each["$ref"].rpartition("/")[2] for each in schemas["Row"]["anyOf"]] == ["RowByName", "RowInOrder"]
    by_name = schemas["RowByName"]
    assert by_name["required"] == ["mass", "year", "tagged", "island", "sex"]
    assert schemas["RowInOrder"]["prefixItems"] == list(by_name["properties"].values())
    assert by_name["properties"]["sex"] == {"anyOf": [{"$ref": "#/components/schemas/FeatureSex"}, {"type": "null"}]}
    properties = {name: schemas[f"Feature{name.capitalize()}"] for name in by_name["properties"]}
    assert properties["island"] == {"enum": ["Biscoe", "Dream", "Torgersen"], "type": "string"}
    assert properties["sex"]["enum"] == ["female", "male"]
    assert properties["tagged"] == {"type": "boolean"}
    assert {"type": "integer", "multipleOf": 1.0} in properties["year"]["anyOf"]
    assert {"type": "null"} in properties["mass"]["anyOf"]
    assert "Training saw 2007 to 2009" in properties["year"]["description"]
    assert document["components"]["schemas"]["Answer"]["properties"]["prediction"] == {"enum": ["Adélie", "Gentoo"]}
