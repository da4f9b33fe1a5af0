"""Logs of the service: one JSON object a line, which CloudWatch can filter on."""

import json
import logging
import time


class JsonFormatter(logging.Formatter):
    """`time` in UTC, `level`, `message`, and `error` with the type of what went wrong."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname,
            "message": record.getMessage(),
        }
        error = getattr(record, "error", None)
        if error:
            line["error"] = error
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure(level: str) -> None:
    """Send the service's own log to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("brinery")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(level)
