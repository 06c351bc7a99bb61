"""What comes back of an order, and what is done to make it good."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.text import Sku
from services.order.domain.charges import Charge
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
from services.order.domain.values import LocationId, OrderId, OrderLine, ReturnId


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
        replaced: ReturnId | None = None,
    ) -> bool:
        """
        Note that all is counted that came back; return whether that is news.

        Lines of one SKU come back in their order, the first one first.

        Args:
            replaced: The return whose replacement it is that came back, if it is one: its units
                were not kept after all, and are made good as units of this return.
        """
        if return_id in self.returns:
            return False
        taken = OrderReturn(
            id=return_id,
            kind=kind,
            resolution=resolution,
            location_id=location_id,
            goods=goods,
            units={},
            received_at=now,
        )
        first = self.returns[replaced] if replaced else None
        if first and first.resolution is Resolution.REPLACEMENT:
            taken.units = _units_of(taken.units_of_skus, first.units, self.lines)
            first.units = Counter(first.units) - taken.units
        else:
            taken.units = _units_of(taken.units_of_skus, self._units_kept(), self.lines)
        self.returns[return_id] = taken
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

    def pay_instead(self, return_id: ReturnId, sent: Mapping[Sku, int], now: datetime) -> None:
        """
        Give money for goods that cannot be replaced: all but what was *sent*, which is kept.
        """
        taken = self.returns[return_id]
        if taken.resolution is not Resolution.REPLACEMENT:
            return
        taken.units = _units_of(taken.units_of_skus - Counter(sent), taken.units, self.lines)
        taken.resolution = Resolution.REFUND
        if not sent:
            taken.replacement_id = None
        self.note(now, "not replaced: paid back instead", "order")

    def settle_return(self, return_id: ReturnId, now: datetime) -> None:
        """
        End a return: its goods are restocked and made good.
        """
        taken = self.returns[return_id]
        if not taken.is_settled:
            taken.state = OrderReturnState.SETTLED
            self.note(now, f"{taken.kind.lower()} settled", "order")

    def owe_again(self, return_id: ReturnId, now: datetime) -> bool:
        """
        Note that the money for a settled return did not stay with the customer; return whether
        that is news, and it is to be settled again.
        """
        taken = self.returns.get(return_id)
        if taken is None or not taken.is_settled:
            return False  # no return's money, or its story goes on and hears of it by itself
        taken.state = OrderReturnState.SETTLING
        self.note(now, f"{taken.kind.lower()} is to be paid back again", "payment")
        return True

    def _pays_shipping_back(self, policy: RefundShipping) -> bool:
        if policy is RefundShipping.FAULT:
            return all(taken.is_nobodys_wish for taken in self.returns.values())
        return policy is RefundShipping.ALWAYS

    def _units_kept(self) -> Mapping[int, int]:
        kept = Counter({line.number: line.quantity.units for line in self.lines})
        for taken in self.returns.values():
            kept.subtract(taken.units)
        return kept


def _units_of(
    goods: Mapping[Sku, int], kept: Mapping[int, int], lines: Sequence[OrderLine]
) -> Counter[int]:
    """
    Return how many units of each line *goods* are, of those that were *kept*.
    """
    left = Counter(goods)
    units: Counter[int] = Counter()
    for line in lines:
        if taken := min(left[line.sku], kept.get(line.number, 0)):
            units[line.number] = taken
            left[line.sku] -= taken
    return units
