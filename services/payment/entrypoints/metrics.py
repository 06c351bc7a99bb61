"""
What can be seen of webhooks and chargebacks, for Prometheus.

Counters are of this process: sum them over replicas. Gauges are of the database, which all
replicas share: take their maximum.
"""

from prometheus_client import Counter, Gauge

WEBHOOKS = Counter(
    "waybill_webhooks",
    "Webhooks by what they were answered: accepted, repeated (was here before), unavailable, or"
    " why they were refused, such as signature_wrong; of those that were refused the type is not"
    " known.",
    ["type", "outcome"],
)
WORKED_OFF = Counter(
    "waybill_webhooks_worked_off",
    "Webhooks by what became of them: noted, ignored (nothing of payments), foreign (not our"
    " payment), waiting (is tried again later), failed (waited for a day).",
    ["type", "outcome"],
)
WAITING = Gauge("waybill_webhooks_waiting", "Webhooks that are not worked off yet.")
OLDEST = Gauge(
    "waybill_webhooks_oldest_seconds",
    "How long ago the oldest webhook that is not worked off was received.",
)
FAILED = Gauge("waybill_webhooks_failed", "Webhooks that wait for a person.")
CHARGEBACKS_OPEN = Gauge("waybill_chargebacks_open", "Chargebacks that are not decided.")
EVIDENCE_DUE = Gauge(
    "waybill_chargebacks_evidence_due",
    "Chargebacks that await evidence, which is due within three days.",
)
