"""How long to wait before trying again."""

import random

# Full jitter, so that those who failed together do not come back together:
# https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/


def backoff_seconds(attempts: int, *, first: float = 0.1, most: float = 10.0) -> float:
    """
    Return how long to wait after the attempt number *attempts* (1, 2, …) failed.
    """
    ceiling = min(most, first * 2 ** min(attempts - 1, 30))
    return first / 2 + random.uniform(0, ceiling)
