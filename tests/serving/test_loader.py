"""The loader: what is loaded again, what is not, and why a model is not served."""

import json
import threading
from collections.abc import Buffer, Mapping
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from brinery.errors import (
    AccessDenied,
    ArtifactDigest,
    BrineryError,
    CredentialsUnavailable,
    DigestMismatch,
    GoldenMismatch,
    LibraryMismatch,
    PinRequired,
    SchemaUnknown,
    StoreUnavailable,
    VersionMissing,
)
from brinery.loading.load import load
from brinery.loading.model import VerifiedModel
from brinery.versions.manifest import ManifestContent, digest_of
from brinery.versions.publish import publish
from brinery.versions.reference import Reference
from brinery.versions.store import Store, open_store
from serving.loader import Loader, NotServing, load_pinned
from serving.settings import Settings
from tests.conftest import overwrite
from tests.examples import publish_example, publish_files, tiny


class CountingStore(Store):
    """A store that counts its reads, and fails the first of them as told."""

    def __init__(self, store: Store, *failures: Exception) -> None:
        super().__init__(store.backend, store.url)
        self.reads: list[str] = []
        self._failures = iter(failures)

    def fetch(self, path: str, limit: int) -> tuple[Buffer, str]:
        self.reads.append(path)
        failure = next(self._failures, None)
        if failure is not None:
            raise failure
        return super().fetch(path, limit)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def memory() -> Store:
    return Store(MemoryStore(), "memory:")


def refused(loader: Loader) -> NotServing:
    with pytest.raises(NotServing) as caught:
        loader.get()
    return caught.value


def test_loader_without_fault_reads_each_file_once(memory: Store) -> None:
    reference = publish_example(memory, "alcohol")
    store = CountingStore(memory)
    loader = Loader(lambda: load(store, reference, format="pickle", profile=True))
    assert [loader.get() for _ in range(100)].count(loader.get()) == 100
    folder = reference.folder
    names = ("manifest.json", "model.joblib", "golden.json", "profile.json")
    assert store.reads == [f"{folder}/{name}" for name in names]


@pytest.mark.parametrize(
    "fault",
    [StoreUnavailable("no answer"), AccessDenied("denied"), CredentialsUnavailable("no keys")],
    ids=lambda e: type(e).__name__,
)
def test_loader_after_fault_of_the_store_tries_again_once_a_pause(memory: Store, fault: Exception) -> None:
    reference, clock = publish_example(memory, "alcohol"), Clock()
    store = CountingStore(memory, fault, fault, fault)
    loader = Loader(lambda: load(store, reference), clock=clock)
    waits = []
    for attempts, pause in ((1, 1.0), (2, 2.0), (3, 4.0)):
        for _ in range(5):
            waits.append(refused(loader).retry_after)
            assert len(store.reads) == attempts
        clock.now += pause
    assert waits == [1] * 5 + [2] * 5 + [4] * 5
    assert loader.get().reference == reference


def test_loader_comes_to_a_registry_and_a_version_that_were_not_there_yet(tmp_path: Path) -> None:
    """As where a folder is mounted late."""
    folder, clock = tmp_path / "registry", Clock()
    settings = Settings(folder.as_uri(), model_name="alcohol", model_version="1")
    loader = Loader(lambda: load_pinned(settings), clock=clock)
    assert str(refused(loader)) == "the registry cannot be read; the log says why"
    folder.mkdir()
    clock.now += 60
    assert str(refused(loader)) == "the version is not in the registry; the log says which"
    publish_example(open_store(folder.as_uri()), "alcohol")
    clock.now += 60
    assert loader.get().reference.name == "alcohol"


def test_loader_with_lasting_fault_pauses_at_most_30_seconds(memory: Store) -> None:
    clock, attempts = Clock(), []

    def fail() -> VerifiedModel:
        attempts.append(clock.now)
        raise StoreUnavailable("no answer")

    loader = Loader(fail, clock=clock)
    for _ in range(300):
        refused(loader)
        clock.now += 1
    gaps = [after - before for before, after in zip(attempts, attempts[1:], strict=False)]
    assert gaps == [1, 2, 4, 8, 16] + [30] * (len(gaps) - 5)


def damaged(store: Store, kind: str) -> Reference:
    """Publish the small model, then do to it what a fault or an attacker could."""
    reference = publish_files(store, *tiny())
    folder = reference.folder
    if kind == "manifest":
        overwrite(store, f"{folder}/manifest.json", bytes(store.read(f"{folder}/manifest.json", 10**6)) + b" ")
    elif kind == "artifact":
        data = bytearray(store.read(f"{folder}/model.joblib", 10**6))
        data[-1] ^= 1
        overwrite(store, f"{folder}/model.joblib", bytes(data))
    elif kind == "newer schema":
        manifest = json.loads(bytes(store.read(f"{folder}/manifest.json", 10**6)))
        newer = json.dumps({**manifest, "schema_version": 99, "added_later": 1}).encode()
        overwrite(store, f"{folder}/manifest.json", newer)
        return Reference(reference.name, reference.version, digest_of(newer))
    return reference


@pytest.mark.parametrize(
    ("kind", "error", "reads", "alarm"),
    [
        ("manifest", DigestMismatch, 1, "integrity"),
        ("artifact", ArtifactDigest, 2, "integrity"),
        ("newer schema", SchemaUnknown, 1, None),
    ],
)
def test_loader_after_failed_check_reads_nothing_again(
    memory: Store,
    caplog: pytest.LogCaptureFixture,
    kind: str,
    error: type[BrineryError],
    reads: int,
    alarm: str | None,
) -> None:
    reference, clock = damaged(memory, kind), Clock()
    with pytest.raises(error):
        load(memory, reference)
    store = CountingStore(memory)
    loader = Loader(lambda: load(store, reference), clock=clock)
    for _ in range(20):
        refused(loader)
        clock.now += 60
    assert len(store.reads) == reads
    assert [(vars(record)["error"], vars(record)["kind"]) for record in caplog.records] == [(error.__name__, alarm)]


