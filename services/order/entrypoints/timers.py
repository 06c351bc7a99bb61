"""What happens because time has passed."""

from functools import partial

from chassis.kernel.clock import Clock
from chassis.repeat import repeat
from services.order.application.carts.expire_carts import expire_carts
from services.order.application.ports import UnitOfWork

# A cart expires on time anyway: whoever asks for it late finds it expired. The timer only tidies
# up after those that nobody asks for.
SWEEP_SECONDS = 30.0


async def expire_overdue_carts(*, uow: UnitOfWork, clock: Clock) -> None:
    """
    End and delete carts whose time is over, until cancelled.
    """
    expire = partial(expire_carts, uow=uow, clock=clock)
    await repeat(expire, name="expire carts", every_seconds=SWEEP_SECONDS, eager=True)
