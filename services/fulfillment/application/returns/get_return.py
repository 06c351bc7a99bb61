"""Use case: a customer looks at a return."""

from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.returns.change_returns import return_not_found
from services.fulfillment.domain.returns.goods_return import Return
from services.fulfillment.domain.returns.values import AccountId, ReturnId


async def get_return(return_id: ReturnId, account_id: AccountId, *, uow: UnitOfWork) -> Return:
    """
    Raises:
        ReturnNotFound: There is none such of this account.
    """
    async with uow() as tx:
        some = await tx.returns.find(return_id)
    if some is None or some.account_id != account_id:
        raise return_not_found(return_id)
    return some
