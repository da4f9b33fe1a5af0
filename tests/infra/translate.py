"""Prints the template as it is written and as SAM translates it; run where aws-sam-translator is installed.

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
        names = ("AWSLambdaBasicExecutionRole", "AWSCodeDeployRoleForLambda")
        return {name: f"arn:aws:iam::aws:policy/service-role/{name}" for name in names}


text = Path(sys.argv[1]).read_text()
translated = transform(yaml_parse(text), json.load(sys.stdin), ManagedPolicies())
roles = yaml_parse(Path(sys.argv[1]).with_name("github.yaml").read_text())
print(json.dumps({"written": yaml_parse(text), "translated": translated, "roles": roles}, default=str))
