from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.models_file import EXAMPLES, SPEC, write
from training.errors import SpecInvalid
from training.models_file import ModelsFile
from training.spec import read_specs, select


def test_specs_of_the_shipped_file_are_valid() -> None:
    assert list(read_specs(ModelsFile.at(EXAMPLES))) == [
        "wine",
        "wine-alcohol",
        "penguins",
        "digits",
        "breast-cancer",
        "diabetes",
    ]


def test_specs_of_this_checkout_are_valid_whichever_they_are() -> None:
    assert read_specs(ModelsFile.at(ROOT / "models.json"))


def test_specs_keep_the_file_order_and_ignore_the_schema_key(tmp_path: Path) -> None:
    path = write(tmp_path, {"$schema": "./x.json", "b": SPEC, "a": SPEC})
    assert list(read_specs(ModelsFile.at(path))) == ["b", "a"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gate": {"accuracy": {"min": "high"}}}, 'wine.gate.accuracy.min is "high"; it must be a number from 0 to 1'),
        ({"gate": {"accuracy": {"min": 1.5}}}, "wine.gate.accuracy.min is 1.5; it must be a number from 0 to 1"),
        ({"gate": {"accuracy": {"min": True}}}, "wine.gate.accuracy.min is true; it must be a number from 0 to 1"),
        ({"gate": {"log_loss": {"max": -1}}}, "wine.gate.log_loss.max is -1; it must be a number, 0 or more"),
        ({"gate": {"accuracy": {}}}, 'wine.gate.accuracy needs "min" or "max"'),
        ({"gate": {"accuracy": {"least": 1}}}, "wine.gate.accuracy.least is not a known key; allowed are min, max"),
        ({"gate": {"acuracy": {"min": 1}}}, "wine.gate.acuracy is not a known key; allowed are accuracy, "),
        (
            {"gate": {"no_worse_than_promoted": {"acuracy": 1}}},
            'wine.gate.no_worse_than_promoted.acuracy is "acuracy"; it must be an object of metrics',
        ),
        (
            {"gate": {"no_worse_than_promoted": {"accuracy": -1}}},
            "wine.gate.no_worse_than_promoted.accuracy is -1; it must be an object of metrics .*how much worse",
        ),
        ({"cv": 1}, "wine.cv is 1; it must be a whole number of folds, from 2 to 100"),
        ({"cv": 5, "test_size": 0.2}, "wine has cv and test_size; metrics come from the folds or from held-out rows"),
        (
            {"cv": 5, "gate": {"no_worse_than_promoted": {"accuracy": 0}}},
            "wine has cv and gate.no_worse_than_promoted, which needs rows that no model was fitted on",
        ),
        (
            {"cv": 5, "interval": 0.9},
            "wine has cv and interval, which needs rows that no model was fitted on; use test_size",
        ),
        ({"interval": 90}, "wine.interval is 90; it must be a share above 0 and below 1, such as 0.9"),
        ({"trials": 5}, "wine has trials and no search"),
        ({"trials": 1, "search": {"C": [1]}}, "wine.trials is 1; it must be a whole number, 2 or more"),
        ({"class_weight": "even"}, 'wine.class_weight is "even"; it must be "balanced", or an object of classes'),
        ({"class_weight": {"0": 0}}, 'wine.class_weight is {"0": 0}; it must be "balanced", or an object of classes'),
        ({"kinds": {"ash": "prose"}}, 'wine.kinds.ash is "prose"; it must be an object of columns, each with its kind'),
        (
            {"kinds": {"ash": {"kind": "prose"}}},
            'wine.kinds.ash.kind is "prose"; it must be one of number, integer, boolean',
        ),
        ({"kinds": {"ash": 1}}, "wine.kinds.ash is 1; it must be an object of columns, each with its kind"),
        (
            {"kinds": {"ash": {"kind": "date", "format": "%d"}}},
            'wine.kinds.ash.format is "%d", and it names no year; it must be how dates of a CSV are written',
        ),
        (
            {"kinds": {"ash": {"kind": "number", "format": "%Y"}}},
            'wine.kinds.ash has format and the kind "number"; only the kind "date" has format',
        ),
        (
            {"kinds": {"ash": {"kind": "date", "decimal": ","}}},
            'wine.kinds.ash has decimal and the kind "date"; only the kind "number" or "integer" has decimal',
        ),
        ({"kinds": {"ash": {"thousands": ","}}}, 'wine.kinds.ash has thousands and no kind; only the kind "number" or'),
        (
            {"kinds": {"ash": {"kind": "number", "decimal": ";"}}},
            'wine.kinds.ash.decimal is ";"; it must be the decimal mark of a CSV\'s numbers, "." or ","',
        ),
        (
            {"kinds": {"ash": {"kind": "number", "mising": []}}},
            "wine.kinds.ash.mising is not a known key; allowed are kind, format, decimal, thousands, missing",
        ),
        (
            {"kinds": {"ash": {"kind": "number", "thousands": "."}}},
            'wine has "." as decimal and as thousands of "ash" in kinds; say both marks there, such as "decimal": ","',
        ),
        ({"kinds": {"ash": {}}}, "wine.kinds.ash says nothing; it must have a kind, missing or unknown_categories"),
        ({"dates": "%d/%m"}, 'wine.dates is "%d/%m", and it names no year; it must be how dates of a CSV are written'),
        (
            {"dates": "%Y-%d-%m"},
            'wine.dates is "%Y-%d-%m", and it reads dates of ISO 8601 as other days; it must',
        ),
        ({"decimal": ";"}, 'wine.decimal is ";"; it must be the decimal mark of a CSV\'s numbers, "." or ","'),
        ({"thousands": ";"}, 'wine.thousands is ";"; it must be the mark that parts the thousands of a CSV'),
        ({"thousands": "."}, 'wine has "." as decimal and as thousands; say both marks, such as "decimal": ","'),
        ({"missing": "?"}, 'wine.missing is "\\?"; it must be a list of texts of a CSV that mean missing'),
        ({"drop_missing_target": 1}, "wine.drop_missing_target is 1; it must be true or false"),
        ({"exclude": ["target"]}, 'wine has its target "target" among the excluded columns'),
        ({"features": ["ash"], "exclude": ["hue"]}, "wine has features and exclude; only one of them can choose"),
        ({"scoring": "speed"}, 'wine.scoring is "speed"; it must be what a search goes by, one of accuracy, '),
        ({"schedule": "daily"}, 'wine.schedule is "daily"; it must be a cron line of five fields in UTC'),
        ({"schedule": "61 * * * *"}, r'wine.schedule is "61 \* \* \* \*"; it must be a cron line of five fields'),
        ({"schedule": "0 0 3 * * *"}, "wine.schedule is .*; it must be a cron line of five fields"),
        ({"schedule": 3}, "wine.schedule is 3; it must be a cron line of five fields"),
        ({"gate": 1}, "wine.gate is 1; it must be an object of metrics"),
        ({"data": ""}, 'wine.data is ""; it must be "sklearn:NAME", a path, or an s3:// or https:// URL'),
        ({"data": None}, 'wine.data is null; it must be "sklearn:NAME"'),
        (
            {"estimator": "os.system"},
            'wine.estimator is "os.system"; it must be a classifier or regressor of scikit-learn, XGBoost',
        ),
        (
            {"estimator": "sklearn.x; import os"},
            "wine.estimator is .*; it must be a classifier or regressor of scikit-learn, XGBoost or Light",
        ),
        ({"params": []}, r"wine.params is \[\]; it must be an object of the estimator's parameters"),
        ({"search": {"C": []}}, r"wine.search.C is \[\]; it must be an object of parameters, each with a list"),
        ({"search": {"C": 1}}, "wine.search.C is 1; it must be an object of parameters, each with a list"),
        ({"params": {"C": 1}, "search": {"C": [1]}}, 'wine has "C" in params and in search'),
        ({"test_size": 0}, "wine.test_size is 0; it must be a share of the rows, above 0 and below 1"),
        ({"test_size": 1}, "wine.test_size is 1; it must be a share of the rows, above 0 and below 1"),
        ({"random_state": -1}, "wine.random_state is -1; it must be a whole number from 0 to 4294967295"),
        ({"random_state": 1.5}, "wine.random_state is 1.5; it must be a whole number"),
        ({"features": []}, r"wine.features is \[\]; it must be a list of one or more columns' names"),
        ({"features": ["a", "a"]}, 'wine names "a" twice in features'),
        ({"features": ["a", "target"]}, 'wine has its target "target" among its features'),
        ({"target": ""}, 'wine.target is ""; it must be a column\'s name'),
        ({"estimater": 1}, "wine.estimater is not a known key; allowed are description, data, target, features"),
    ],
)
def test_spec_with_a_bad_value_names_it_and_what_is_allowed(tmp_path: Path, change: Any, message: str) -> None:
    path = write(tmp_path, {"wine": {**SPEC, **change}})
    with pytest.raises(SpecInvalid, match=f"models.json: {message}"):
        read_specs(ModelsFile.at(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not valid JSON"),
        ("{", "is not valid JSON"),
        ("[]", r"holds \[\]; it must hold an object of models by name"),
        ("{}", "declares no model"),
        ('{"$schema": "x"}', "declares no model"),
        ('{"wine": 1}', "wine is 1; it must be an object"),
        ('{"Wine": {}}', "model name 'Wine' is not valid; it must be 1 to 63 lower-case"),
        ('{"../x": {}}', "model name '../x' is not valid"),
        ('{"wine": {}}', 'wine.data is missing; it must be "sklearn:NAME"'),
        ('{"wine": {"data": 1, "data": 2}}', 'the key "data" stands there twice'),
        ('{"wine": {}, "wine": {}}', 'the key "wine" stands there twice'),
        ("[" * 100_000, "is not valid JSON"),
        ('{"wine": {"params": {"C": Infinity}}}', "is not valid JSON: Infinity is not a finite number"),
        ('{"wine": {"params": {"C": NaN}}}', "is not valid JSON: NaN is not a finite number"),
        ('{"wine": {"gate": {"log_loss": {"max": 1e400}}}}', "is not valid JSON: 1e400 is not a finite number"),
        (r'{"wine": {"description": "\ud800"}}', "is not valid JSON: .*surrogates not allowed"),
    ],
)
def test_specs_refuse_what_is_no_models_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SpecInvalid, match=message):
        read_specs(ModelsFile.at(write(tmp_path, text)))


