"""
A PSP to develop and test against, with records of its own.

It keeps what it was asked in the schema `psp`, over connections of its own and never within a
transaction of ours: it can do what we then do not hear of, as a real one can. It does what it is
asked once per key and takes no more than it has set aside. How it behaves is in the token:

    tok_visa                  approves
    tok_chargeDeclined        declines: card_declined
    tok_insufficientFunds     declines: insufficient_funds
    tok_timeoutAfterSuccess   sets the money aside, and says so from the second ask on
    tok_down                  is away for the first two asks
    anything else             declines: invalid_token
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text

from chassis.kernel.money import Money
from chassis.outages import is_outage
from chassis.rpc import deadlines
from chassis.storage.database import Database
from services.payment.application.ports import Answers, AuthorizationRequest, FollowUpRequest
from services.payment.domain.values import (
    Approved,
    Declined,
    MerchantId,
    NoAnswer,
    PspAccount,
    PspAnswer,
    PspReference,
    TransactionId,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """
    Attributes:
        failure: Why it declines; empty if it approves.
        works_at: At which ask for a key it does what is asked.
        answers_at: From which ask on it says so.
    """

    failure: str = ""
    works_at: int = 1
    answers_at: int = 1


BEHAVIOURS = {
    "tok_visa": Behaviour(),
    "tok_chargeDeclined": Behaviour(failure="card_declined"),
    "tok_insufficientFunds": Behaviour(failure="insufficient_funds"),
    "tok_timeoutAfterSuccess": Behaviour(answers_at=2),
    "tok_down": Behaviour(works_at=3, answers_at=3),
}
INVALID_TOKEN = Behaviour(failure="invalid_token")

# Of two asks with one key at once, the second waits for the first, and counts as the second.
_AUTHORIZE = text(
    """
    WITH asked AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:keys AS uuid[]), CAST(:charges AS text[]),
            CAST(:payments AS uuid[]), CAST(:amounts AS bigint[]), CAST(:currencies AS text[]),
            CAST(:failures AS text[]), CAST(:works_at AS integer[]), CAST(:answers_at AS integer[]))
            AS given (key, charge, payment, amount, currency, failure, works_at, answers_at)
    ), noted AS (
        INSERT INTO psp.operations AS noted_before (key, kind, charge, amount, currency, failure)
        SELECT key, 'AUTHORIZATION', charge, amount, currency, failure FROM asked ORDER BY key
        ON CONFLICT (key) DO UPDATE SET asks = noted_before.asks + 1
        RETURNING key, charge, amount, currency, failure, asks
    ), set_aside AS (
        INSERT INTO psp.charges (reference, merchant_reference, currency, authorized)
        SELECT noted.charge, asked.payment, noted.currency, noted.amount
        FROM noted JOIN asked USING (key)
        WHERE noted.failure = '' AND noted.asks = asked.works_at
    )
    SELECT key, noted.charge AS reference, noted.failure,
        noted.asks >= asked.answers_at AS answered,
        (noted.amount, noted.currency) = (asked.amount, asked.currency) AS same
    FROM noted JOIN asked USING (key)
    """
)
_LOCK = text(
    """
    SELECT reference FROM psp.charges WHERE reference = ANY(CAST(:charges AS text[]))
    ORDER BY reference FOR UPDATE
    """
)
# A statement of its own, after the lock: it then sees what the lock's former holder has done.
_FOLLOW_UP = """
    WITH asked AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:keys AS uuid[]), CAST(:charges AS text[]),
            CAST(:amounts AS bigint[]), CAST(:currencies AS text[]))
            WITH ORDINALITY AS given (key, charge, amount, currency, place)
    ), known AS (
        SELECT key, old.failure,
            (old.charge, old.amount, old.currency) = (asked.charge, asked.amount, asked.currency)
                AS same
        FROM asked JOIN psp.operations AS old USING (key)
    ), fresh AS (
        SELECT key, charge, asked.amount, asked.currency, CASE
            WHEN reference IS NULL THEN 'no_such_charge'
            WHEN charges.currency <> asked.currency THEN 'currency_mismatch'
            WHEN sum(asked.amount) OVER (PARTITION BY charge ORDER BY place)
                > authorized - captured - released THEN 'amount_too_large'
            ELSE '' END AS failure
        FROM asked LEFT JOIN psp.charges ON reference = charge
        WHERE key NOT IN (SELECT key FROM known)
    ), noted AS (
        INSERT INTO psp.operations (key, kind, charge, amount, currency, failure)
        SELECT key, '{kind}', charge, amount, currency, failure FROM fresh
        ON CONFLICT DO NOTHING
    ), moved AS (
        UPDATE psp.charges SET {column} = {column} + new.amount
        FROM (
            SELECT charge, sum(amount) AS amount FROM fresh WHERE failure = '' GROUP BY charge
        ) AS new
        WHERE reference = new.charge
    )
    SELECT key, CAST(key AS text) AS reference, failure, true AS answered, same FROM known
    UNION ALL
    SELECT key, CAST(key AS text), failure, true, true FROM fresh
    """
_CAPTURE = text(_FOLLOW_UP.format(kind="CAPTURE", column="captured"))
_VOID = text(_FOLLOW_UP.format(kind="VOID", column="released"))


class OneAccount:
    """
    Serves everybody.
    """

    def account_for(self, merchant: MerchantId, currency: str) -> PspAccount:  # noqa: ARG002
        return PspAccount("main")


class SimulatedPsp:
    """
    Args:
        database: Where it keeps its records; over connections that nobody else uses.
        seconds: How long an answer is waited for.
    """

    def __init__(self, database: Database, *, seconds: float) -> None:
        self._database = database
        self._seconds = seconds

    async def authorize(self, requests: Sequence[AuthorizationRequest]) -> Answers:
        behaviours = [BEHAVIOURS.get(request.token.text, INVALID_TOKEN) for request in requests]
        keys = [request.key for request in requests]
        asked = {
            "keys": keys,
            "charges": [f"ch_{request.key.hex}" for request in requests],
            "payments": [request.payment_id for request in requests],
            "amounts": [request.amount.minor_units for request in requests],
            "currencies": [request.amount.currency for request in requests],
            "failures": [behaviour.failure for behaviour in behaviours],
            "works_at": [behaviour.works_at for behaviour in behaviours],
            "answers_at": [behaviour.answers_at for behaviour in behaviours],
        }

        async def ask() -> Sequence[Row[Any]]:
            async with self._database.begin() as tx:
                return await tx.rows(_AUTHORIZE, asked)

        return await self._within_bounds(ask, {r.key: r.amount for r in requests})

    async def capture(self, requests: Sequence[FollowUpRequest]) -> Answers:
        return await self._follow_up(_CAPTURE, requests)

    async def void(self, requests: Sequence[FollowUpRequest]) -> Answers:
        return await self._follow_up(_VOID, requests)

    async def increment(self, requests: Sequence[FollowUpRequest]) -> Answers:
        return {request.key: Declined("not_supported") for request in requests}

    async def refund(self, requests: Sequence[FollowUpRequest]) -> Answers:
        return {request.key: Declined("not_supported") for request in requests}

    async def _follow_up(self, statement: Any, requests: Sequence[FollowUpRequest]) -> Answers:
        charges = {"charges": [request.authorization for request in requests]}
        asked = {
            **charges,
            "keys": [request.key for request in requests],
            "amounts": [request.amount.minor_units for request in requests],
            "currencies": [request.amount.currency for request in requests],
        }

        async def ask() -> Sequence[Row[Any]]:
            async with self._database.begin() as tx:
                await tx.rows(_LOCK, charges)
                return await tx.rows(statement, asked)

        return await self._within_bounds(ask, {r.key: r.amount for r in requests})

    async def _within_bounds(
        self,
        ask: Callable[[], Awaitable[Sequence[Row[Any]]]],
        moved: Mapping[TransactionId, Money],
    ) -> Answers:
        try:
            async with asyncio.timeout(deadlines.budget(self._seconds)):
                rows = await ask()
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("the PSP is not answering: %s", type(error).__name__)
            return dict.fromkeys(moved, NoAnswer())
        return {row.key: answer_from_row(row, moved[row.key]) for row in rows}


def answer_from_row(row: Row[Any], moved: Money) -> PspAnswer:
    if not row.answered:
        return NoAnswer()
    if not row.same:
        return Declined("idempotency_key_reused")
    if row.failure:
        return Declined(row.failure)
    return Approved(PspReference(row.reference), moved)
