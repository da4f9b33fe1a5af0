"""What is stored is what was published, or it is refused before anything is unpickled."""

import json
from collections.abc import Buffer
from typing import Any

import pytest
from obstore.store import MemoryStore

from brinery.errors import (
    ArtifactDigest,
    ArtifactMissing,
    ArtifactSize,
    BrineryError,
    DigestMismatch,
    FormatMissing,
    GoldenMismatch,
    IdentityMismatch,
    IntegrityError,
    LibraryMismatch,
    ManifestInvalid,
    ModelInvalid,
    PinRequired,
    SchemaUnknown,
    VersionMissing,
)
from brinery.loading.load import load
from brinery.versions.manifest import File, digest_of
from brinery.versions.reference import Reference
from brinery.versions.store import Store
from tests.conftest import overwrite
from tests.examples import example, publish_example, publish_files, tiny
from tests.marks import MarkedClassifier, marks

MANIFEST = "tiny/versions/000001/manifest.json"
PICKLE = "tiny/versions/000001/model.joblib"


class AlteredStore(Store):
    """Another store's objects, one of them with other bytes."""

    def __init__(self, store: Store, path: str) -> None:
        super().__init__(store.backend, store.url)
        self.path = path
        self.bytes = bytearray(store.read(path, 2**20))

    def fetch(self, path: str, limit: int) -> tuple[Buffer, str]:
        return (self.bytes, digest_of(bytes(self.bytes))) if path == self.path else super().fetch(path, limit)


@pytest.fixture
def marked() -> tuple[Store, Reference]:
    """A published model that leaves a mark when it is unpickled."""
    store = Store(MemoryStore(), "memory:")
    reference = publish_files(store, *tiny(estimator=MarkedClassifier()))
    marks.clear()
    return store, reference


def rewrite_manifest(store: Store, path: str = MANIFEST, **changes: Any) -> str:
    """Change the manifest as one can who may write to the bucket; its new digest."""
    manifest = {**json.loads(bytes(store.read(path, 2**20))), **changes}
    data = json.dumps(manifest).encode()
    overwrite(store, path, data)
    return digest_of(data)


def replace_file(store: Store, path: str, name: str, data: bytes) -> Reference:
    """Replace a file and the manifest's record of it; what is left to find is in the file itself."""
    manifest = json.loads(bytes(store.read(f"{path}/manifest.json", 2**20)))
    manifest["files"][name] = File.of(data).model_dump()
    overwrite(store, f"{path}/{name}", data)
    digest = rewrite_manifest(store, f"{path}/manifest.json", files=manifest["files"])
    return Reference(manifest["name"], manifest["version"], digest)


def test_load_leaves_a_mark_where_nothing_was_changed(marked: tuple[Store, Reference]) -> None:
    load(*marked)
    assert marks == ["unpickled"]


