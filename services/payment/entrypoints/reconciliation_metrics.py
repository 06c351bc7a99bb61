"""
What can be seen of reconciliation, for Prometheus.

All of it is of the database, which all replicas share: take the maximum.
"""

from prometheus_client import Gauge

DIFFERENCES = Gauge(
    "waybill_differences_open",
    "Differences between the PSP and the books that nobody has seen to, by kind.",
    ["kind"],
)
RECONCILED = Gauge(
    "waybill_reconciled_until_seconds",
    "Until when everything that an account at the PSP has moved is matched with the books, as a"
    " time in seconds since 1970.",
    ["psp_account"],
)
