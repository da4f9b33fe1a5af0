"""`import brinery`: all that it names is there, and nothing is imported before it is used."""

import pytest

import brinery
from brinery import errors
from tests.conftest import python


@pytest.mark.parametrize("name", brinery.__all__)
def test_name_of_the_face_is_there(name: str) -> None:
    assert getattr(brinery, name).__name__ == name
    assert name in dir(brinery)


def test_face_has_every_error() -> None:
    there = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert there <= set(brinery.__all__)
    assert brinery.IntegrityError is errors.IntegrityError


def test_face_has_nothing_else() -> None:
    with pytest.raises(AttributeError, match="module 'brinery' has no attribute 'latest'"):
        _ = brinery.latest


def test_import_of_the_face_imports_nothing_heavy() -> None:
    code = (
        "import brinery, sys; print(sorted({'numpy', 'pydantic', 'obstore', 'pandas', 'sklearn'} & set(sys.modules)))"
    )
    done = python("-c", code)
    assert (done.stdout, done.stderr) == ("[]\n", "")
