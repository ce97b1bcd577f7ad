"""Where traces go. Comes with the extra ``otel``, and is imported only where ``EVENTLY_OTEL`` is on."""

from __future__ import annotations

import atexit
import importlib.metadata

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def exporting(instance: str) -> TracerProvider:
    """Return what sends the traces of this process away, in batches, to where the variables ``OTEL_*`` say."""
    provider = TracerProvider(
        resource=Resource.create(
            {
                "service.name": "evently",
                "service.version": importlib.metadata.version("evently-core"),
                "service.instance.id": instance,
            }
        )
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    atexit.register(provider.shutdown)
    return provider