@pytest.mark.parametrize(
    ("path", "error"), [(MANIFEST, DigestMismatch), (PICKLE, ArtifactDigest)], ids=["manifest", "pickle"]
)
def test_load_refuses_every_flipped_bit_before_unpickling(
    marked: tuple[Store, Reference], path: str, error: type[BrineryError]
) -> None:
    store, reference = marked
    altered = AlteredStore(store, path)
    for bit in range(8 * len(altered.bytes)):
        altered.bytes[bit // 8] ^= 1 << bit % 8
        with pytest.raises(error) as caught:
            load(altered, reference)
        assert type(caught.value) is error
        altered.bytes[bit // 8] ^= 1 << bit % 8
    assert marks == []


def test_load_refuses_a_swapped_manifest(marked: tuple[Store, Reference]) -> None:
    store, first = marked
    second = publish_files(store, *tiny(estimator=MarkedClassifier()))
    marks.clear()
    overwrite(store, MANIFEST, bytes(store.read(f"{second.folder}/manifest.json", 2**20)))
    with pytest.raises(DigestMismatch, match="it is not the pinned one"):
        load(store, first)
    with pytest.raises(IdentityMismatch, match="the manifest stored for tiny:1 is that of 'tiny:2'"):
        load(store, Reference("tiny", 1))
    assert marks == []


def test_load_refuses_another_models_manifest(marked: tuple[Store, Reference]) -> None:
    store, reference = marked
    other = publish_files(store, *tiny("other", MarkedClassifier()))
    overwrite(store, MANIFEST, bytes(store.read(f"{other.folder}/manifest.json", 2**20)))
    with pytest.raises(IdentityMismatch, match="the manifest stored for tiny:1 is that of 'other:1'"):
        load(store, Reference("tiny", 1))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda data: data[:-1], ArtifactSize, "model.joblib of tiny:1 has .* bytes; the manifest says"),
        (lambda data: b"", ArtifactSize, "model.joblib of tiny:1 has 0 bytes"),
        (lambda data: data + b"x", ArtifactSize, "model.joblib has .* bytes; at most .* are allowed"),
        (lambda data: data * 1000, ArtifactSize, "model.joblib has .* bytes; at most .* are allowed"),
        (lambda data: bytes(len(data)), ArtifactDigest, "its contents were changed"),
    ],
    ids=["truncated", "empty", "one byte more", "oversized", "zeros"],
)
def test_load_refuses_a_changed_pickle(
    marked: tuple[Store, Reference], change: Any, error: type[BrineryError], message: str
) -> None:
    store, reference = marked
    overwrite(store, PICKLE, change(bytes(store.read(PICKLE, 2**20))))
    for asked in (reference, Reference("tiny", 1)):
        with pytest.raises(error, match=message):
            load(store, asked)
    assert marks == []


@pytest.mark.parametrize("name", ["model.joblib", "golden.json"])
def test_load_names_a_missing_file(store: Store, name: str) -> None:
    described, files = tiny()
    reference = publish_files(store, described, files)
    store.backend.delete(f"{reference.folder}/{name}")
    with pytest.raises(ArtifactMissing, match=f"{name} of tiny:1 is missing"):
        load(store, reference)


def test_load_names_a_missing_version(store: Store) -> None:
    with pytest.raises(VersionMissing, match="tiny:1 is not in the registry"):
        load(store, Reference("tiny", 1))


def test_load_refuses_an_oversized_manifest(marked: tuple[Store, Reference]) -> None:
    store, reference = marked
    overwrite(store, MANIFEST, b" " * (1024 * 1024 + 1))
    with pytest.raises(ArtifactSize, match="manifest.json has 1048577 bytes; at most 1048576 are allowed"):
        load(store, reference)


@pytest.mark.parametrize("version", [3, 4, 10**30])
def test_load_refuses_a_newer_schema_and_calls_it_no_tampering(marked: tuple[Store, Reference], version: Any) -> None:
    store, _ = marked
    digest = rewrite_manifest(store, schema_version=version, added_later="x")
    message = f"published by a newer Brinery: its manifest has schema_version {version}, and this code knows those up"
    with pytest.raises(SchemaUnknown, match=message) as caught:
        load(store, Reference("tiny", 1, digest))
    assert not isinstance(caught.value, IntegrityError)
    assert marks == []


@pytest.mark.parametrize("version", [0, -1, True, "1", "2", None, 1.5, 2.0, [], "\ud800"], ids=repr)
def test_load_refuses_what_is_no_schema(marked: tuple[Store, Reference], version: Any) -> None:
    store, _ = marked
    digest = rewrite_manifest(store, schema_version=version)
    with pytest.raises(ManifestInvalid, match="it must be a whole number from 1") as caught:
        load(store, Reference("tiny", 1, digest))
    assert str(caught.value).isascii()
    assert marks == []


def test_load_refuses_a_manifest_that_calls_itself_older(marked: tuple[Store, Reference]) -> None:
    store, _ = marked
    digest = rewrite_manifest(store, schema_version=1)
    with pytest.raises(ManifestInvalid, match="is not valid: "):
        load(store, Reference("tiny", 1, digest))
    assert marks == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "is not a JSON object"),
        (b'{"name": "tiny", "version": 1, "schema_version": 1}', "is not valid"),
    ],
    ids=["empty", "cut", "not text", "deep", "array", "bare"],
)
def test_load_refuses_what_is_no_manifest(marked: tuple[Store, Reference], data: bytes, message: str) -> None:
    store, _ = marked
    overwrite(store, MANIFEST, data)
    with pytest.raises(ManifestInvalid, match=message):
        load(store, Reference("tiny", 1))


