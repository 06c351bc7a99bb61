"""What merchants can look at: objects one by one, and in pages."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from deploy.psp.forms import expansions_in, form_from
from deploy.psp.objects import (
    Object,
    charge_object,
    dispute_object,
    movement_object,
    page_object,
    payment_object,
    refund_object,
)
from deploy.psp.records import Event, Movement
from deploy.psp.refusals import Malformed, no_such
from deploy.psp.shapes import DISPUTES, EVENTS, MOVEMENTS, PAYMENTS, REFUNDS, Shape
from deploy.psp.store import Store

DEFAULT_LIMIT = 10
MOST = 100
END_OF_TIME = 2**62

# What a list can be narrowed to: parameter → column.
FILTERS: Mapping[str, Mapping[str, str]] = {
    "payment_intents": {},
    "refunds": {"payment_intent": "payment"},
    "disputes": {"payment_intent": "payment"},
    "balance_transactions": {"payout": "payout", "source": "source", "currency": "currency"},
    "events": {"type": "type"},
}
SHAPES: Mapping[str, Shape[Any]] = {
    "payment_intents": PAYMENTS,
    "refunds": REFUNDS,
    "disputes": DISPUTES,
    "balance_transactions": MOVEMENTS,
    "events": EVENTS,
}
NAMES = {
    "payment_intents": "payment_intent",
    "refunds": "refund",
    "disputes": "dispute",
    "balance_transactions": "balance_transaction",
    "events": "event",
    "charges": "charge",
}


class Reader:
    """
    Reads outside the lane: what was answered is committed, so it is seen.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def retrieve(self, account: str, kind: str, id_: str, query: str) -> Object:
        """
        Raises:
            Refusal: There is no such thing.
        """
        expand = expansions_in(form_from(query))
        if kind == "charges":
            payment = await self._store.find(PAYMENTS, account, f"pi_{id_.removeprefix('ch_')}")
            if payment is None or not id_.startswith("ch_"):
                raise no_such("charge", id_)
            return charge_object(payment, expand)
        if kind not in SHAPES:
            raise unrecognized(kind)
        record = await self._store.find(SHAPES[kind], account, id_)
        if record is None:
            raise no_such(NAMES[kind], id_)
        return (await self._shown(account, kind, [record], expand))[0]

    async def page(self, account: str, path: str, query: Mapping[str, str]) -> Object:
        """
        Return a page of a list, the latest first.

        Raises:
            Malformed: It was asked for in a wrong way.
        """
        kind = path.rpartition("/")[2]
        if kind not in SHAPES:
            raise unrecognized(kind)
        form = form_from("&".join(f"{name}={value}" for name, value in query.items()))
        limit = limit_in(query)
        records = await self._store.page(
            SHAPES[kind],
            account,
            filters=filters_in(kind, query),
            created=created_in(query),
            limit=limit + 1,
            after=query.get("starting_after", ""),
        )
        expand = {each.removeprefix("data.") for each in expansions_in(form)}
        shown = await self._shown(account, kind, records[:limit], expand)
        return page_object(path, shown, more=len(records) > limit)

    async def _shown(self, account: str, kind: str, records: Any, expand: Any) -> list[Object]:
        if kind == "balance_transactions":
            sources = await self._sources(records) if "source" in expand else {}
            return [movement_object(each, sources.get(each.source)) for each in records]
        if kind == "disputes":
            return [await self._dispute(account, each) for each in records]
        render: Callable[[Any], Object] = {
            "payment_intents": lambda each: payment_object(each, expand),
            "refunds": refund_object,
            "events": event_object,
        }[kind]
        return [render(each) for each in records]

    async def _dispute(self, account: str, dispute: Any) -> Object:
        ids = filter(None, (dispute.movement_id, dispute.reversal_movement_id))
        found = [await self._store.find(MOVEMENTS, account, id_) for id_ in ids]
        return dispute_object(dispute, [each for each in found if each])

    async def _sources(self, movements: list[Movement]) -> dict[str, Object]:
        """
        Return what balances have changed because of, by id.
        """
        ids = [each.source for each in movements]
        books = await self._store.books_of_sources(ids)
        return {
            **{each.charge_id: charge_object(each) for each in books.payments.values()},
            **{each.id: refund_object(each) for each in books.refunds.values()},
            **{each.id: dispute_object(each) for each in books.disputes.values()},
        }


def event_object(event: Event) -> Object:
    shown: Object = orjson.loads(event.body)
    return shown


def limit_in(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(DEFAULT_LIMIT))
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise Malformed(f"limit is from 1 to {MOST}.", param="limit")
    return int(text)


def filters_in(kind: str, query: Mapping[str, str]) -> dict[str, str]:
    known = FILTERS[kind]
    return {
        column: query[name].upper() if name == "currency" else query[name]
        for name, column in known.items()
        if query.get(name)
    }


def created_in(query: Mapping[str, str]) -> tuple[int, int]:
    """
    Return the first second that is asked for, and the one after the last.
    """
    first, end = 0, END_OF_TIME
    for name, value in query.items():
        if not name.startswith("created"):
            continue
        if not value.isdecimal():
            raise Malformed(f"Invalid timestamp: {value}", param="created")
        second = int(value)
        match name:
            case "created":
                first, end = second, second + 1
            case "created[gte]":
                first = second
            case "created[gt]":
                first = second + 1
            case "created[lt]":
                end = second
            case "created[lte]":
                end = second + 1
    return first, end


def unrecognized(kind: str) -> Malformed:
    return Malformed(f"Unrecognized request URL (/v1/{kind}).", status=404)