def test_kinds_are_names_or_objects_with_a_format(tmp_path: Path) -> None:
    kinds = {"a": "category", "b": {"kind": "date", "format": "%d/%m/%y"}, "c": {"kind": "number"}}
    spec = read_specs(ModelsFile.at(write(tmp_path, {"wine": {**SPEC, "kinds": kinds}})))["wine"]
    assert spec.declared_kinds == {"a": "category", "b": "date", "c": "number"}
    assert {name: own.dates for name, own in spec.own.items()} == {"b": "%d/%m/%y", "c": None}
    assert spec.model_dump(mode="json", exclude_none=True)["kinds"]["b"] == kinds["b"]


def test_specs_name_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SpecInvalid, match="models.json does not exist; it declares the models to train"):
        read_specs(ModelsFile.at(tmp_path / "models.json"))


def test_select_refuses_a_model_that_is_not_declared(tmp_path: Path) -> None:
    path = write(tmp_path, {"wine": SPEC, "beer": SPEC})
    specs = read_specs(ModelsFile.at(path))
    assert list(select(ModelsFile.at(path), specs, [])) == ["wine", "beer"]
    assert list(select(ModelsFile.at(path), specs, ["beer"])) == ["beer"]
    with pytest.raises(SpecInvalid, match=f'there is no model "rum" in {path}; it declares wine, beer'):
        select(ModelsFile.at(path), specs, ["rum"])
