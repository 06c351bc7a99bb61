"""Use case: somebody looks at the story of one order, or of one return."""

from uuid import UUID

from chassis.kernel.clock import Clock
from services.order.application.sagas.ports import OrderSagaStanding, SagaNotFound, SagaUnitOfWork
from services.order.application.sagas.standings import Steps, beside, subjects_of


async def get_saga(
    id_: UUID, *, uow: SagaUnitOfWork, steps: Steps, clock: Clock
) -> OrderSagaStanding:
    """
    Return where the story of an order or a return stands.

    Raises:
        SagaNotFound: It has ended, or does not exist.
    """
    async with uow() as tx:
        standing = (await tx.sagas.find([id_])).get(id_)
        subject = (await subjects_of([id_], tx)).get(id_)
    if subject is None or standing is None:
        raise SagaNotFound.of(id_)
    return beside(subject, standing, steps=steps, now=clock())
