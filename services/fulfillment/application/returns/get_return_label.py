"""Use case: a customer prints the label to send goods back with."""

from services.fulfillment.application.labels import LabelRequest, Labels, LabelsUnavailable
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.returns.change_returns import return_not_found
from services.fulfillment.application.shipments.ports import KeptLabel
from services.fulfillment.domain.refusals import LabelNotReady
from services.fulfillment.domain.returns.goods_return import Return
from services.fulfillment.domain.returns.values import AccountId, ReturnId
from services.fulfillment.domain.values import Address


async def get_return_label(
    return_id: ReturnId, account_id: AccountId, *, uow: UnitOfWork, labels: Labels
) -> KeptLabel:
    """
    Return the label of a return, made when it is first asked for.

    Safe to repeat: of labels that were made for one return the first that is kept counts, so that
    it has one tracking number.

    Raises:
        ReturnNotFound: There is none such of this account.
        ReturnNotInState: Nothing is to be sent.
        LabelNotReady: None can be made at the moment.
    """
    async with uow() as tx:
        some = await tx.returns.find(return_id)
        if some is None or some.account_id != account_id:
            raise return_not_found(return_id)
        some.must_have_label()
        if kept := await tx.returns.label(return_id):
            return kept
        sender = (await tx.fulfillment_orders.of_orders({some.order_id}))[0].ship_to
    return await _made(_request(some, sender), return_id, uow=uow, labels=labels)


def _request(some: Return, sender: Address) -> LabelRequest:
    # Where a location is, carriers know: here it has no more than a name.
    home = Address(name=some.location_id, lines=(), city="", postal_code="", country_code="")
    return LabelRequest(
        parcel_id=some.id,
        ship_from=sender.name,
        ship_to=home,
        units=some.units,
        weight_grams=0,
        carrier="",
        reference=str(some.order_id),
    )


async def _made(
    wanted: LabelRequest, return_id: ReturnId, *, uow: UnitOfWork, labels: Labels
) -> KeptLabel:
    try:
        (made,) = await labels.make([wanted])
    except LabelsUnavailable as error:
        raise LabelNotReady(f"no label of return {return_id} can be made now") from error
    label = KeptLabel(
        tracking_number=made.tracking_number, media_type=made.media_type, content=made.content
    )
    async with uow() as tx:
        (some,) = await tx.returns.with_ids({return_id})
        if kept := await tx.returns.label(return_id):
            return kept  # somebody else was faster
        some.label(label.tracking_number)
        await tx.returns.save([some])
        await tx.returns.keep_label(return_id, label)
    return label
