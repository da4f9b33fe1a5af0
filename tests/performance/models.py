"""The measured models, trained and published by the project's own code into a real S3 service."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from brinery.loading.model_process import ModelProcess
from brinery.versions.manifest import FileName, Manifest
from brinery.versions.read import read_file, read_manifest
from brinery.versions.reference import Reference
from brinery.versions.store import Store, open_store
from tests.conftest import BUCKET, s3_service
from training.run import Session, train
from training.spec import ModelSpec

WINE = ModelSpec(data="sklearn:wine", estimator="sklearn.linear_model.LogisticRegression", params={"max_iter": 1000})
FOREST = ModelSpec(
    data="sklearn:wine", estimator="sklearn.ensemble.RandomForestClassifier", params={"n_estimators": 200}
)
ROW = [13.2, 1.78, 2.14, 11.2, 100, 2.65, 2.76, 0.26, 1.28, 4.38, 1.05, 3.4, 1050]


@dataclass(frozen=True)
class Registry:
    """A registry on S3, the variables that lead to it, and a folder for what a run needs."""

    store: Store
    variables: Mapping[str, str]
    folder: Path

    def train(self, name: str, spec: ModelSpec) -> Reference:
        with ModelProcess() as check:
            return train(name, spec, Session(self.store, check)).reference

    def manifest(self, reference: Reference) -> Manifest:
        return read_manifest(self.store, reference).manifest

    def file(self, reference: Reference, name: FileName) -> bytes:
        """The verified bytes of one of a version's files."""
        return bytes(read_file(self.store, read_manifest(self.store, reference), name))


@contextmanager
def registry_on_s3() -> Iterator[Registry]:
    """An empty registry on the S3 service of docker-compose.yml, run without Docker."""
    with tempfile.TemporaryDirectory(prefix="brinery-run-") as name:
        folder = Path(name)
        (folder / "s3").mkdir()
        with s3_service(folder / "s3") as endpoint:
            variables = {
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_REGION": "us-east-1",
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_ENDPOINT_URL_S3": endpoint,
                "MODEL_REGISTRY": f"s3://{BUCKET}/performance",
            }
            for variable in list(os.environ):
                if variable.startswith(("AWS_", "MODEL_")):
                    del os.environ[variable]
            os.environ.update(variables)
            yield Registry(open_store(variables["MODEL_REGISTRY"]), variables, folder)
