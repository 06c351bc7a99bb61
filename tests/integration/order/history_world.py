"""Three contexts that tell of orders, as nothing but events; and a listener that hears them."""

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random
from uuid import UUID

from sqlalchemy import text

from chassis.events import streams
from chassis.events.consumer import Consumer
from chassis.events.headers import event_headers
from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from chassis.rpc.money import money_to_wire
from chassis.storage.database import connect
from retail.common.v1.event_pb2 import EventMeta
from retail.fulfillment.v1 import fulfillment_events_pb2 as fulfillment_pb
from retail.order.v1 import order_events_pb2 as order_pb
from retail.payment.v1 import payment_events_pb2 as payment_pb
from services.order.adapters.event_streams import NatsStreams
from services.order.adapters.history_rebuild import sql_rebuilding
from services.order.adapters.order_history import SqlOrderHistory
from services.order.adapters.unit_of_work import history_of
from services.order.application.history.rebuild_history import rebuild_history
from services.order.domain.history.summary import OrderSummary
from services.order.entrypoints.history_subscriptions import (
    HEARS,
    LISTENER,
    history_subscriptions,
)
from services.order.wire.history import told_from_payload

CORRUPTIONS = (
    "DELETE FROM order_history WHERE order_id = :id",
    "UPDATE order_history SET status = 'CANCELLED' WHERE order_id = :id",
    "UPDATE order_history SET account_id = 'thief', grand_total = 1 WHERE order_id = :id",
    "UPDATE order_history SET captured = captured + 1, voided = true, refunded = refunded + 1,"
    " charged_back = 7 WHERE order_id = :id",
    "UPDATE order_history SET fulfillment_status = 'RETURNED' WHERE order_id = :id",
    "UPDATE order_history SET works = '{}', returns = '{}' WHERE order_id = :id",
    "UPDATE order_history SET order_version = 1, payment_version = 0 WHERE order_id = :id",
)


def life_of(order_id):
    """
    What three contexts tell of one order that goes well: by context, in order.
    """
    pounds = money_to_wire(Money(20_00, "GBP"))
    goods = [order_pb.OrderedGoods(sku="LAMP", quantity=2)]
    placed = order_pb.OrderPlaced(account_id="shop-1", grand_total=pounds, goods=goods)
    at_main = order_pb.GoodsToFulfill(sku="LAMP", location_id="main", quantity=2)
    parcel = [fulfillment_pb.ShippedGoods(sku="LAMP", quantity=2)]
    return {
        "order": [placed, order_pb.OrderConfirmed(goods=[at_main]), order_pb.OrderCompleted()],
        "payment": [
            payment_pb.PaymentAuthorized(payment_id=str(order_id)),
            payment_pb.PaymentCaptured(payment_id=str(order_id), total_captured=pounds),
        ],
        "fulfillment": [
            fulfillment_pb.FulfillmentOrderOpened(location_id="main"),
            fulfillment_pb.OfferSubmitted(provider_id="swift"),
            fulfillment_pb.OfferAccepted(provider_id="swift"),
            fulfillment_pb.ShipmentDispatched(goods=parcel),
            fulfillment_pb.ShipmentDelivered(),
        ],
    }


def money_back(order_id):
    """
    What payment tells when half of it is paid back, once a refund has failed, and a bank has taken
    all of it for a while.
    """
    paid = {"payment_id": str(order_id)}
    none, whole = money_to_wire(Money(0, "GBP")), money_to_wire(Money(20_00, "GBP"))
    return [
        payment_pb.PaymentRefunded(total_refunded=whole, **paid),
        payment_pb.RefundFailed(total_refunded=none, reason="lost_or_stolen_card", **paid),
        payment_pb.ChargebackReceived(amount=whole, reason="fraudulent", **paid),
        payment_pb.ChargebackClosed(amount=whole, won=True, **paid),
        payment_pb.PaymentRefunded(total_refunded=money_to_wire(Money(10_00, "GBP")), **paid),
    ]


def goods_back():
    """
    What fulfillment tells of a return of one of the two, after it has asked and approved.
    """
    lamp = fulfillment_pb.ReturnedGoods(sku="LAMP", sellable=1, accepted=1, reason="OTHER")
    return [
        fulfillment_pb.ReturnRequested(kind="RETURN"),
        fulfillment_pb.ReturnApproved(),
        fulfillment_pb.ReturnReceived(kind="RETURN", resolution="REFUND", goods=[lamp]),
        fulfillment_pb.ReturnClosed(),
    ]


