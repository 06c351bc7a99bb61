"""What can be seen of the conversation with the PSP, for Prometheus."""

from prometheus_client import Counter, Histogram

ANSWERS = Counter(
    "waybill_psp_answers",
    "What the PSP was asked, by account and verb (authorize, increment, capture, void, refund), and"
    " whether it approved, declined, or left it unknown.",
    ["account", "verb", "outcome"],
)
SECONDS = Histogram(
    "waybill_psp_answer_seconds",
    "How long it took to know, or to give up for now, by verb.",
    ["verb"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
