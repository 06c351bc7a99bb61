"""Writes docs/reference/metrics.md from the metrics in the code: `make docs`."""

from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from chassis.cache import metrics as cache_metrics
from chassis.events import metrics
from chassis.rpc import metrics as rpc_metrics
from chassis.storage import metrics as storage_metrics
from services.payment.adapters.stripe import metrics as psp_metrics
from services.payment.entrypoints import metrics as payment_metrics
from services.payment.entrypoints import reconciliation_metrics

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "metrics.md"
MODULES = (
    metrics,
    cache_metrics,
    storage_metrics,
    rpc_metrics,
    psp_metrics,
    payment_metrics,
    reconciliation_metrics,
)
TYPES = {Counter: "counter", Gauge: "gauge", Histogram: "histogram"}


def page() -> str:
    """
    Return the page as it should be today.
    """
    head = (
        "# Metrics\n\nWritten by `make docs` from the metrics in the code."
        "\nEach process offers them to Prometheus at its `METRICS_ADDRESS`, under `/metrics`."
        "\nCounters and histograms are of one process: sum them over replicas."
        "\nGauges are of what all replicas share: take their maximum. Those of caches are of one"
        " process.\n"
        "\n| metric | type | labels | meaning |\n|---|---|---|---|\n"
    )
    return head + "".join(
        row(metric)
        for module in MODULES
        for metric in vars(module).values()
        if isinstance(metric, MetricWrapperBase)
    )


def row(metric: MetricWrapperBase) -> str:
    suffix = "_total" if isinstance(metric, Counter) else ""
    labels = ", ".join(f"`{label}`" for label in metric._labelnames)
    text = metric._documentation
    return f"| `{metric._name}{suffix}` | {TYPES[type(metric)]} | {labels} | {text} |\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page())
