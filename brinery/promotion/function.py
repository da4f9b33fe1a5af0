"""A Lambda function behind its alias: its published versions, and which of them others have replaced."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from brinery.promotion.failures import aws_errors
from brinery.versions.finding import Finding

ALIAS = "live"
KEPT = 3  # the newest versions, whatever they are for: the way back of a deployment that fails leads to one of them
SHOWN = 10


@dataclass(frozen=True)
class Function:
    """A function by its name; `client` is boto3's for Lambda.

    What it is asked raises
        EnvironmentFailed: Lambda refused.
        EnvironmentSilent: it did not answer.
    """

    client: Any
    name: str

    def versions(self) -> tuple[list[int], list[int]]:
        """The numbers of all published versions, and of the superseded: no alias names them, and newer are there."""
        with aws_errors(f"list the versions of function {self.name}"):
            pages = self.client.get_paginator("list_versions_by_function").paginate(FunctionName=self.name)
            found = {each["Version"] for page in pages for each in page["Versions"]} - {"$LATEST"}
            aliases = self.client.get_paginator("list_aliases").paginate(FunctionName=self.name)
            named = {version for page in aliases for each in page["Aliases"] for version in _given_requests(each)}
        numbers = sorted(map(int, found))
        return numbers, [each for each in numbers[:-KEPT] if str(each) not in named]

    def delete_superseded(self) -> Iterator[int]:
        """Delete the superseded versions, each by its number, and yield those that are gone.

        One that an alias has come to name meanwhile is refused by Lambda itself, and stays.
        """
        for number in self.versions()[1]:
            with aws_errors(f"delete version {number} of function {self.name}"):
                try:
                    self.client.delete_function(FunctionName=self.name, Qualifier=str(number))
                except self.client.exceptions.ResourceConflictException:
                    continue
            yield number

    def findings(self, pin: str | None) -> Iterator[Finding]:
        """Whether it answers with the version that it should, and which of its own versions are superseded."""
        with aws_errors(f"look at function {self.name}"):
            live = self.client.get_function_configuration(FunctionName=self.name, Qualifier=ALIAS)
        served = live.get("Environment", {}).get("Variables", {}).get("MODEL_VERSION")
        says = f"{self.name}:{ALIAS} answers with {served}"
        if served == pin:
            yield Finding("function: live", "ok", says)
        else:
            yield Finding("function: live", "bad", f"{says}, and its stack holds {pin}")
        numbers, superseded = self.versions()
        found = f"{len(numbers)} versions of {self.name} are kept"
        if superseded:
            shown = ", ".join(map(str, superseded[:SHOWN])) + " …" * (len(superseded) > SHOWN)
            found += f", of which superseded: {shown}; `promote --wait` deletes all but the newest {KEPT}"
            if live.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions":
                found += ", and SnapStart is paid for each"
        yield Finding("function: versions", "note" if superseded else "ok", found)


def _given_requests(alias: Any) -> set[str]:
    return {alias["FunctionVersion"], *(alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights", {})}