@pytest.mark.parametrize(
    "changes",
    [
        {"files": {}},
        {"files": {"../../../x": {"size": 1, "sha256": "0" * 64}}},
        {"unknown": 1},
        {"task": {"kind": "classification", "classes": [0]}},
        {"task": {"kind": "divination", "classes": [0, 1]}},
        {"artifacts": {}},
        {"evaluation": None},
        {"trained_at": "yesterday"},
        {"trained_at": "2026-01-01T00:00:00"},
        {"features": []},
        {"metrics": {"accuracy": "NaN"}},
    ],
    ids=repr,
)
def test_load_refuses_a_manifest_with_a_bad_field(marked: tuple[Store, Reference], changes: Any) -> None:
    store, _ = marked
    digest = rewrite_manifest(store, **changes)
    with pytest.raises(ManifestInvalid, match=f"is not valid: .*{next(iter(changes))}"):
        load(store, Reference("tiny", 1, digest))
    assert marks == []


def made_with(store: Store, **libraries: str) -> Any:
    """The manifest's artifacts, the pickle's made with other versions."""
    artifacts = json.loads(bytes(store.read(MANIFEST, 2**20)))["artifacts"]
    artifacts["pickle"]["libraries"] |= libraries
    return artifacts


@pytest.mark.parametrize(
    ("library", "version"), [("scikit-learn", "1.0.2"), ("numpy", "1.26.0"), ("joblib", "0.1"), ("python", "3.12.9")]
)
def test_load_refuses_other_libraries_before_unpickling(
    marked: tuple[Store, Reference], library: str, version: str
) -> None:
    store, _ = marked
    digest = rewrite_manifest(store, artifacts=made_with(store, **{library: version}))
    with pytest.raises(LibraryMismatch, match=f"tiny:1 was made with {library} {version}, here"):
        load(store, Reference("tiny", 1, digest))
    assert marks == []


def test_load_takes_another_patch_of_python(marked: tuple[Store, Reference]) -> None:
    store, _ = marked
    digest = rewrite_manifest(store, artifacts=made_with(store, python="3.13.99"))
    load(store, Reference("tiny", 1, digest))


def test_load_refuses_a_pickle_of_something_else(marked: tuple[Store, Reference]) -> None:
    store, reference = marked
    _, files = example("wine")
    asked = replace_file(store, reference.folder, "model.joblib", files["model.joblib"])
    with pytest.raises(ModelInvalid, match="has not the manifest's task, classification into 0, 1$"):
        load(store, asked)


def test_load_names_the_module_that_a_pickle_needs(marked: tuple[Store, Reference]) -> None:
    store, reference = marked
    broken = bytes(store.read(PICKLE, 2**20)).replace(b"tests.marks", b"tests.marxs")
    asked = replace_file(store, reference.folder, "model.joblib", broken)
    with pytest.raises(ModelInvalid, match="model.joblib does not load here: ModuleNotFoundError: .*tests.marxs"):
        load(store, asked)


