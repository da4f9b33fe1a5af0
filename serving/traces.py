"""Traces: spans of what a request takes, sent to an OpenTelemetry collector; imported only where one is named."""

from collections.abc import Callable
from contextvars import copy_context
from dataclasses import replace
from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from brinery.jobs.submit import Jobs
from brinery.loading.model import VerifiedModel

FLUSH_MILLISECONDS = 2000  # that an answer of a Lambda function waits for the collector at most


class Traces:
    """The spans of one process. FastAPI begins one a request, within that of the caller by its `traceparent`."""

    def __init__(self, service: str) -> None:
        """Send to what the standard OTEL_* variables name; `service` is what the spans are of, unless these say it."""
        told = Resource.create()  # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
        unknown = str(told.attributes[SERVICE_NAME]).startswith("unknown_service")
        resource = told.merge(Resource({SERVICE_NAME: service})) if unknown else told
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(self._provider)
        self._tracer = self._provider.get_tracer("brinery")

    def model(self, model: VerifiedModel) -> VerifiedModel:
        """The same, with spans of `parse` and `predict`."""
        parser: Any = _Traced(self._tracer, model.parser, parse="parse")
        predictor: Any = _Traced(self._tracer, model.predictor, predict="predict")
        return replace(model, parser=parser, predictor=predictor)

    def jobs(self, jobs: Jobs) -> Jobs:
        """The same, with spans of `store` and `queue`."""
        table: Any = _Traced(self._tracer, jobs.table, accept="store", accept_once="store", job="store")
        work: Any = _Traced(self._tracer, jobs.work, create="store", read="store")
        queue: Any = _Traced(self._tracer, jobs.queue, send="queue")
        return replace(jobs, table=table, work=work, queue=queue)

    def carried[T](self, work: Callable[[], T]) -> Callable[[], T]:
        """Work for another thread, whose spans belong to the request."""
        context = copy_context()
        return lambda: context.run(work)

    def flush(self) -> None:
        """Send what there is, as a Lambda function must before it answers and is frozen."""
        self._provider.force_flush(FLUSH_MILLISECONDS)

    def end(self) -> None:
        """Send what there is, and stop."""
        self._provider.shutdown()


class _Traced:
    """A thing whose calls of some methods have a span each, named as given."""

    def __init__(self, tracer: trace.Tracer, thing: Any, **spans: str) -> None:
        self._tracer, self._thing, self._spans = tracer, thing, spans

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._thing, name)
        if name not in self._spans:
            return found

        def call(*arguments: Any, **more: Any) -> Any:
            with self._tracer.start_as_current_span(self._spans[name]):
                return found(*arguments, **more)

        return call
