"""Use case: a customer prints the label to send goods back with."""

from services.fulfillment.application.labels import Label, LabelRequest, Labels
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.returns.change_returns import return_not_found
from services.fulfillment.domain.returns.values import AccountId, ReturnId


async def get_return_label(
    return_id: ReturnId, account_id: AccountId, *, uow: UnitOfWork, labels: Labels
) -> Label:
    """
    Return the label of a return, made when it is first asked for.

    Safe to repeat: whoever makes labels knows the return by its id, and the first label that is
    kept stays, so that a return has one tracking number.

    Raises:
        ReturnNotFound: There is none such of this account.
        ReturnNotInState: Nothing is to be sent.
    """
    async with uow() as tx:
        some = await tx.returns.find(return_id)
        if some is None or some.account_id != account_id:
            raise return_not_found(return_id)
        some.must_have_label()
        if kept := await tx.returns.label(return_id):
            return kept
        orders = await tx.fulfillment_orders.of_orders({some.order_id})
        wanted = LabelRequest(
            id=return_id,
            location_id=some.location_id,
            address=orders[0].ship_to,
            is_return=True,
        )
    # Only now that nothing is locked.
    (made,) = await labels.make([wanted])
    async with uow() as tx:
        (some,) = await tx.returns.with_ids({return_id})
        if kept := await tx.returns.label(return_id):
            return kept
        some.label(made.tracking_number)
        await tx.returns.save([some])
        await tx.returns.keep_label(return_id, made)
    return made
