"""What the payment service, and the PSP without it, are asked for."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

import aiohttp
from google.type.money_pb2 import Money

from chassis.kernel.ids import new_id
from deploy.local.cluster import Cluster
from deploy.local.errors import CommandFailed
from retail.payment.v1 import payment_service_pb2 as pb

EURO_10 = Money(currency_code="EUR", units=10)
TOKEN = "tok_visa"

Ask = Callable[[bytes], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """
    Attributes:
        batch: Payments a call.
        in_flight: Calls at once.
    """

    batch: int
    in_flight: int

    def __str__(self) -> str:
        if self.batch == 1:
            return f"single calls, {self.in_flight} in flight"
        return f"batches of {self.batch}, {self.in_flight} in flight"


def new_ids(count: int) -> Sequence[UUID]:
    return [new_id() for _ in range(count)]


def authorizations(ids: Sequence[UUID], load: Load) -> Iterator[bytes]:
    return iter(
        [
            pb.AuthorizePaymentsRequest(
                authorizations=[
                    pb.Authorization(payment_id=str(id_), amount=EURO_10, psp_token=TOKEN)
                    for id_ in batch
                ]
            ).SerializeToString()
            for batch in _batches(ids, load)
        ]
    )


def captures(ids: Sequence[UUID], load: Load) -> Iterator[bytes]:
    return iter(
        [
            pb.CapturePaymentsRequest(
                captures=[
                    pb.Capture(capture_id=str(new_id()), payment_id=str(id_), amount=EURO_10)
                    for id_ in batch
                ]
            ).SerializeToString()
            for batch in _batches(ids, load)
        ]
    )


def _batches(ids: Sequence[UUID], load: Load) -> Iterator[Sequence[UUID]]:
    return (ids[first : first + load.batch] for first in range(0, len(ids), load.batch))


def form_of(payment_id: UUID) -> bytes:
    return urlencode(
        {
            "amount": 1_000,
            "currency": "eur",
            "confirm": "true",
            "capture_method": "manual",
            "expand[0]": "latest_charge",
            # Of nobody whom the service knows.
            "metadata[bench]": str(payment_id),
            "payment_method_data[type]": "card",
            "payment_method_data[card][token]": TOKEN,
            "payment_method_options[card][request_multicapture]": "if_available",
        }
    ).encode()


@asynccontextmanager
async def the_psp_alone(cluster: Cluster) -> AsyncGenerator[Ask]:
    """
    Give what asks the PSP of *cluster* for an authorization, as the service does it.
    """
    psp = cluster.psp
    assert psp
    headers = {
        "Authorization": f"Bearer {psp.api_key}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    async with aiohttp.ClientSession(headers=headers) as session:

        async def ask(form: bytes) -> object:
            async with session.post(f"{psp.url}/v1/payment_intents", data=form) as answer:
                body = await answer.read()
                if answer.status != 200:
                    raise CommandFailed(f"the PSP says no: {body[:200]!r}")
            return None

        yield ask
