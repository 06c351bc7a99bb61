"""What the product service must be told to run."""

from typing import Annotated

import msgspec

from chassis.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """
    What the product service is told beyond what every service is.

    Attributes:
        cache_url: Cache servers (Valkey or Redis), comma-separated, such as
            `redis://127.0.0.1:6379/0`; empty: each process caches for itself only.
        cache_budget_bytes: How much memory the cache in each process may take.
        cache_seconds: How long a product is believed if nothing tells of a change.
    """

    cache_url: str = ""
    cache_budget_bytes: Annotated[int, msgspec.Meta(ge=1_000_000)] = 67_108_864
    cache_seconds: Annotated[float, msgspec.Meta(ge=1)] = 300.0
