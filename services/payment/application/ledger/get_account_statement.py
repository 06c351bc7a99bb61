"""Use case: someone asks for the statement of an account."""

from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.errors import InvalidInput
from services.payment.application.ledger.times import answerable
from services.payment.application.ports import UnitOfWork
from services.payment.domain.statement import LedgerAccount, Place, Statement


class StatementEndsBeforeItBegins(InvalidInput):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAccountStatement:
    """
    Attributes:
        after: What is booked up to this place is in the opening balance.
        until: What is booked up to then is listed, inclusive; `None`: up to now.
    """

    of: LedgerAccount
    after: Place
    until: datetime | None
    page_size: int


async def get_account_statement(query: GetAccountStatement, *, uow: UnitOfWork) -> Statement:
    """
    Return a page of the statement. What is booked meanwhile is on none of its pages, so that they
    fit together, whenever each is asked for.

    Raises:
        AsOfInFuture: The end has not passed yet.
        StatementEndsBeforeItBegins: It would.
    """
    async with uow() as tx:
        closed = await tx.ledger.closed_until()
        until = answerable(query.until, closed=closed, field="to_time")
        if query.after.booked_at > until:
            raise StatementEndsBeforeItBegins("from_time is after to_time", field="from_time")
        return await tx.ledger.statement(
            query.of, after=query.after, until=until, limit=query.page_size
        )
