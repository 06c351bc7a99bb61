from uuid import UUID

import pytest

from chassis.kernel.clock import system_clock
from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from chassis.storage.database import connect
from chassis.wake import Wake
from services.payment.adapters.simulated_psp import OneAccount, SimulatedPsp
from services.payment.adapters.unit_of_work import sql_unit_of_work
from services.payment.application.authorize_payments import AuthorizePayment, authorize_payments
from services.payment.application.capture_payments import CapturePayment, capture_payments
from services.payment.application.void_payments import VoidPayment, void_payments
from services.payment.domain.values import CaptureId, PaymentId


class Payments:
    """
    The payment service's use cases over a real database and the simulated PSP.
    """

    def __init__(self, database, psp):
        self.database = database
        self.uow = sql_unit_of_work(database, told=Wake(), clock=system_clock)
        self.surroundings = {"uow": self.uow, "psp": psp, "clock": system_clock}

    async def authorize(self, *ids, amount=100_00, token="tok_visa"):
        commands = [
            AuthorizePayment(payment_id=id_, amount=Money(amount, "EUR"), psp_token=PspToken(token))
            for id_ in ids
        ]
        return await authorize_payments(commands, **self.surroundings, accounts=OneAccount())

    async def capture(self, payment_id, amount, *, shipping=0, capture_id=None):
        command = CapturePayment(
            capture_id=capture_id or CaptureId(new_id()),
            payment_id=payment_id,
            amount=Money(amount, "EUR"),
            shipping=Money(shipping, "EUR"),
        )
        (answer,) = await capture_payments([command], **self.surroundings)
        return answer

    async def void(self, payment_id):
        command = VoidPayment(payment_id=payment_id)
        (answer,) = await void_payments([command], **self.surroundings)
        return answer

    async def get(self, payment_id):
        async with self.uow() as tx:
            return await tx.payments.get(payment_id)

    async def rows(self, statement):
        async with self.database.begin() as tx:
            return await tx.rows(statement)


@pytest.fixture
async def psp(database_of, migrated):
    await database_of("payment")  # empties it
    psp_database = connect((await migrated("payment")).app, application="psp-tests")
    yield SimulatedPsp(psp_database, seconds=5)
    await psp_database.close()


@pytest.fixture
async def payments(psp, migrated):
    database = connect((await migrated("payment")).app, application="payment-tests")
    yield Payments(database, psp)
    await database.close()


@pytest.fixture
async def owner(migrated):
    """
    The payment database, as its owner sees it.
    """
    database = connect((await migrated("payment")).owner, application="owner-tests")
    yield database
    await database.close()


@pytest.fixture
def payment_id():
    return PaymentId(UUID(int=1))
