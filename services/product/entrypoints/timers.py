"""What happens because time has passed."""

from functools import partial

from chassis.kernel.clock import Clock
from chassis.repeat import repeat
from services.product.application.ports.transaction import UnitOfWork
from services.product.application.products.announce_prices import announce_prices
from services.product.application.products.index_products import index_products
from services.product.application.reservations.expire_reservations import expire_reservations

# A hold ends on time anyway: whoever confirms it late expires it. The timer only brings back
# the goods of those that nobody asks about.
SWEEP_SECONDS = 1.0

# After an upgrade there may be some; later on there are none.
INDEX_SECONDS = 60.0


async def expire_overdue_holds(*, uow: UnitOfWork, clock: Clock) -> None:
    """
    Expire holds that are overdue, until cancelled.
    """
    expire = partial(expire_reservations, uow=uow, clock=clock, broken={})
    await repeat(expire, name="expire reservations", every_seconds=SWEEP_SECONDS, eager=True)


async def announce_due_prices(*, uow: UnitOfWork, clock: Clock) -> None:
    """
    Tell scheduled prices when they take effect, until cancelled. They do so on time anyway: what
    is asked for is reckoned when it is asked for.
    """
    announce = partial(announce_prices, uow=uow, clock=clock)
    await repeat(announce, name="announce prices", every_seconds=SWEEP_SECONDS, eager=True)


async def fill_search_index(*, uow: UnitOfWork, clock: Clock) -> None:
    """
    Let searches find what is for sale and missing there, until cancelled.
    """
    index = partial(index_products, uow=uow, clock=clock)
    await repeat(index, name="index products", every_seconds=INDEX_SECONDS, eager=True)
