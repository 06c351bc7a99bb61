from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from chassis.kernel.errors import DomainError
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.fulfillment.application.accept_offers import AcceptOffer, accept_offers
from services.fulfillment.application.deliver_shipments import DeliverShipment, deliver_shipments
from services.fulfillment.application.dispatch_shipments import (
    DispatchShipment,
    dispatch_shipments,
)
from services.fulfillment.application.open_fulfillment_orders import (
    OpenFulfillmentOrders,
    open_fulfillment_orders,
)
from services.fulfillment.application.returns.approve_returns import (
    ApproveReturn,
    approve_returns,
)
from services.fulfillment.application.returns.cancel_return import CancelReturn, cancel_return
from services.fulfillment.application.returns.close_returns import CloseReturn, close_returns
from services.fulfillment.application.returns.decline_returns import (
    DeclineReturn,
    decline_returns,
)
from services.fulfillment.application.returns.expire_returns import expire_returns
from services.fulfillment.application.returns.open_parcel_returns import (
    GoneParcel,
    open_parcel_returns,
)
from services.fulfillment.application.returns.ports import Receipt
from services.fulfillment.application.returns.receive_returns import receive_returns
from services.fulfillment.application.returns.request_claims import RequestClaim, request_claims
from services.fulfillment.application.returns.request_returns import (
    RequestReturn,
    request_returns,
)
from services.fulfillment.application.returns.send_returns_back import (
    SendReturnBack,
    send_returns_back,
)
from services.fulfillment.domain.returns.line import Count, WantedLine
from services.fulfillment.domain.returns.policy import ReturnPolicy
from services.fulfillment.domain.returns.values import (
    AccountId,
    Disposition,
    ReceiptId,
    Resolution,
    ReturnId,
    ReturnReason,
)
from services.fulfillment.domain.values import (
    Address,
    Goods,
    LocationId,
    OrderId,
    ShipmentId,
    ShipmentState,
)

ALICE = AccountId("alice")
HOME = Address(
    name="A. Consignee", lines=("1 High St",), city="Hull", postal_code="HU1", country_code="GB"
)


def counts(**units_of):
    """
    Return what was counted: `counts(LAMP=("SELLABLE", 2))`.
    """
    return tuple(
        Count(sku=Sku(sku), quantity=Quantity(units), disposition=Disposition(condition))
        for sku, (condition, units) in units_of.items()
    )


