"""The file of models: one of this machine, or an object in S3 that the environment pins by its sha256."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from brinery.errors import SettingInvalid
from brinery.versions.profiles import profile_credentials
from brinery.versions.store import BUCKET, URL_RULE, open_store
from training.errors import SpecInvalid

DEFAULT = Path("models.json")
MOST_BYTES = 1024 * 1024
PART = r"(?!\.{1,2}(?:/|$))[^/\x00-\x1f\x7f]+"
URI = re.compile(rf"s3://({BUCKET.pattern})/({PART}(?:/{PART})*)")
SHA256 = re.compile(r"[0-9a-f]{64}")
URI_RULE = "it must be s3://BUCKET/KEY"
SHA256_RULE = "it must be the sha256 of the file there, 64 hexadecimal digits in lower case"


@dataclass(frozen=True)
class ModelsFile:
    """What declares the models: how messages name it, its bytes, and the folder at which relative paths begin."""

    shown: str
    folder: Path
    data: bytes

    @classmethod
    def at(cls, path: Path) -> "ModelsFile":
        """The file of this machine; paths in it begin at its own folder.

        Raises:
            SpecInvalid: it cannot be read.
        """
        try:
            return cls(str(path), path.resolve().parent, path.read_bytes())
        except FileNotFoundError as exc:
            raise SpecInvalid(f"{path} does not exist; it declares the models to train") from exc
        except OSError as exc:
            raise SpecInvalid(f"{path} cannot be read: {exc.strerror}") from exc

    @classmethod
    def pinned(cls, uri: str, sha256: str, environ: Mapping[str, str]) -> "ModelsFile":
        """The object in S3 whose bytes have that sha256; paths in it begin at the working folder.

        Raises:
            SettingInvalid: one of the two is none, or the object has another sha256.
            BrineryError: it is not there, has more than 1 MiB, or the store failed.
        """
        found = URI.fullmatch(uri)
        if found is None:
            raise SettingInvalid(f"MODELS_URI is {ascii(uri)}; {URI_RULE}")
        if not SHA256.fullmatch(sha256):
            raise SettingInvalid(f"MODELS_SHA256 is {ascii(sha256)}; {SHA256_RULE}")
        store = open_store(f"s3://{found[1]}", credentials=profile_credentials(environ))
        data, digest = store.fetch(found[2], MOST_BYTES)
        if digest != sha256:
            raise SettingInvalid(f"MODELS_SHA256 is {sha256}, and the file at {uri} has {digest}; {SHA256_RULE}")
        return cls(uri, Path.cwd(), bytes(data))


def models_file(path: Path | None, registry: str | None, environ: Mapping[str, str]) -> ModelsFile:
    """The file at `path`; without one, that which MODELS_URI and MODELS_SHA256 name, else models.json of this folder.

    Args:
        registry: the URL that was given beside MODEL_REGISTRY.

    Raises:
        SpecInvalid: the file cannot be read.
        SettingInvalid: a variable is missing or has a value that is not allowed.
        BrineryError: S3 failed.
    """
    uri, sha256 = environ.get("MODELS_URI"), environ.get("MODELS_SHA256")
    if path is not None or not (uri or sha256):
        return ModelsFile.at(path or DEFAULT)
    if not uri:
        raise SettingInvalid(f"MODELS_URI is not set, and MODELS_SHA256 is {ascii(sha256)}; {URI_RULE}")
    if not sha256:
        raise SettingInvalid(f"MODELS_SHA256 is not set, and MODELS_URI is {ascii(uri)}; {SHA256_RULE}")
    if not (registry or environ.get("MODEL_REGISTRY")):
        raise SettingInvalid(f"MODEL_REGISTRY is not set, and MODELS_URI is {ascii(uri)}; it must be {URL_RULE}")
    return ModelsFile.pinned(uri, sha256, environ)
