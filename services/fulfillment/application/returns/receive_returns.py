"""Use case: the warehouse counts what came back."""

from collections.abc import Sequence

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.returns.change_returns import return_not_found
from services.fulfillment.application.returns.ports import Receipt
from services.fulfillment.domain.returns import refusals
from services.fulfillment.domain.returns.goods_return import Return
from services.fulfillment.domain.returns.values import ReceiptId


async def receive_returns(
    receipts: Sequence[Receipt], *, uow: UnitOfWork, clock: Clock
) -> Sequence[Return | DomainError]:
    """
    Count what each receipt says, or say why not. When all of a return is counted it is RECEIVED,
    once.

    Safe to repeat: each receipt is kept with what it changed, and known by its id.
    """
    async with uow() as tx:
        found = await tx.returns.with_ids({receipt.return_id for receipt in receipts})
        known = {some.id: some for some in found}
        before = await tx.returns.receipts({receipt.id for receipt in receipts})
        desk = _Desk(dict(before), clock)
        answers = [desk.count(known.get(receipt.return_id), receipt) for receipt in receipts]
        await tx.returns.save(found, desk.fresh)
    return answers


class _Desk:
    """
    Where one receipt after the other is looked at.

    Attributes:
        fresh: Those that counted.
    """

    def __init__(self, known: dict[ReceiptId, Receipt], clock: Clock) -> None:
        self.fresh: list[Receipt] = []
        self._known = known
        self._clock = clock

    def count(self, some: Return | None, receipt: Receipt) -> Return | DomainError:
        if some is None:
            return return_not_found(receipt.return_id)
        if known := self._known.get(receipt.id):
            mismatch = f"receipt {receipt.id} came before and said something else"
            return some if known == receipt else refusals.ReceiptMismatch(mismatch)
        try:
            some.receive(receipt.counts, is_last=receipt.is_last, now=self._clock())
        except DomainError as refusal:
            return refusal
        self._known[receipt.id] = receipt
        self.fresh.append(receipt)
        return some
