"""
A warehouse: it counts goods that come back.

It finds all of them as they were sent: sellable. Told again, it says the same again: a receipt's id
follows from the return.
"""

from collections.abc import Callable, Iterable, Sequence
from uuid import UUID, uuid5

from chassis.rpc.errors import reason_of
from deploy.local.world.patience import Patience, is_passing
from deploy.local.world.services import Services
from deploy.providers.stage import Stage
from retail.fulfillment.v1 import return_service_pb2 as pb

# Fixed, so that a repeat has the ids of what it repeats.
RECEIPTS = UUID("5d0f4a0e-1c7b-5a57-bb39-6c8f7e2d9a31")


class Warehouse:
    """
    Args:
        told: Called with each return as it is once it was counted.
        refused: Called with the id and the reason of each that nobody wants counted.
    """

    def __init__(
        self,
        services: Services,
        patience: Patience,
        *,
        told: Callable[[pb.Return], None],
        refused: Callable[[str, str], None],
    ) -> None:
        self._services = services
        self._patience = patience
        self._told = told
        self._refused = refused
        self._counting = Stage(self._count)

    def __len__(self) -> int:
        """
        Return how many returns it has in hand.
        """
        return len(self._counting)

    def expect(self, returns: Iterable[pb.Return]) -> None:
        """
        Count *returns* as soon as there is time.
        """
        self._counting.put(returns)

    async def run(self) -> None:
        """
        Work until cancelled.
        """
        await self._counting.run()

    async def _count(self, returns: Sequence[pb.Return]) -> None:
        request = pb.ReceiveReturnsRequest(receipts=[receipt_of(each) for each in returns])
        answer = await self._patience(self._services.returns.ReceiveReturns, request)
        again: list[pb.Return] = []
        for each, result in zip(returns, answer.results, strict=True):
            if not result.HasField("error"):
                self._told(result.customer_return)
            elif is_passing(result.error):
                again.append(each)
            else:
                self._refused(each.return_id, reason_of(result.error) or result.error.message)
        self._counting.put(again)


def receipt_of(expected: pb.Return) -> pb.Receipt:
    """
    Return the receipt of all that is *expected*: for one return always the same.
    """
    return pb.Receipt(
        receipt_id=str(uuid5(RECEIPTS, expected.return_id)),
        return_id=expected.return_id,
        counts=[
            pb.CountedGoods(
                sku=line.sku, quantity=line.quantity, disposition=pb.DISPOSITION_SELLABLE
            )
            for line in expected.lines
        ],
        is_last=True,
    )
