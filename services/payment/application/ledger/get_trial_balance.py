"""Use case: someone asks what every account holds, now or as of any time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.payment.application.ledger.times import answerable
from services.payment.application.ports import UnitOfWork
from services.payment.domain.ledger import Balance
from services.payment.domain.values import MerchantId


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTrialBalance:
    """
    Attributes:
        as_of: Everything booked up to then counts, inclusive; `None`: up to now.
        merchant: Whose accounts; `None`: the sums over all merchants.
    """

    as_of: datetime | None = None
    merchant: MerchantId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalance:
    as_of: datetime
    balances: Sequence[Balance]


async def get_trial_balance(query: GetTrialBalance, *, uow: UnitOfWork) -> TrialBalance:
    """
    Return what every account held. Asked again as of the same time, it answers the same.

    Raises:
        AsOfInFuture: The time has not passed yet.
    """
    async with uow() as tx:
        closed = await tx.ledger.closed_until()
        as_of = answerable(query.as_of, closed=closed, field="as_of")
        balances = await tx.ledger.balances(as_of=as_of, merchant=query.merchant)
    return TrialBalance(as_of=as_of, balances=balances)
