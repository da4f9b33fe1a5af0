"""Logs of the service: one JSON object a line, which CloudWatch can filter on."""

import json
import logging
import time


class JsonFormatter(logging.Formatter):
    """`time` in UTC, `level`, `message`, `error` with the type of what went wrong, and Lambda's `function_version`."""

    def __init__(self, function_version: str | None = None) -> None:
        super().__init__()
        self._origin = {"function_version": function_version} if function_version else {}

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname,
            "message": record.getMessage(),
            **self._origin,
        }
        for name in ("error", "kind"):
            if value := getattr(record, name, None):
                line[name] = value
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure(level: str, function_version: str | None = None) -> None:
    """Send the service's own log to standard error; a canary's alarm tells versions of the function apart."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(function_version))
    logger = logging.getLogger("brinery")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(level)
