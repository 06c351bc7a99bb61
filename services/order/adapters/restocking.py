"""The goods that come back, as the product service books them in."""

from collections.abc import Iterator, Sequence
from uuid import uuid5

import grpc

from retail.product.v1 import stock_service_pb2 as pb
from retail.product.v1.stock_service_pb2_grpc import StockServiceStub
from services.order.adapters.pieces import in_pieces
from services.order.adapters.refusals import refused_from_wire
from services.order.application.participants import Refused
from services.order.application.returns.ports import ReturnCase
from services.order.domain.values import ReturnId

Entry = tuple[ReturnId, pb.CustomerReturn]


class GrpcRestocking:
    def __init__(self, product: grpc.aio.Channel) -> None:
        self._stock = StockServiceStub(product)

    async def restock(self, cases: Sequence[ReturnCase]) -> Sequence[Refused | None]:
        entries = [entry for case in cases for entry in _entries(case)]
        answers = await in_pieces(entries, self._restock)
        refused: dict[ReturnId, Refused] = {}
        for (return_id, _), answer in zip(entries, answers, strict=True):
            if answer:
                refused.setdefault(return_id, answer)
        return [refused.get(case.return_id) for case in cases]

    async def _restock(self, entries: Sequence[Entry]) -> Sequence[Refused | None]:
        request = pb.ReturnStockRequest(returns=[entry for _, entry in entries])
        results = (await self._stock.ReturnStock(request)).results
        return [refused_from_wire(r.error) if r.HasField("error") else None for r in results]


def _entries(case: ReturnCase) -> Iterator[Entry]:
    """
    Yield what is to be booked in: of each SKU what is sellable and what is damaged, each under an
    id that only it can have.
    """
    taken = case.taken
    for some in taken.goods:
        for condition, units in (("SELLABLE", some.sellable), ("DAMAGED", some.damaged)):
            if units:
                yield (
                    taken.id,
                    pb.CustomerReturn(
                        request_id=str(uuid5(taken.id, some.sku + condition)),
                        sku=some.sku,
                        location_id=taken.location_id,
                        quantity=units,
                        condition=f"STOCK_CONDITION_{condition}",
                    ),
                )
