"""Use case: chargebacks are listed."""

from collections.abc import Sequence
from dataclasses import replace

from services.payment.application.chargebacks.ports import ChargebackQuery
from services.payment.application.ports import UnitOfWork
from services.payment.domain.chargeback import Chargeback


async def list_chargebacks(
    query: ChargebackQuery, *, uow: UnitOfWork
) -> tuple[Sequence[Chargeback], bool]:
    """
    Return a page of chargebacks, and whether there are more.
    """
    async with uow() as tx:
        found = await tx.chargebacks.list(replace(query, limit=query.limit + 1))
    return found[: query.limit], len(found) > query.limit