def answers(*labels: Any, share: float | None = 0.5) -> list[Any]:
    """Answers as golden.json has them, with the same probability of each class, or none."""
    probabilities = {} if share is None else {"probabilities": {"0": share, "1": 1 - share}}
    return [{"prediction": label, **probabilities} for label in labels]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"answers": answers(1, 0, 1, 1)}, "does not reproduce its golden rows: 1 of 4 get another label"),
        ({"answers": answers(0, 0, 1)}, "fails on its golden rows: ValueError: .4 rows have 3 answers"),
        ({"answers": answers("0", "0", "1", "1")}, "fails on its golden rows: ValueError: .*is none of the classes"),
        (
            {"answers": answers(0, 0, 1, 1, share=None)},
            "another label; only one of them gives probabilities",
        ),
        ({"answers": answers(0, 0, 1, 1)}, "a probability differs by 0.[0-9]+ at most; a number may differ by 1e-05"),
        ({"answers": [{"prediction": 0, "probabilities": {"0": 1}}] * 4}, "fails on its golden rows: KeyError: .*1"),
        ({"rows": [["x"]] * 4}, "the golden rows do not fit the features: /data/0/0 x must be a finite number"),
        ({"rows": [[0.0, 1.0]] * 4}, "the golden rows do not fit the features: /data/0 has more than the 1 values"),
        ({"rows": [], "answers": []}, "fails on its golden rows: ValueError: .0 rows have 0 answers"),
        ({"rows": None}, "fails on its golden rows: TypeError"),
    ],
    ids=repr,
)
def test_load_refuses_a_model_that_answers_otherwise(
    marked: tuple[Store, Reference], changes: dict[str, Any], message: str
) -> None:
    store, reference = marked
    golden = {**json.loads(bytes(store.read(f"{reference.folder}/golden.json", 2**20))), **changes}
    asked = replace_file(store, reference.folder, "golden.json", json.dumps(golden).encode())
    with pytest.raises(GoldenMismatch, match=message):
        load(store, asked)


@pytest.mark.parametrize("golden", [b"", b"{}", b"[]", b"\xff", b"[" * 100_000], ids=len)
def test_load_refuses_what_are_no_golden_rows(marked: tuple[Store, Reference], golden: bytes) -> None:
    store, reference = marked
    with pytest.raises(GoldenMismatch, match="fails on its golden rows"):
        load(store, replace_file(store, reference.folder, "golden.json", golden))


def test_load_refuses_probabilities_that_are_off(marked: tuple[Store, Reference]) -> None:
    store, reference = marked
    golden = json.loads(bytes(store.read(f"{reference.folder}/golden.json", 2**20)))
    golden["answers"][0]["probabilities"]["0"] += 2e-5
    asked = replace_file(store, reference.folder, "golden.json", json.dumps(golden).encode())
    with pytest.raises(GoldenMismatch, match="a probability differs by 2e-05 at most; a number may differ by 1e-05"):
        load(store, asked)


def test_load_refuses_a_changed_onnx_file(store: Store) -> None:
    reference = publish_example(store, "wine")
    path = f"{reference.folder}/model.onnx"
    data = bytearray(store.read(path, 2**20))
    data[len(data) // 2] ^= 1
    overwrite(store, path, bytes(data))
    with pytest.raises(ArtifactDigest, match="model.onnx of wine:1"):
        load(store, reference)
    assert load(store, reference, format="pickle").format == "pickle"


def test_load_demands_a_pin_where_one_is_required(marked: tuple[Store, Reference]) -> None:
    store, reference = marked
    with pytest.raises(PinRequired, match="tiny:1 has no digest, and REQUIRE_PIN is on"):
        load(store, Reference("tiny", 1), require_pin=True)
    assert load(store, reference, require_pin=True).pinned
    assert not load(store, Reference("tiny", 1)).pinned


def test_load_says_why_a_format_is_missing(store: Store) -> None:
    described, files = tiny()
    reference = publish_files(store, described, files)
    with pytest.raises(FormatMissing, match="tiny:1 has no model.onnx; it has pickle"):
        load(store, reference, format="onnx")
    assert load(store, reference).format == "pickle"


@pytest.mark.parametrize("name", ["wine", "alcohol", "mixed"])
def test_load_answers_alike_in_both_formats(published: tuple[Store, dict[str, Reference]], name: str) -> None:
    store, references = published
    models = [load(store, references[name], format=each) for each in ("pickle", "onnx")]
    rows = json.loads(bytes(store.read(f"{references[name].folder}/golden.json", 2**20)))["rows"]
    pickle, onnx = (model.answer(rows, 100).answers for model in models)
    assert pickle.labels.tolist() == onnx.labels.tolist()
    assert pickle.probabilities is not None and onnx.probabilities is not None
    assert abs(pickle.probabilities - onnx.probabilities).max() <= 1e-5
    assert {"fetch", "verify", "load", "self_test"} == set(models[0].timings)
