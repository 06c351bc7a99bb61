"""Labels of our own making: no carrier is asked."""

from collections.abc import Sequence

from sqlalchemy import text

from chassis.storage.database import Database
from services.fulfillment.adapters.sscc import sscc
from services.fulfillment.adapters.zpl import zpl_label
from services.fulfillment.application.labels import Label, LabelRequest

# Never given out twice, also if nobody keeps the label.
_SERIALS = text("SELECT nextval('sscc_serials') AS serial FROM generate_series(1, :count)")


class ZplLabels:
    """
    Args:
        company_prefix: Ours at GS1, 7 to 10 digits: all our codes begin with it.
    """

    def __init__(self, database: Database, *, company_prefix: str) -> None:
        self._database = database
        self._company_prefix = company_prefix

    async def make(self, requests: Sequence[LabelRequest]) -> Sequence[Label]:
        async with self._database.begin() as tx:
            serials = await tx.rows(_SERIALS, {"count": len(requests)})
        codes = [sscc(self._company_prefix, row.serial) for row in serials]
        return [
            Label(
                tracking_number=code,
                carrier=request.carrier,
                media_type="application/zpl",
                content=zpl_label(request, code),
            )
            for request, code in zip(requests, codes, strict=True)
        ]
