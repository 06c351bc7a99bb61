"""
The simulator's own API, which no real PSP has: misbehaviour, disputes, expiry, and its records.

It asks for no key: it is for those on the same machine.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
import orjson
from aiohttp import web

from deploy.psp.answers import Answer
from deploy.psp.counter import Request
from deploy.psp.faults import FaultMalformed, Faults, fault_from
from deploy.psp.lane import Lane
from deploy.psp.refusals import Malformed, Refusal, no_such
from deploy.psp.settlement import report
from deploy.psp.shapes import MOVEMENTS
from deploy.psp.store import Store
from deploy.psp.verbs.cancel import Expire
from deploy.psp.verbs.disputes import EVIDENCE_SECONDS, CloseDispute, OpenDispute
from deploy.psp.verbs.payouts import PayOut
from deploy.psp.verbs.refunds import EndRefund

# A payout takes so many changes of a balance at most.
MOST_PAID_OUT = 10_000

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class About(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """
    Names a payment, by the PSP's id or by the merchant's.
    """

    payment_intent: str = ""
    payment_id: str = ""


class Disputed(About, kw_only=True):
    amount: int | None = None
    reason: str = "fraudulent"
    evidence_seconds: int = EVIDENCE_SECONDS


class Verdict(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    won: bool


class Whose(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    account: str = ""


class Control:
    def __init__(
        self,
        store: Store,
        faults: Faults,
        lane: Lane[Request, Answer],
        *,
        accounts: Sequence[str],
    ) -> None:
        self._store = store
        self._faults = faults
        self._lane = lane
        self._accounts = accounts
        self._paying_out = asyncio.Lock()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/health", self._health),
            web.get("/simulator/faults", self._list_faults),
            web.post("/simulator/faults", explained(self._add_fault)),
            web.delete("/simulator/faults", self._behave),
            web.delete("/simulator/faults/{id}", self._behave),
            web.post("/simulator/disputes", explained(self._dispute)),
            web.post("/simulator/disputes/{id}/close", explained(self._close_dispute)),
            web.post("/simulator/refunds/{id}/{what}", explained(self._end_refund)),
            web.post("/simulator/expire", explained(self._expire)),
            web.post("/simulator/payouts", explained(self._pay_out)),
            web.get("/simulator/records", self._records),
            web.get("/simulator/summary", self._summary),
            web.get("/simulator/settlement", explained(self._settlement)),
        ]

    async def _health(self, _request: web.Request) -> web.StreamResponse:
        await self._store.pool.fetchval("SELECT 1")
        return json_response({"status": "well"})

    async def _list_faults(self, _request: web.Request) -> web.StreamResponse:
        return json_response({"faults": msgspec.to_builtins(self._faults.rules)})

    async def _add_fault(self, request: web.Request) -> web.StreamResponse:
        fault = self._faults.add(fault_from(await request.read()))
        return json_response(msgspec.to_builtins(fault))

    async def _behave(self, request: web.Request) -> web.StreamResponse:
        self._faults.remove(request.match_info.get("id", ""))
        return await self._list_faults(request)

    async def _dispute(self, request: web.Request) -> web.StreamResponse:
        asked = await told(request, Disputed)
        payment, account = await self._payment(asked)
        command = OpenDispute(
            payment=payment,
            amount=asked.amount,
            reason=asked.reason,
            evidence_seconds=asked.evidence_seconds,
        )
        return await self._carry_out(account, command)

    async def _close_dispute(self, request: web.Request) -> web.StreamResponse:
        asked, id_ = await told(request, Verdict), request.match_info["id"]
        account = await self._account("disputes", id_)
        return await self._carry_out(account, CloseDispute(dispute=id_, won=asked.won))

    async def _end_refund(self, request: web.Request) -> web.StreamResponse:
        id_, what = request.match_info["id"], request.match_info["what"]
        if what not in ("fail", "settle"):
            raise Malformed("A refund can settle or fail.", status=404)
        status = "failed" if what == "fail" else "succeeded"
        account = await self._account("refunds", id_)
        return await self._carry_out(account, EndRefund(refund=id_, status=status))

    async def _expire(self, request: web.Request) -> web.StreamResponse:
        payment, account = await self._payment(await told(request, About))
        return await self._carry_out(account, Expire(payment=payment))

    async def _pay_out(self, request: web.Request) -> web.StreamResponse:
        """
        Pay out what is on an account, in each of its currencies.
        """
        account = (await told(request, Whose)).account or self._accounts[0]
        paid = []
        async with self._paying_out:
            rows = await self._store.pool.fetch(_NOT_PAID_OUT, account, MOST_PAID_OUT)
            movements = [MOVEMENTS.record(row) for row in rows]
            for currency in sorted({each.currency for each in movements}):
                these = tuple(each for each in movements if each.currency == currency)
                answer = await self._lane(Request(account=account, command=PayOut(movements=these)))
                paid.append(orjson.loads(answer.body))
        return json_response({"payouts": paid})

    async def _records(self, request: web.Request) -> web.StreamResponse:
        """
        Tell what became of each payment that the merchant has named, in all.
        """
        named = request.query.get("payment_id")
        one = (_TOTALS_OF_ONE, named) if named else (_TOTALS,)
        rows = await self._store.pool.fetch(*one)
        return json_response({"payments": [dict(row) for row in rows]})

    async def _summary(self, _request: web.Request) -> web.StreamResponse:
        """
        Tell what the PSP holds of each account in each currency, and what waits to be told.
        """
        pool = self._store.pool
        totals = await pool.fetch(_SUMMARY)
        waiting = await pool.fetchval(_WAITING)
        return json_response({"accounts": [dict(row) for row in totals], "events": waiting})

    async def _settlement(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        begin = second_from(query.get("from", "0"))
        end = second_from(query.get("to", str(int(time.time()) + 1)))
        response = web.StreamResponse(headers={"Content-Type": "text/csv; charset=utf-8"})
        await response.prepare(request)
        account = query.get("account", self._accounts[0])
        async for piece in report(self._store.pool, account, begin, end):
            await response.write(piece)
        await response.write_eof()
        return response

    async def _carry_out(self, account: str, command: Any) -> web.StreamResponse:
        answer = await self._lane(Request(account=account, command=command))
        return web.Response(status=answer.status, body=answer.body, content_type="application/json")

    async def _payment(self, about: About) -> tuple[str, str]:
        """
        Return the id of a payment at this PSP, and its account.

        Raises:
            Refusal: There is none.
        """
        row = await self._store.pool.fetchrow(_PAYMENT, about.payment_intent, about.payment_id)
        if row is None:
            raise no_such("payment_intent", about.payment_intent or about.payment_id)
        return row["id"], row["account"]

    async def _account(self, table: str, id_: str) -> str:
        sql = f"SELECT account FROM {table} WHERE id = $1"
        account = await self._store.pool.fetchval(sql, id_)
        if account is None:
            raise no_such(table.removesuffix("s"), id_)
        return str(account)


def explained(handler: Handler) -> Handler:
    """
    Return *handler* with refusals as answers.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refusal as refusal:
            return json_response({"error": refusal.error}, status=refusal.status)
        except FaultMalformed as error:
            return json_response({"error": {"message": str(error)}}, status=400)

    return handle


