"""What can be seen of a service's calls to others, for Prometheus."""

from functools import lru_cache

from prometheus_client import Counter

CLIENT_CALLS = Counter(
    "waybill_grpc_client_calls", "Unary calls made to other services, by full method.", ["method"]
)


@lru_cache(maxsize=256)
def calls_of(method: str) -> Counter:
    """
    Return the counter of calls of *method*: to look it up costs more than to count.
    """
    return CLIENT_CALLS.labels(method)
