"""Telemetry is set up once, when a process starts, and flushed when it stops."""

import asyncio
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from chassis.telemetry.file_exporter import FileSpanExporter
from chassis.telemetry.logs import JsonFormatter
from chassis.telemetry.metrics import serve_metrics


class Telemetry:
    """
    The traces, metrics and logs of this process.
    """

    def __init__(
        self, provider: TracerProvider | None, stop_metrics: Callable[[], None] | None
    ) -> None:
        self._provider = provider
        self._stop_metrics = stop_metrics

    async def shut_down(self) -> None:
        """
        Export what is still buffered.
        """
        if self._provider:
            # It blocks, and a collector may live on this very loop (in tests).
            await asyncio.to_thread(self._provider.shutdown)
        if self._stop_metrics:
            await asyncio.to_thread(self._stop_metrics)


def set_up_telemetry(
    *,
    service: str,
    instance: str,
    otlp_endpoint: str = "",
    traces_file: str = "",
    sample_ratio: float = 0.01,
    metrics_address: str = "",
    log_level: str = "INFO",
) -> Telemetry:
    """
    Set up traces, metrics and logs for this process.

    Args:
        otlp_endpoint: Where to send spans by OTLP over gRPC; empty: nowhere.
        traces_file: Where to append spans as OTLP/JSON lines; empty: nowhere.
        sample_ratio: Of the traces that begin here, how many are kept: 0.0 to 1.0. A caller
            that traces or doesn't has already decided.
        metrics_address: Where Prometheus may ask, as `host:port`; empty: nowhere.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(service=service, instance=instance))
    logging.basicConfig(level=log_level, handlers=[handler], force=True)

    stop_metrics = serve_metrics(metrics_address) if metrics_address else None
    exporters: list[SpanExporter] = []
    if traces_file:
        exporters.append(FileSpanExporter(Path(traces_file)))
    if otlp_endpoint:
        # Imported only when asked for: who does not export need not carry it.
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
            OTLPSpanExporter,
        )

        exporters.append(OTLPSpanExporter(endpoint=otlp_endpoint, insecure=True))
    if not exporters:
        return Telemetry(None, stop_metrics)
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(sample_ratio)),
        resource=Resource.create({"service.name": service, "service.instance.id": instance}),
        shutdown_on_exit=False,
    )
    for exporter in exporters:
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=200))
    trace.set_tracer_provider(provider)
    return Telemetry(provider, stop_metrics)