async def told(request: web.Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.read() or b"{}", type=kind)
    except msgspec.MsgspecError as error:
        raise Malformed(str(error)) from None


def second_from(text: str) -> int:
    """
    Return the Unix second that *text* names, as a number or as ISO 8601.
    """
    if text.isdecimal():
        return int(text)
    try:
        time_ = datetime.fromisoformat(text)
    except ValueError:
        raise Malformed(f"Invalid timestamp: {text}") from None
    return int((time_ if time_.tzinfo else time_.replace(tzinfo=UTC)).timestamp())


def json_response(document: Any, *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(document), content_type="application/json")


_PAYMENT = """
    SELECT id, account FROM (
        SELECT id, account, captured FROM payments WHERE id = $1
        UNION ALL
        SELECT id, account, captured FROM payments
        WHERE (metadata ->> 'payment_id') COLLATE "C" = $2
    ) AS meant ORDER BY captured DESC LIMIT 1
"""
_NOT_PAID_OUT = f"""
    SELECT {", ".join(MOVEMENTS.columns)} FROM movements
    WHERE account = $1 AND payout = '' ORDER BY position LIMIT $2
"""
_SUMMARY = """
    SELECT account, currency, payments, set_aside, captured, refunded, disputed, balance
    FROM (
        SELECT account, currency, count(*) AS payments,
            coalesce(sum(amount - captured - released)
                FILTER (WHERE status = 'requires_capture'), 0)::bigint AS set_aside,
            sum(captured)::bigint AS captured, sum(refunded)::bigint AS refunded,
            sum(disputed)::bigint AS disputed
        FROM payments GROUP BY account, currency
    ) AS held LEFT JOIN (
        SELECT account, currency, sum(amount - fee)::bigint AS balance
        FROM movements GROUP BY account, currency
    ) AS moved USING (account, currency)
    ORDER BY account, currency
"""
_WAITING = "SELECT count(*) FROM events WHERE deliver_at IS NOT NULL"
# What was never set aside was not authorized: what ended was either taken or given up.
_EACH_TOTALS = """
    SELECT metadata ->> 'payment_id' AS payment_id, min(account) AS account, currency,
        count(*) FILTER (WHERE authorized > 0)::bigint AS authorizations,
        sum(authorized)::bigint AS authorized, sum(captured)::bigint AS captured,
        sum(captures)::bigint AS captures, sum(released)::bigint AS released,
        sum(refunded)::bigint AS refunded, sum(disputed)::bigint AS disputed
    FROM payments, LATERAL (
        SELECT CASE WHEN status = 'requires_capture' THEN amount ELSE captured + released END
            AS authorized
    ) AS set_aside
    WHERE {which} GROUP BY 1, currency ORDER BY 1
"""
_TOTALS = _EACH_TOTALS.format(which="metadata ? 'payment_id'")
_TOTALS_OF_ONE = _EACH_TOTALS.format(which="(metadata ->> 'payment_id') COLLATE \"C\" = $1")
