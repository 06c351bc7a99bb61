"""What Prometheus gets to see of a shop at work."""

import asyncio
import urllib.request

from prometheus_client.parser import text_string_to_metric_families


async def metrics_of(cluster, process):
    """
    Return what *process* offers: by name and the values of its labels.
    """
    address = cluster.process(process).environment["METRICS_ADDRESS"]
    answer = await asyncio.to_thread(urllib.request.urlopen, f"http://{address}/metrics")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.read().decode())
        for sample in family.samples
    }


async def test_events_on_their_way_are_counted_and_timed(cluster, shop, provider):
    sku = await shop.lamps(5)
    before = await metrics_of(cluster, "order-1")

    async with provider("swift"):
        placed = await shop.place(sku, 1)
        await shop.outcome_of(placed.order_id)

    async with asyncio.timeout(15):
        while True:
            now = await metrics_of(cluster, "order-1")
            told = now["waybill_relay_events_total", "order"]
            news = told - before.get(("waybill_relay_events_total", "order"), 0)
            # Gauges are read every few seconds.
            if news >= 3 and ("waybill_missing_aggregates", "order-fulfillment") in now:
                break
            await asyncio.sleep(0.1)
    assert now["waybill_consumer_events_total", "order-fulfillment", "applied"] > 0
    assert now["waybill_consumer_lag_seconds_count", "order-fulfillment"] > 0
    for gauge in ("dead_letters", "parked_aggregates", "missing_aggregates"):
        assert now[f"waybill_{gauge}", "order-fulfillment"] == 0
    assert ("waybill_outbox_events", "order") in now
