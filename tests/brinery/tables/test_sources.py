"""Sources: paths, S3 and URLs, by their names in messages."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import obstore
import pytest

from brinery.errors import DataInvalid
from brinery.tables.sources import find_source
from brinery.versions.store import Store
from tests.brinery.tables.reading import ROWS, parquet, read, read_bytes
from tests.conftest import free_port


def test_path_is_one_below_the_folder_or_absolute(tmp_path: Path) -> None:
    below = read_bytes(tmp_path, ROWS)
    absolute = read(str(tmp_path / "data"), Path("/nowhere"))
    assert (below.shown, absolute.shown) == ("data", str(tmp_path / "data"))
    assert below.frame.equals(absolute.frame) and len(below.frame) == 4


NOWHERE = {
    "no file": ("no.csv", "there is no no.csv in /"),
    "a NUL": ("a\0b", "there is no 'a\\x00b' in /"),
    "an empty folder": ("folder", "folder holds no file that ends in .parquet; it holds nothing"),
    "http": (
        "http://me:secret@x/d.csv?key=secret",
        "http://x/d.csv is not read over http; data is sklearn:NAME",
    ),
    "another scheme": (
        "gs://x/d.csv",
        "gs://x/d.csv is not read over gs; data is sklearn:NAME, a path, or an s3",
    ),
    "no URL": ("https://[secret", "data is no URL that can be read; data is sklearn:NAME"),
    "no port": ("https://x:secret/d", "https://x:secret/d is no URL that can be read"),
    "no bucket": ("s3://A_B/d.csv", "s3://A_B/d.csv names no bucket; it must be s3://BUCKET/KEY"),
}


@pytest.mark.parametrize(("data", "message"), NOWHERE.values(), ids=NOWHERE)
def test_source_that_is_not_there_gets_a_sentence(tmp_path: Path, data: str, message: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataInvalid) as caught:
        read(data, tmp_path)
    assert str(caught.value).startswith(message)


def test_folder_has_its_files_by_their_paths_below_it(tmp_path: Path) -> None:
    for path in ("b/2.parquet", "a/1.parquet", "a/.hidden.parquet", "_old/3.parquet", "notes.txt"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(path.encode())
    source = find_source(str(tmp_path), Path())
    assert source.file is None and list(source.files) == ["a/1.parquet", "b/2.parquet"]
    data, digest = source.files["a/1.parquet"]()
    assert (bytes(data), digest) == (b"a/1.parquet", hashlib.sha256(b"a/1.parquet").hexdigest())


def test_s3_object_is_read(s3_store: Store) -> None:
    obstore.put(s3_store.backend, "a b+c/rows.csv", ROWS)
    found = read(f"{s3_store.url}/a b+c/rows.csv")
    assert (len(found.frame), found.shown) == (4, f"{s3_store.url}/a b+c/rows.csv")
    assert found.sha256 == hashlib.sha256(ROWS).hexdigest()


def test_s3_prefix_may_end_with_a_slash(s3_store: Store) -> None:
    obstore.put(s3_store.backend, "p/1.parquet", parquet(x=[1, 2], target=["u", "v"]))
    assert len(read(f"{s3_store.url}/p/").frame) == 2


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://models/none.csv", "s3://models/none.csv: there is no such object, and none below it"),
        ("s3://no-such-bucket/none.csv", "s3://no-such-bucket/none.csv cannot be read: "),
    ],
)
def test_s3_object_that_is_not_there_gets_a_sentence(s3_store: Store, url: str, message: str) -> None:
    with pytest.raises(DataInvalid) as caught:
        read(url)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["pipe", "device"])
def test_pipe_or_device_is_refused_at_once(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "data.csv")
    with pytest.raises(DataInvalid, match="data.csv is neither a file nor a folder; data is sklearn:NAME, a path"):
        find_source("data.csv", tmp_path)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("s3//AKIA:canary@bucket/key.csv", "there is no s3//…@bucket/key.csv in"),
        ("htps:/me:canary@host/data.csv", "there is no htps:/…@host/data.csv in"),
        ("me:canary@host/data.csv", "there is no …@host/data.csv in"),
        ("s3://AKIA:canary@bucket/key.csv", "s3://…@bucket/key.csv names no bucket"),
        ("s3://bucket/key.csv?X-Amz-Signature=canary", r"s3://bucket/key.csv\?… is signed, and s3:// takes no query"),
        ("https//host/data.csv?sig=canary", r"there is no https//host/data.csv\?… in"),
        ("ftp://me:canary@host/data.csv?token=canary", "ftp://host/data.csv is not read over ftp"),
        ("data@2024.csv", "there is no data@2024.csv in"),
        ("what?.csv", r"there is no what\?.csv in"),
    ],
)
def test_mistyped_address_shows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: str, told: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(DataInvalid, match=told) as caught:
        find_source(data, tmp_path)
    assert "canary" not in str(caught.value)