class World:
    """
    Three contexts that tell of orders, without any service: the events are all there is.
    """

    def __init__(self, database, broker, url):
        self.database = database
        self.broker = broker
        self.url = url
        self.waiting = []
        self.told = defaultdict(list)

    def live(self, orders, *, money_back=lambda _order_id: [], goods_back=list):
        """
        Have events of new orders wait to be told, those of different aggregates in any order.

        Args:
            money_back: What payment tells besides.
            goods_back: What fulfillment tells of a return of each.
        """
        lives = [(new_id(), UUID(int=new_id().int ^ 7)) for _ in range(orders)]
        rests = [
            (order_id, context, [self.event(order_id, work_id, context, *each) for each in events])
            for order_id, work_id in lives
            for context, parts in life_of(order_id).items()
            for more in [money_back(order_id) if context == "payment" else []]
            for events in [list(enumerate([*parts, *more], start=1))]
        ]
        for order_id, _ in lives:
            return_id = UUID(int=order_id.int ^ 11)
            told = [
                self.event(order_id, return_id, "fulfillment", *each)
                for each in enumerate(goods_back(), start=1)
            ]
            rests += [(order_id, "fulfillment", told)] if told else []
        random = Random(orders)
        while rests:
            rest = random.choice(rests)
            self.waiting.append((rest[0], rest[1], rest[2].pop(0)))
            if not rest[2]:
                rests.remove(rest)

    def event(self, order_id, work_id, context, version, event):
        aggregate_id = work_id if context == "fulfillment" else order_id
        if context != "payment":
            event.order_id = str(order_id)
        event.meta.CopyFrom(
            EventMeta(
                event_id=str(new_id()),
                aggregate_id=str(aggregate_id),
                aggregate_version=version,
            )
        )
        event.meta.occurred_at.FromDatetime(datetime.now(UTC))
        return event

    async def tell(self, events):
        jetstream = self.broker.jetstream()
        for order_id, context, event in self.waiting[:events]:
            headers = event_headers(
                context=context,
                event_id=UUID(event.meta.event_id),
                subject=event.DESCRIPTOR.full_name,
                aggregate_id=UUID(event.meta.aggregate_id),
                aggregate_version=event.meta.aggregate_version,
                occurred_at=event.meta.occurred_at.ToDatetime(UTC),
                replays=0,
                trace="",
            )
            payload = event.SerializeToString()
            self.told[order_id].append((event.DESCRIPTOR.full_name, payload))
            await jetstream.publish(event.DESCRIPTOR.full_name, payload, headers=headers)
        del self.waiting[:events]

    @asynccontextmanager
    async def listening(self, history_of=history_of):
        """
        Listen for the length of the block, and at its end until all was heard.
        """
        consumers = [
            Consumer(
                self.database,
                self.broker,
                listener=LISTENER,
                context=context,
                subscriptions=history_subscriptions(context, history_of),
            )
            for context in HEARS
        ]
        tasks = [asyncio.create_task(consumer.run()) for consumer in consumers]
        try:
            yield
            await self.all_heard()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def all_heard(self, contexts=HEARS):
        jetstream = self.broker.jetstream()
        async with asyncio.timeout(30):
            for context in contexts:
                name = (streams.stream_of(context), streams.durable_of(LISTENER, context))
                while True:
                    info = await jetstream.consumer_info(*name)
                    if not info.num_pending and not info.num_ack_pending:
                        break
                    await asyncio.sleep(0.02)

    async def rebuild(self, streams=None):
        database = connect(self.url, application="rebuild", idle_seconds=0)
        try:
            async with sql_rebuilding(database) as rebuilding:
                return await rebuild_history(
                    streams=streams or NatsStreams(self.broker),
                    rebuilding=rebuilding,
                    progress=lambda _: None,
                )
        finally:
            await database.close()

    async def corrupt(self):
        """
        Break every row in some way.
        """
        async with self.database.begin() as tx:
            rows = await tx.rows(text("SELECT order_id FROM order_history ORDER BY order_id"))
            for number, row in enumerate(rows):
                change = CORRUPTIONS[number % len(CORRUPTIONS)]
                assert await tx.run(text(change), {"id": row.order_id})

    async def shown(self):
        async with self.database.begin() as tx:
            return await SqlOrderHistory(tx).find([*self.told])

    async def statuses(self):
        query = text("SELECT status, payment_status, fulfillment_status FROM order_history")
        async with self.database.begin() as tx:
            return [tuple(row) for row in await tx.rows(query)]

    def truth(self):
        summaries = {id_: OrderSummary(order_id=id_) for id_ in self.told}
        for id_, events in self.told.items():
            for event in events:
                summaries[id_].hear(told_from_payload(*event))
        return summaries
