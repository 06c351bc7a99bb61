"""What can be seen of caches, for Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

# Seconds. A load is a statement or two; a cache server that needs longer is given up.
_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5)

HITS = Counter(
    "waybill_cache_hits",
    "Answers from a cache, by the level that had them: local (this process) or shared.",
    ["cache", "level"],
)
MISSES = Counter("waybill_cache_misses", "What no level had.", ["cache"])
STALE = Counter(
    "waybill_cache_stale_refused",
    "Values that a level had or was given although something newer was known.",
    ["cache"],
)
LOADS = Histogram(
    "waybill_cache_load_seconds",
    "How long the source took for what was missing.",
    ["cache"],
    buckets=_SECONDS,
)
SERVER_ERRORS = Counter(
    "waybill_cache_server_errors",
    "Requests to a cache server that failed or took too long, or answers that were not what was"
    " asked for.",
    ["cache"],
)
SERVER_SKIPS = Counter(
    "waybill_cache_server_skips", "Requests not made, as no cache server answers.", ["cache"]
)
BYTES = Gauge("waybill_cache_bytes", "What the cache in this process holds.", ["cache"])
EVICTIONS = Counter(
    "waybill_cache_evictions", "Entries that made room for others in this process.", ["cache"]
)
HOT_KEYS = Gauge("waybill_cache_hot_keys", "Keys that are asked for most.", ["cache"])
