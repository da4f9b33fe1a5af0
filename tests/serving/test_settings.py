from pathlib import Path

import pytest

from brinery.errors import SettingInvalid
from serving.settings import MEGABYTE, Settings, read_settings

RECORD = "20261101T120000Z-" + "a" * 64


def test_settings_without_variables_are_the_defaults() -> None:
    assert read_settings({}) == Settings(
        registry=(Path.cwd() / ".registry").as_uri(),
        model_name=None,
        model_version=None,
        model_record=None,
        require_pin=False,
        model_format="auto",
        max_rows=10_000,
        max_body_bytes=5_242_880,
        log_level="INFO",
    )


def test_settings_with_empty_variables_are_the_defaults() -> None:
    variables = ["MODEL_REGISTRY", "MODEL_NAME", "MODEL_VERSION", "MODEL_RECORD", "REQUIRE_PIN", "MODEL_FORMAT"]
    variables += ["MAX_ROWS", "MAX_BODY_BYTES", "LOG_LEVEL", "PORT", "CAPTURE", "CAPTURE_LOG_GROUP"]
    assert read_settings(dict.fromkeys(variables, "")) == read_settings({})


@pytest.mark.parametrize(
    ("variable", "value", "field", "expected"),
    [
        ("MODEL_REGISTRY", "s3://models/team", "registry", "s3://models/team"),
        ("MODEL_NAME", "wine", "model_name", "wine"),
        ("MODEL_VERSION", "7", "model_version", "7"),
        ("MODEL_RECORD", RECORD, "model_record", RECORD),
        ("REQUIRE_PIN", "on", "require_pin", True),
        ("REQUIRE_PIN", "1", "require_pin", True),
        ("REQUIRE_PIN", "True", "require_pin", True),
        ("REQUIRE_PIN", "off", "require_pin", False),
        ("REQUIRE_PIN", "0", "require_pin", False),
        ("MODEL_FORMAT", "onnx", "model_format", "onnx"),
        ("MODEL_FORMAT", "Pickle", "model_format", "pickle"),
        ("MAX_ROWS", "1", "max_rows", 1),
        ("MAX_BODY_BYTES", "999999999", "max_body_bytes", 999_999_999),
        ("LOG_LEVEL", "debug", "log_level", "DEBUG"),
        ("PORT", "8081", "port", 8081),
        ("CAPTURE", "0.1", "capture", 0.1),
        ("CAPTURE", "1.", "capture", 1.0),
        ("CAPTURE", ".5", "capture", 0.5),
        ("CAPTURE_LOG_GROUP", "prod/captures", "capture_log_group", "prod/captures"),
    ],
)
def test_setting_given_is_read(variable: str, value: str, field: str, expected: object) -> None:
    assert getattr(read_settings({variable: value}), field) == expected


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("MODEL_RECORD", "000001", "must be the name of a record, as `promote` sets it"),
        *(("CAPTURE", value, "must be a number from 0 to 1") for value in ("1.01", "-0.1", "nan", "1e-3", "10%", "٠")),
        ("CAPTURE_LOG_GROUP", "a group", "must be the name of a log group in CloudWatch"),
        ("REQUIRE_PIN", "maybe", "must be one of 1, true, on, 0, false, off"),
        ("MODEL_FORMAT", "pmml", "must be one of auto, pickle, onnx"),
        ("MAX_ROWS", "0", "must be a whole number from 1 to 999999999"),
        ("MAX_ROWS", "-1", "must be a whole number from 1 to 999999999"),
        ("MAX_ROWS", "1e3", "must be a whole number from 1 to 999999999"),
        ("MAX_ROWS", "١", "must be a whole number from 1 to 999999999"),
        ("MAX_BODY_BYTES", "5MB", "must be a whole number from 1 to 999999999"),
        ("MAX_BODY_BYTES", "9999999999", "must be a whole number from 1 to 999999999"),
        ("LOG_LEVEL", "LOUD", "must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
        # uvicorn does not know this one
        ("PORT", "65536", "must be a whole number from 1 to 65535"),
        ("PORT", "0", "must be a whole number from 1 to 65535"),
        ("LOG_LEVEL", "NOTSET", "must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
    ],
)
def test_setting_not_allowed_is_refused_by_name(variable: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingInvalid) as refused:
        read_settings({variable: value})
    assert str(refused.value) == f"{variable} is {ascii(value)}; it {allowed}"


@pytest.mark.parametrize(
    ("variables", "rows", "size"),
    [
        ({}, 10_000, 5 * MEGABYTE),
        ({"SAGEMAKER_BATCH": "true"}, 5 * MEGABYTE, 5 * MEGABYTE),
        ({"SAGEMAKER_BATCH": "true", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "20"}, 20 * MEGABYTE, 20 * MEGABYTE),
        ({"SAGEMAKER_BATCH": "true", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "0"}, 5 * MEGABYTE, 5 * MEGABYTE),
        ({"SAGEMAKER_BATCH": "true", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "x"}, 5 * MEGABYTE, 5 * MEGABYTE),
        ({"SAGEMAKER_BATCH": "true", "MAX_ROWS": "7", "MAX_BODY_BYTES": "9"}, 7, 9),
        ({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "20"}, 10_000, 5 * MEGABYTE),
    ],
)
def test_a_transform_job_sets_the_limits_that_are_not_set(variables: dict[str, str], rows: int, size: int) -> None:
    settings = read_settings(variables)
    assert (settings.max_rows, settings.max_body_bytes) == (rows, size)