def test_loader_of_model_that_fails_its_golden_rows_does_not_serve(
    memory: Store, caplog: pytest.LogCaptureFixture
) -> None:
    reference = published_with_golden(memory, [1, 1, 0, 0])
    with pytest.raises(GoldenMismatch):
        load(memory, reference)
    store, clock = CountingStore(memory), Clock()
    loader = Loader(lambda: load(store, reference), clock=clock)
    for _ in range(3):
        assert str(refused(loader)) == "the model could not be verified; the log says why"
        clock.now += 60
    assert "does not reproduce its golden rows: 4 of 4 get another label" in caplog.text
    assert len(store.reads) == 3


def test_version_that_is_served_without_a_digest_is_warned_of(memory: Store, caplog: pytest.LogCaptureFixture) -> None:
    reference = publish_example(memory, "alcohol")
    caplog.set_level("INFO")
    for each in (reference, Reference("alcohol", 1)):
        Loader(lambda each=each: load(memory, each)).get()  # type: ignore[misc]
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", f"serving {reference}"),
        ("WARNING", f"serving {reference}, by the digest that the bucket gave: nothing outside vouches for it"),
    ]


def published_with_golden(store: Store, labels: list[int]) -> Reference:
    """A version whose golden rows are wrong, made as its publisher would have to: past publish's own check."""
    described, files = tiny()
    golden = json.loads(files["golden.json"])
    for answer, label in zip(golden["answers"], labels, strict=True):
        answer["prediction"] = label
    return published_as(store, described, {**files, "golden.json": json.dumps(golden).encode()})


def published_as(store: Store, described: ManifestContent, files: Mapping[str, bytes]) -> Reference:
    """A version that no check has seen."""
    return publish(store, described, files, lambda *_: None).reference


def test_loader_with_unexpected_error_does_not_serve_and_does_not_raise() -> None:
    def fail() -> VerifiedModel:
        raise ZeroDivisionError("an error that nobody thought of")

    loader = Loader(fail)
    loader.start()
    loader.wait(10)
    assert str(refused(loader)) == "the model could not be loaded; the log says why"


def test_loader_waits_no_longer_than_told() -> None:
    release = threading.Event()

    def hang() -> VerifiedModel:
        release.wait(30)
        raise StoreUnavailable("late")

    loader = Loader(hang)
    loader.start()
    loader.wait(0.05)
    assert loader.model is None
    release.set()
    loader.wait(30)
    assert str(refused(loader)) == "the registry cannot be read; the log says why"


def test_load_pinned_without_version_says_what_to_set(folder_store: Store) -> None:
    with pytest.raises(BrineryError, match="MODEL_VERSION is not set; set it to a version with its digest"):
        load_pinned(Settings(folder_store.url))


def test_load_pinned_without_name_takes_the_only_model(folder_store: Store) -> None:
    reference = publish_example(folder_store, "alcohol")
    model = load_pinned(Settings(folder_store.url, model_version=reference.version_text))
    assert (model.manifest.name, model.pinned) == ("alcohol", True)


def test_load_pinned_without_name_lists_the_models(folder_store: Store) -> None:
    publish_example(folder_store, "alcohol"), publish_example(folder_store, "wine")
    with pytest.raises(BrineryError, match="MODEL_NAME is not set: set it to a model of .*; it has alcohol, wine"):
        load_pinned(Settings(folder_store.url, model_version="1"))


def test_load_pinned_without_any_model_says_so(folder_store: Store) -> None:
    with pytest.raises(BrineryError, match="MODEL_NAME is not set: set it to a model of .*; it has none yet"):
        load_pinned(Settings(folder_store.url, model_version="1"))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"model_version": "1", "require_pin": True}, PinRequired, "REQUIRE_PIN is on"),
        ({"model_version": "9"}, VersionMissing, "alcohol:9 is not in the registry"),
        ({"model_version": "latest"}, BrineryError, "'latest' is not a version"),
        ({"model_version": "1", "model_name": "../x"}, BrineryError, "model name '../x' is not valid"),
        ({"model_version": f"1@sha256:{'0' * 64}"}, DigestMismatch, "it is not the pinned one"),
    ],
)
def test_load_pinned_with_unusable_settings_is_refused(
    folder_store: Store, settings: dict[str, str], error: type[BrineryError], message: str
) -> None:
    publish_example(folder_store, "alcohol")
    with pytest.raises(error, match=message):
        load_pinned(Settings(folder_store.url, **settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("format", ["pickle", "onnx"])
def test_load_pinned_serves_the_wanted_format(folder_store: Store, format: str) -> None:
    publish_example(folder_store, "alcohol")
    assert load_pinned(Settings(folder_store.url, model_version="1", model_format=format)).format == format


def test_load_pinned_of_other_library_version_is_refused(folder_store: Store) -> None:
    described, files = tiny()
    pickle = described.artifacts["pickle"].model_copy(update={"libraries": {"scikit-learn": "0.1"}})
    reference = published_as(folder_store, described.model_copy(update={"artifacts": {"pickle": pickle}}), files)
    with pytest.raises(LibraryMismatch, match="tiny:1 was made with .*scikit-learn 0.1"):
        load_pinned(Settings(folder_store.url, model_version=reference.version_text))
