"""The choice of a format: by what a version has and what is installed here."""

import re
import sys
from dataclasses import replace
from typing import Any

import pytest

from brinery.errors import FormatMissing, LibraryMismatch, ModelInvalid
from brinery.formats.choice import FORMATS, choose_format
from brinery.formats.runtimes import RUNTIMES
from brinery.versions.manifest import SCHEMA_VERSION, File, Manifest
from tests.examples import artifact, content, tiny


def manifest(*formats: str, **changes: Any) -> Manifest:
    """A manifest with those formats."""
    artifacts = {name: artifact(name) for name in formats}
    files = dict.fromkeys(["golden.json", *(each.file for each in artifacts.values())], File.of(b"x"))
    described = content("tiny", tiny()[0].features, (0, 1), artifacts=artifacts, **changes)
    return Manifest(**dict(described), schema_version=SCHEMA_VERSION, version=1, files=files)


@pytest.mark.parametrize(
    ("formats", "chosen"), [(("pickle", "onnx"), "onnx"), (("pickle",), "pickle"), (("onnx",), "onnx")]
)
def test_auto_prefers_onnx_and_takes_what_there_is(formats: tuple[str, ...], chosen: str) -> None:
    assert choose_format(manifest(*formats)).name == chosen


@pytest.mark.parametrize("wanted", FORMATS)
def test_wanted_format_is_taken(wanted: str) -> None:
    assert choose_format(manifest("pickle", "onnx"), wanted).name == wanted


def test_format_that_a_version_has_not_is_told_with_the_reason() -> None:
    omitted = {"onnx": "3 of 45 rows differ"}
    message = "tiny:1 has no model.onnx (3 of 45 rows differ); it has pickle"
    with pytest.raises(FormatMissing, match=f"^{re.escape(message)}$"):
        choose_format(manifest("pickle", omitted=omitted), "onnx")
    with pytest.raises(FormatMissing, match="^tiny:1 has no model.joblib; it has onnx$"):
        choose_format(manifest("onnx"), "pickle")


def test_format_that_cannot_run_here_is_passed_over_and_refused_where_it_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # as where it is not installed
    needs = "needs onnxruntime, not installed here; serve it with the image of RUNTIME=onnx$"
    assert choose_format(manifest("pickle", "onnx")).name == "pickle"
    with pytest.raises(LibraryMismatch, match=f"^the format onnx of tiny:1 {needs}"):
        choose_format(manifest("pickle", "onnx"), "onnx")
    with pytest.raises(LibraryMismatch, match=f"^tiny:1 comes as onnx, and its onnx {needs}"):
        choose_format(manifest("onnx"))
    with pytest.raises(ModelInvalid, match="^the libraries of format onnx cannot be imported here: "):
        replace(FORMATS["onnx"], module="brinery.formats.nothing").implementation()


def test_every_format_of_the_table_has_an_implementation_that_names_its_libraries() -> None:
    for name, fmt in FORMATS.items():
        assert fmt.name == name and fmt.installed
        made = artifact(name)
        assert (made.file, made.runtimes, made.modules) == (fmt.file, fmt.runtimes, (fmt.library,))
        assert made.libraries and all(fmt.library in RUNTIMES[runtime] for runtime in fmt.runtimes)
