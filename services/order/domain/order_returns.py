"""What comes back of an order, and what is done to make it good."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.text import Sku
from services.order.domain.charges import Charge, units_by_line
from services.order.domain.order_money import OrderMoney
from services.order.domain.order_return import (
    OrderReturn,
    OrderReturnState,
    RefundShipping,
    Resolution,
    ReturnedGoods,
    ReturnKind,
)
from services.order.domain.refunds import Refunded, refund_for
from services.order.domain.values import LocationId, OrderId, ReturnId


@dataclass(kw_only=True, eq=False)
class OrderReturns(OrderMoney):
    """
    An order of which goods came back. Whatever is noted again changes nothing.
    """

    def take_back(
        self,
        return_id: ReturnId,
        *,
        kind: ReturnKind,
        resolution: Resolution,
        location_id: LocationId,
        goods: tuple[ReturnedGoods, ...],
        now: datetime,
    ) -> bool:
        """
        Note that all is counted that came back; return whether that is news.

        Lines of one SKU come back in their order, the first one first.
        """
        if return_id in self.returns:
            return False
        self.returns[return_id] = OrderReturn(
            id=return_id,
            kind=kind,
            resolution=resolution,
            location_id=location_id,
            goods=goods,
            units=self._units_of_lines(goods),
            received_at=now,
        )
        self._follow_shipments()
        self.note(now, f"{kind.lower()} received", "fulfillment")
        return True

    def refund_of(self, return_id: ReturnId, policy: RefundShipping) -> Charge:
        """
        Return what is to be paid back for a return, after all for which that is decided.

        What is replaced counts as kept: nothing is paid back for it.

        Raises:
            MoreBackThanSent: Goods came back that are not charged yet.
        """
        return refund_for(
            self.returns[return_id].units,
            [
                Refunded(units=other.units, charge=other.refund)
                for other in self.returns.values()
                if other.refund
            ],
            lines=self.lines,
            parcels=[*self.shipments.values()],
            with_shipping=self._pays_shipping_back(policy),
        )

    def decide_refund(self, return_id: ReturnId, policy: RefundShipping, now: datetime) -> None:
        """
        Fix what is paid back for a return: once, so that no two pay back the same money.
        """
        taken = self.returns[return_id]
        if taken.refund:
            return
        taken.refund = self.refund_of(return_id, policy)
        self.note(now, f"refund of {taken.refund.value} decided", "order")

    def replace(self, return_id: ReturnId, by: OrderId, now: datetime) -> None:
        """
        Note that another order brings the goods anew.
        """
        taken = self.returns[return_id]
        if taken.replacement_id is None:
            taken.replacement_id = by
            self.note(now, f"replaced by order {by}", "order")

    def pay_instead(self, return_id: ReturnId, now: datetime) -> None:
        """
        Give money for goods that cannot be replaced.
        """
        taken = self.returns[return_id]
        if taken.resolution is Resolution.REPLACEMENT:
            taken.resolution, taken.replacement_id = Resolution.REFUND, None
            self.note(now, "not replaced: paid back instead", "order")

    def settle_return(self, return_id: ReturnId, now: datetime) -> None:
        """
        End a return: its goods are restocked and made good.
        """
        taken = self.returns[return_id]
        if not taken.is_settled:
            taken.state = OrderReturnState.SETTLED
            self.note(now, f"{taken.kind.lower()} settled", "order")

    def _pays_shipping_back(self, policy: RefundShipping) -> bool:
        if policy is RefundShipping.FAULT:
            return all(taken.is_nobodys_wish for taken in self.returns.values())
        return policy is RefundShipping.ALWAYS

    def _units_of_lines(self, goods: Sequence[ReturnedGoods]) -> Mapping[int, int]:
        accepted: Counter[Sku] = Counter()
        for taken in self.returns.values():
            accepted += _accepted(taken.goods)
        before = units_by_line(accepted, self.lines)
        after = units_by_line(accepted + _accepted(goods), self.lines)
        return {
            number: units - before[number]
            for number, units in after.items()
            if units > before[number]
        }


def _accepted(goods: Sequence[ReturnedGoods]) -> Counter[Sku]:
    units: Counter[Sku] = Counter()
    for some in goods:
        units[some.sku] += some.accepted
    return units
