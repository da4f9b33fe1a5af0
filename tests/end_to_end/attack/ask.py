"""Has an attacker's pickle loaded by the model process of one with a secret in its environment, as commands do."""

import io
import os
import subprocess
from typing import Any

import joblib

from brinery.errors import BrineryError
from brinery.loading import model_process
from brinery.versions.catalog import find_version
from brinery.versions.manifest import ManifestContent
from brinery.versions.publish import publish
from brinery.versions.read import read_file
from brinery.versions.reference import Reference
from brinery.versions.store import open_store

LOOK: str = globals()["LOOK"]
if not globals()["IS_CLOSED"]:
    popen = subprocess.Popen
    unconfined = ["-c", "from brinery.loading.servable import answer, import_ahead; answer(import_ahead())"]
    vars(model_process)["close_this_process"] = lambda: None
    vars(subprocess)["Popen"] = lambda command, **options: popen([*command[:2], *unconfined], **options)


class Evil:
    def __reduce__(self) -> Any:
        return exec, (LOOK, {})


theirs = open_store(os.environ["MODEL_REGISTRY"])
published = find_version(theirs, Reference("wine", 1))
files = {name: bytes(read_file(theirs, published, name)) for name in published.manifest.files}
pickle = io.BytesIO()
joblib.dump(Evil(), pickle)
content = {name: getattr(published.manifest, name) for name in ManifestContent.model_fields}
mine = open_store("file:///tmp/registry", create=True)
evil = publish(mine, ManifestContent(**content), {**files, "model.joblib": pickle.getvalue()}, lambda *_: None)
with model_process.ModelProcess() as process:
    try:
        process.replay(mine, evil, "pickle")
    except BrineryError as exc:
        print(exc)
