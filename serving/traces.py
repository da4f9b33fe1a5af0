"""Traces: spans of what a request takes, sent to an OpenTelemetry collector; imported only where one is named."""

import os
from dataclasses import replace
from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from brinery.jobs.submit import Jobs
from brinery.loading.model import VerifiedModel

SECONDS = 2  # that the collector has, and so that an answer of a Lambda function, or the server's end, waits at most


tracer = trace.get_tracer("brinery")  # of whichever provider is set


class Traces:
    """Sends the spans of this process. FastAPI begins one a request, within that of its caller by `traceparent`."""

    def __init__(self, service: str) -> None:
        """Send to what the standard OTEL_* variables name; `service` is what the spans are of, unless these say it."""
        told = Resource.create()  # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
        unknown = str(told.attributes[SERVICE_NAME]).startswith("unknown_service")
        resource = told.merge(Resource({SERVICE_NAME: service})) if unknown else told
        self._provider = TracerProvider(resource=resource)
        seconds = None if "OTEL_EXPORTER_OTLP_TIMEOUT" in os.environ else SECONDS
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=seconds)))
        trace.set_tracer_provider(self._provider)

    def flush(self) -> None:
        """Send what there is, as a Lambda function must before it answers and is frozen."""
        self._provider.force_flush()

    def end(self) -> None:
        """Send what there is, and stop."""
        self._provider.shutdown()


def traced_model(model: VerifiedModel) -> VerifiedModel:
    """The same, with spans of `parse` and `predict`."""
    parser: Any = _Traced(model.parser, parse="parse")
    predictor: Any = _Traced(model.predictor, predict="predict")
    return replace(model, parser=parser, predictor=predictor)


def traced_jobs(jobs: Jobs) -> Jobs:
    """The same, with spans of `store` and `queue`."""
    table: Any = _Traced(jobs.table, accept="store", accept_once="store", job="store")
    work: Any = _Traced(jobs.work, create="store", read="store")
    queue: Any = _Traced(jobs.queue, send="queue")
    return replace(jobs, table=table, work=work, queue=queue)


class _Traced:
    """A thing whose calls of some methods have a span each, named as given."""

    def __init__(self, thing: Any, **spans: str) -> None:
        self._thing, self._spans = thing, spans

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._thing, name)
        if name not in self._spans:
            return found

        def call(*arguments: Any, **more: Any) -> Any:
            with tracer.start_as_current_span(self._spans[name]):
                return found(*arguments, **more)

        return call