class ReturnsDesk:
    """
    All that can be done to returns of one customer's orders, in a few words each.
    """

    def __init__(self, world, policy=None) -> None:
        self.world = world
        self.policy = policy or ReturnPolicy()
        self.timed = {"uow": world.uow, "clock": world.clock}

    async def sent(self, order_id=None, *, at="leeds", account=ALICE, **units) -> ShipmentId:
        """
        Return a parcel that left with *units* of an order, which has nothing else there.
        """
        order_id = order_id or OrderId(UUID(int=1))
        self.world.given_provider("alpha")
        goods = tuple((LocationId(at), Goods(Sku(s), Quantity(n))) for s, n in units.items())
        command = OpenFulfillmentOrders(
            order_id=order_id, account_id=account, ship_to=HOME, goods=goods
        )
        async with self.world.uow() as tx:
            if order_id in tx.intake.passed:
                del tx.intake.passed[order_id]
            await open_fulfillment_orders(
                [command], tx=tx, clock=self.world.clock, answer_within=timedelta(minutes=1)
            )
        work = next(w for w in self.world.work_on(order_id) if w.location_id == at)
        offer = work.live_offer
        accept = AcceptOffer(offer_id=offer.id, provider_id=offer.provider_id)
        await accept_offers([accept], **self.world.offering)
        return await self.dispatched(work)

    async def dispatched(self, work) -> ShipmentId:
        shipment_id = ShipmentId(uuid4())
        command = DispatchShipment(
            shipment_id=shipment_id,
            fulfillment_order_id=work.id,
            provider_id=work.live_offer.provider_id,
            goods=(),
            tracking_number="",
        )
        await dispatch_shipments([command], **self.timed)
        self.world.events.clear()
        return shipment_id

    async def arrived(self, shipment_id) -> ShipmentId:
        work = self._work_of(shipment_id)
        command = DeliverShipment(fulfillment_order_id=work.id, shipment_id=shipment_id)
        await deliver_shipments([command], **self.timed)
        self.world.events.clear()
        return shipment_id

    async def delivered(self, order_id=None, **sent) -> ShipmentId:
        return await self.arrived(await self.sent(order_id, **sent))

    async def gone(self, shipment_id, *, lost) -> None:
        state = ShipmentState.LOST if lost else ShipmentState.RETURNED_TO_SENDER
        async with self.world.uow() as tx:
            work = next(
                work
                for work in tx.fulfillment_orders.by_id.values()
                if any(shipment.id == shipment_id for shipment in work.shipments)
            )
            shipment = next(s for s in work.shipments if s.id == shipment_id)
            ended = replace(shipment, state=state)
            work.shipments = tuple(ended if s is shipment else s for s in work.shipments)
            parcel = GoneParcel(
                order_id=work.order_id,
                account_id=work.account_id,
                shipment_id=shipment_id,
                location_id=work.location_id,
                goods=shipment.goods,
                lost=lost,
            )
            await open_parcel_returns([parcel], tx=tx, now=self.world.now)

    async def ask(self, *, id_=None, order_id=None, account=ALICE, reason="CHANGED_MIND", **units):
        command = RequestReturn(
            return_id=ReturnId(id_ or uuid4()),
            order_id=order_id or OrderId(UUID(int=1)),
            account_id=account,
            lines=_wanted(reason, units),
        )
        return _only(await request_returns([command], policy=self.policy, **self.timed))

    async def claim(
        self,
        *,
        id_=None,
        order_id=None,
        account=ALICE,
        reason="DAMAGED",
        resolution=Resolution.REFUND,
        **units,
    ):
        command = RequestClaim(
            return_id=ReturnId(id_ or uuid4()),
            order_id=order_id or OrderId(UUID(int=1)),
            account_id=account,
            resolution=resolution,
            lines=_wanted(reason, units),
        )
        return _only(await request_claims([command], policy=self.policy, **self.timed))

    async def approve(self, return_id):
        command = ApproveReturn(return_id=return_id)
        return _only(await approve_returns([command], policy=self.policy, **self.timed))

    async def decline(self, return_id, reason="worn"):
        command = DeclineReturn(return_id=return_id, reason=reason)
        return _only(await decline_returns([command], **self.timed))

    async def cancel(self, return_id, account=ALICE):
        return await cancel_return(
            CancelReturn(return_id=return_id, account_id=account), **self.timed
        )

    async def receive(self, return_id, *counted, receipt_id=None, is_last=False, **units):
        receipt = Receipt(
            id=ReceiptId(receipt_id or uuid4()),
            return_id=return_id,
            counts=counted or counts(**units),
            is_last=is_last,
        )
        return _only(await receive_returns([receipt], **self.timed))

    async def send_back(self, return_id, tracking_number="BACK-1"):
        command = SendReturnBack(return_id=return_id, tracking_number=tracking_number)
        return _only(await send_returns_back([command], uow=self.world.uow))

    async def close(self, return_id, refunded=None, replacement_order_id=None):
        command = CloseReturn(
            return_id=return_id, refunded=refunded, replacement_order_id=replacement_order_id
        )
        return _only(await close_returns([command], **self.timed))

    async def expire(self) -> int:
        return await expire_returns(policy=self.policy, **self.timed)

    def _work_of(self, shipment_id):
        return next(
            work
            for work in self.world.orders.values()
            if any(shipment.id == shipment_id for shipment in work.shipments)
        )


def _wanted(reason, units):
    return tuple(
        WantedLine(sku=Sku(sku), quantity=Quantity(some), reason=ReturnReason(reason))
        for sku, some in units.items()
    )


def _only(answers):
    (answer,) = answers
    if isinstance(answer, DomainError):
        raise answer
    return answer


@pytest.fixture
def desk(world) -> ReturnsDesk:
    return ReturnsDesk(world)


@pytest.fixture
def with_policy(world):
    return lambda **policy: ReturnsDesk(world, ReturnPolicy(**policy))
