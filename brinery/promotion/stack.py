"""A CloudFormation stack made from infra/serving.yaml, or another of its parameters: the environment of a function."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Any, Self

from brinery.errors import EnvironmentFailed, EnvironmentSilent, PromotionRefused
from brinery.promotion.environment import Change, Held, State, challenge
from brinery.promotion.failures import aws_errors
from brinery.promotion.function import Function
from brinery.promotion.release import release_id
from brinery.versions.finding import Finding
from brinery.versions.profiles import aws_region

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
READY = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
POLL_SECONDS = 5.0
CHALLENGE = {"ChallengerVersion", "ChallengerShare"}  # which a stack of an older template has not
MOST_TEMPLATE_BYTES = 51_200  # that CloudFormation takes within a request


class Stack:
    """The stack's parameters `ModelVersion`, `ModelRecord`, `ChallengerVersion`, `ChallengerShare` and `ReleaseId`; all
    others keep their values."""

    def __init__(
        self,
        stack: str,
        clients: Callable[[str], Any],
        poll_seconds: float = POLL_SECONDS,
        role: str | None = None,
    ) -> None:
        """A stack by its name or ARN, looked at each `poll_seconds` in `follow`.

        Args:
            clients: makes boto3's client for a service, by its name.
            role: CloudFormation's service role for the update, by its ARN; None for the one that it used before, if
                any, else the caller's own rights.
        """
        self.stack = stack
        self._role = {"RoleARN": role} if role else {}
        self.updating = False  # by this object
        self._clients = clients
        self._client = clients("cloudformation")
        self._poll_seconds = poll_seconds
        self._seen: set[str] = set()  # events from before the update

    @classmethod
    def connect(cls, stack: str, environ: Mapping[str, str]) -> Self:
        """Connect as the standard AWS variables and profiles say, and update by the role of CLOUDFORMATION_ROLE_ARN.

        Raises:
            EnvironmentFailed: boto3 is not installed, or there is no region.
        """
        try:
            import boto3
        except ImportError as exc:
            raise EnvironmentFailed("boto3 is not installed here; promoting a stack needs it") from exc
        with aws_errors(f"reach stack {stack}"):
            session = boto3.session.Session(region_name=aws_region(environ))
            return cls(stack, session.client, role=environ.get("CLOUDFORMATION_ROLE_ARN") or None)

    @cached_property
    def name(self) -> str:
        """The same, whether the stack was named by its name or by its ARN."""
        return f"stack {self._describe()['StackName']}"

    def held(self, model: str) -> Held:
        """What the stack holds now.

        Raises:
            PromotionRefused: it serves another model.
            EnvironmentFailed: there is no such stack, or it was not made from this project's template.
        """
        described = self._describe()
        parameters = _parameters(described)
        for needed in ("ModelName", "ModelVersion", "ModelRecord", "ReleaseId", "ServingImageUri"):
            if needed not in parameters:
                raise EnvironmentFailed(
                    f"stack {self.stack} has no parameter {needed}; it must be made from infra/serving.yaml"
                )
        if parameters["ModelName"] != model:
            raise PromotionRefused(f"stack {self.stack} serves {parameters['ModelName']}, not {model}")
        status, pin = described["StackStatus"], parameters["ModelVersion"]
        advice = "wait until it has ended" if status.endswith("_IN_PROGRESS") else "mend or delete it first"
        challenger, share = challenge(model, parameters.get("ChallengerVersion"), parameters.get("ChallengerShare"))
        return Held(
            pin=f"{model}:{pin}" if pin else None,
            challenger=challenger,
            share=share,
            record=parameters["ModelRecord"] or None,
            image=parameters["ServingImageUri"],
            unsettled=None if status in READY else f"stack {self.stack} is in {status}; {advice}",
        )

    @property
    def outputs(self) -> dict[str, str]:
        """What the stack tells of its parts, by name."""
        return _outputs(self._describe())

    @property
    def registry(self) -> str | None:
        """The URL of the registry that the stack's function reads, where its outputs tell."""
        return self.outputs.get("Registry")

    @property
    def api(self) -> tuple[str | None, str | None]:
        """The URL of what the stack serves, where it serves, and who may call it: iam, jwt or open, where it says."""
        described = self._describe()
        return _outputs(described).get("Url"), _parameters(described).get("Access")

    def exclusive(self) -> AbstractContextManager[None]:
        """Nothing: CloudFormation itself lets no two updates run at once."""
        return nullcontext()

    def prepare(self, state: State) -> Change:
        """One update that sets the state, the record and the release id; `follow` waits for its end.

        Returns: what starts it, given the record's name, and raises
            EnvironmentFailed: CloudFormation refused it.
            EnvironmentSilent: it did not answer, so that the update may have begun.
        """
        described = self._describe()
        parameters = _parameters(described)
        pins = {"ModelVersion": state.reference.version_text}
        if state.challenger is not None or CHALLENGE <= parameters.keys():
            pins |= {"ChallengerVersion": state.challenger_text, "ChallengerShare": state.share_text or "0"}
        if not pins.keys() <= parameters.keys():
            raise EnvironmentFailed(
                f"stack {self.stack} has no parameter ChallengerVersion; update it to the newest infra/serving.yaml"
            )
        template = self._template()
        given = self._sent(template, _outputs(described).get("WorkBucket"))
        self._seen = {event["EventId"] for event in self._events()}

        def update(record: str) -> None:
            new = {**pins, "ModelRecord": record}
            new["ReleaseId"] = release_id({**parameters, **new}, template)
            changed = [{"ParameterKey": key, "ParameterValue": value} for key, value in new.items()]
            kept = [{"ParameterKey": key, "UsePreviousValue": True} for key in parameters if key not in new]
            with aws_errors(f"update stack {self.stack}"):
                self._client.update_stack(
                    StackName=self.stack,
                    **given,
                    Parameters=changed + kept,
                    Capabilities=CAPABILITIES,
                    **self._role,
                    RetainExceptOnCreate=True,  # else a canary that failed leaves its version of the function
                    ClientRequestToken=record,  # sent again after a lost answer, it is still one update
                )
            self.updating = True

        return update

    def follow(self, record: str, report: Callable[[str], None]) -> tuple[bool, str] | None:
        """Wait for the end of the update that this object began; whether the stack then holds `record`, and why not.

        Args:
            report: called with each event as a line.
        """
        if not self.updating:
            return None
        reasons: list[str] = []
        while True:
            described = self._describe()
            for event in reversed(self._events()):
                if event["EventId"] in self._seen:
                    continue
                self._seen.add(event["EventId"])
                reason = " ".join(event.get("ResourceStatusReason", "").split())
                report(f"{event['LogicalResourceId']} {event['ResourceStatus']} {reason}".rstrip())
                if event["ResourceStatus"].endswith("_FAILED") and reason:
                    reasons.append(f"{event['LogicalResourceId']}: {reason}")
            status = described["StackStatus"]
            if not status.endswith("_IN_PROGRESS"):
                break
            time.sleep(self._poll_seconds)
        held = _parameters(described).get("ModelRecord") == record
        succeeded = status in ("UPDATE_COMPLETE", "CREATE_COMPLETE") and held
        if succeeded:
            self._tidy(described, report)
        return succeeded, "; ".join([status, *reasons[:3]])

    def _tidy(self, described: Any, report: Callable[[str], None]) -> None:
        """Delete superseded versions of the function; where that fails, the promotion has succeeded all the same."""
        try:
            for function in self._function(described):
                for number in function.delete_superseded():
                    report(f"{function.name}:{number} was superseded, and is deleted")
        except (EnvironmentFailed, EnvironmentSilent) as exc:
            report(f"superseded versions are left: {exc}")

    def findings(self) -> Iterator[Finding]:
        """What there is to say of its function.

        Raises:
            EnvironmentFailed, EnvironmentSilent: AWS refused, or did not answer.
        """
        described = self._describe()
        if described["StackStatus"].endswith("_IN_PROGRESS"):
            yield Finding(
                f"{self.name}: function", "note", "it is being updated, and is to be looked at again afterwards"
            )
            return
        for function in self._function(described):
            for found in function.findings(_parameters(described).get("ModelVersion")):
                yield found._replace(check=f"{self.name}: {found.check}")

    def _function(self, described: Any) -> list[Function]:
        """The function of the stack, where it has one."""
        name = _outputs(described).get("ServingFunctionName")
        return [Function(self._clients("lambda"), name)] if name else []

    def next_step(self, store_url: str, ended: str | None) -> str:
        """How it ended, or how to see that."""
        return ended or "the update has begun; --wait would have followed it to its end"

    def _describe(self) -> Any:
        with aws_errors(f"describe stack {self.stack}"):
            return self._client.describe_stacks(StackName=self.stack)["Stacks"][0]

    def _template(self) -> str:
        """The template as it was deployed.

        The previous one, as CloudFormation would take it, is what SAM made of it then: with the old release id.
        """
        with aws_errors(f"read the template of stack {self.stack}"):
            body = self._client.get_template(StackName=self.stack, TemplateStage="Original")["TemplateBody"]
        return body if isinstance(body, str) else json.dumps(body)  # boto3 parses JSON, and leaves YAML alone

    def _sent(self, template: str, bucket: str | None) -> dict[str, str]:
        """How an update names the template: by its text, or where it is too long for a request, in the work bucket."""
        data = template.encode()
        if len(data) <= MOST_TEMPLATE_BYTES:
            return {"TemplateBody": template}
        if bucket is None:
            raise EnvironmentFailed(
                f"the template of stack {self.stack} has {len(data)} bytes; without an output WorkBucket at most "
                f"{MOST_TEMPLATE_BYTES} can be sent"
            )
        key = f"templates/{hashlib.sha256(data).hexdigest()}"
        with aws_errors(f"store the template of stack {self.stack} in {bucket}"):
            objects = self._clients("s3")
            objects.put_object(Bucket=bucket, Key=key, Body=data)
        return {"TemplateURL": f"{objects.meta.endpoint_url}/{bucket}/{key}"}

    def _events(self) -> list[Any]:
        with aws_errors(f"follow stack {self.stack}"):
            events: list[Any] = self._client.describe_stack_events(StackName=self.stack)["StackEvents"]
            return events


def _outputs(described: Any) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}


def _parameters(described: Any) -> dict[str, str]:
    return {each["ParameterKey"]: each["ParameterValue"] for each in described.get("Parameters", [])}
