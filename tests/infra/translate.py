"""Prints, for each line of parameters, the templates as written, and serving's as SAM translates it, as a line; run
where aws-sam-translator is installed.

Its pydantic is older than ours, so that it has an environment of its own.
"""

import json
import sys
from pathlib import Path

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class ManagedPolicies:
    """The ARNs of AWS's own policies, without asking AWS for them."""

    def load(self) -> dict[str, str]:
        return {}


folder = Path(sys.argv[1])
written = {
    path.stem: yaml_parse(path.read_text()) for path in folder.glob("*.yaml") if "Resources:" in path.read_text()
}
template = (folder / "serving.yaml").read_text()
for line in sys.stdin:
    translated = transform(yaml_parse(template), json.loads(line), ManagedPolicies())
    print(json.dumps({"written": written, "translated": translated}, default=str), flush=True)
