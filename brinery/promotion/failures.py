"""boto3's errors as ours; the one place that knows them."""

from collections.abc import Iterator
from contextlib import contextmanager

from brinery.errors import EnvironmentFailed, EnvironmentSilent


@contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Translate what AWS, or the lack of it, says while `doing` something.

    Raises:
        EnvironmentFailed: it was refused, and nothing was done.
        EnvironmentSilent: there was no answer, so that it may have been done.
    """
    import botocore.exceptions

    try:
        yield
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, ValueError) as exc:
        message = f"cannot {doing}: {' '.join(str(exc).split())}"
        refused = isinstance(exc, botocore.exceptions.ClientError) and (
            exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) < 500
        )
        raise (EnvironmentFailed if refused else EnvironmentSilent)(message) from exc
