from sqlalchemy import text

from chassis.kernel.ids import new_id
from services.fulfillment.application.deliver_shipments import DeliverShipment, deliver_shipments
from services.fulfillment.application.dispatch_shipments import (
    DispatchShipment,
    dispatch_shipments,
)
from services.fulfillment.application.list_provider_work import (
    ListProviderWork,
    list_provider_work,
)
from services.fulfillment.domain.values import OrderId, ProviderId, ShipmentId

ACE = ProviderId("ace")


async def ended(fulfillment, work):
    calls = {"uow": fulfillment.uow, "clock": fulfillment.clock}
    shipment_id = ShipmentId(new_id())
    parcel = DispatchShipment(
        shipment_id=shipment_id,
        fulfillment_order_id=work.id,
        provider_id=ACE,
        goods=(),
        tracking_number="T1",
    )
    await dispatch_shipments([parcel], **calls)
    delivery = DeliverShipment(fulfillment_order_id=work.id, shipment_id=shipment_id)
    await deliver_shipments([delivery], **calls)


async def test_work_is_listed_from_its_acceptance_to_its_end_page_by_page(fulfillment):
    await fulfillment.given_provider("ace")
    ids = [OrderId(new_id()) for _ in range(4)]
    works = sorted(await fulfillment.given_accepted_work(*ids), key=lambda work: work.id)
    await fulfillment.given_work(OrderId(new_id()))
    await ended(fulfillment, works[1])

    first = ListProviderWork(provider_id=ACE, after=None, limit=2)
    page, is_more = await list_provider_work(first, uow=fulfillment.uow)
    second = ListProviderWork(provider_id=ACE, after=page[-1].id, limit=2)
    rest, is_still_more = await list_provider_work(second, uow=fulfillment.uow)

    assert [work.id for work in (*page, *rest)] == [works[n].id for n in (0, 2, 3)]
    assert (is_more, is_still_more) == (True, False)


async def test_it_reads_nothing_but_work_under_way(fulfillment):
    async with fulfillment.database.begin() as tx:
        await tx.run(text("SET LOCAL enable_seqscan = off"))
        plan = await tx.rows(
            text(
                "EXPLAIN SELECT * FROM fulfillment_orders WHERE done_by = 'ace'"
                " AND status = 'IN_PROGRESS' AND id > '00000000-0000-0000-0000-000000000000'"
                " ORDER BY id LIMIT 3"
            )
        )

    words = " ".join(row[0] for row in plan)
    assert "ix_fulfillment_orders_under_way" in words
    assert "Sort" not in words
