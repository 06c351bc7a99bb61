"""What the payment service does without being asked."""

from functools import partial

from chassis.kernel.clock import Clock
from chassis.repeat import repeat
from services.payment.application.expire_authorizations import expire_authorizations
from services.payment.application.ports import Psp, UnitOfWork
from services.payment.application.resolve_unknown import resolve_unknown

SWEEP_SECONDS = 1.0
# An authorization is good for days.
EXPIRY_SECONDS = 30.0


async def keep_resolving(*, uow: UnitOfWork, psp: Psp, clock: Clock) -> None:
    """
    Ask the PSP again about what it left unanswered, until cancelled.
    """
    # What was claimed and failed is put off, further each time: the rest goes on meanwhile.
    resolve = partial(resolve_unknown, uow=uow, psp=psp, clock=clock)
    await repeat(resolve, name="resolve unknown", every_seconds=SWEEP_SECONDS, eager=True)


async def keep_expiring(*, uow: UnitOfWork, psp: Psp, clock: Clock) -> None:
    """
    Close what was set aside and has expired, until cancelled.
    """
    expire = partial(expire_authorizations, uow=uow, psp=psp, clock=clock)
    await repeat(expire, name="expire authorizations", every_seconds=EXPIRY_SECONDS, eager=True)
