"""Registries as commands open them: by URL, variable or folder, with the profile that AWS_PROFILE names."""

from pathlib import Path

import pytest

from brinery.errors import SettingInvalid, StoreUnavailable
from brinery.versions.profiles import open_registry, profile_credentials


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration with a profile that has keys, and one that has none."""
    (tmp_path / "config").write_text("[profile keys]\nregion = eu-central-1\n[profile empty]\n")
    (tmp_path / "credentials").write_text("[keys]\naws_access_key_id = AKIA1\naws_secret_access_key = secret\n")
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.mark.parametrize("environ", [{}, {"AWS_PROFILE": ""}], ids=["unset", "empty"])
def test_no_profile_gives_no_credentials(environ: dict[str, str]) -> None:
    assert profile_credentials(environ) is None


@pytest.mark.usefixtures("profiles")
def test_profile_gives_its_keys() -> None:
    provider = profile_credentials({"AWS_PROFILE": "keys"})
    assert provider is not None
    found = provider()
    assert isinstance(found, dict) and found["access_key_id"] == "AKIA1"


@pytest.mark.usefixtures("profiles")
@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ("nobody", r"^AWS_PROFILE is 'nobody': The config profile \(nobody\) could not be found$"),
        ("empty", "^AWS_PROFILE is 'empty': .*credentials"),
    ],
)
def test_profile_that_cannot_be_used_is_a_sentence(profile: str, message: str) -> None:
    with pytest.raises(SettingInvalid, match=message):
        profile_credentials({"AWS_PROFILE": profile})


def test_registry_is_the_url_else_the_variable_else_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_registry(None, tmp_path, create=True).url == (tmp_path / ".registry").as_uri()
    variable, given = (tmp_path / "variable").as_uri(), (tmp_path / "given").as_uri()
    monkeypatch.setenv("MODEL_REGISTRY", variable)
    assert open_registry(None, tmp_path, create=True).url == variable
    assert open_registry(given, tmp_path, create=True).url == given


def test_registry_is_made_only_where_it_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="the folder does not exist"):
        open_registry(None, tmp_path)
    assert not (tmp_path / ".registry").exists()
