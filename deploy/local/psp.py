"""
Show what the simulated PSP holds and what it is told to do, or make it misbehave.

Without anything else it lists both. `fault` commands a misbehaviour, `behave` takes it back.
`dispute`, `close`, `expire` and `refund` are what cardholders and banks do; payments are named by
their ids at the PSP or in the payment service. `settle` writes the settlement report, `payout`
pays the balance out.
"""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any

import aiohttp

from chassis.terminal import print_table
from deploy.local.arguments import at_least, share_from
from deploy.local.cluster import Psp, load, to_json
from deploy.local.errors import CommandFailed, ServerAway
from deploy.psp.faults import KINDS, VERBS, WEBHOOK, WEBHOOKS

ANSWER_WITHIN_SECONDS = 60.0
Verb = str


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print an object")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("list", help="what it holds, and what it is told to do (the default)")
    add_fault(actions.add_parser("fault", help="make it misbehave"))
    behave = actions.add_parser("behave", help="take misbehaviour back")
    behave.add_argument("fault", nargs="?", default="", metavar="FAULT", help="this one alone")

    dispute = actions.add_parser("dispute", help="let the cardholder dispute a payment")
    dispute.add_argument("payment", metavar="PAYMENT")
    dispute.add_argument("--amount", type=at_least(1), metavar="N", help="minor units (all)")
    dispute.add_argument("--reason", default="fraudulent", help="such as product_not_received")
    close = actions.add_parser("close", help="let the bank decide a dispute")
    close.add_argument("dispute", metavar="DISPUTE")
    close.add_argument("outcome", choices=("won", "lost"))
    expire = actions.add_parser("expire", help="let the bank drop an authorization")
    expire.add_argument("payment", metavar="PAYMENT")
    refund = actions.add_parser("refund", help="let a refund arrive or fail")
    refund.add_argument("refund", metavar="REFUND")
    refund.add_argument("outcome", choices=("arrives", "fails"))

    settle = actions.add_parser("settle", help="write the settlement report as CSV")
    settle.add_argument("--out", type=Path, required=True, metavar="FILE")
    settle.add_argument("--from", dest="begin", default="0", metavar="TIME", help="ISO 8601")
    settle.add_argument("--to", dest="end", default="", metavar="TIME", help="ISO 8601 (now)")
    actions.add_parser("payout", help="pay the balance out to the merchant's bank")


def add_fault(fault: ArgumentParser) -> None:
    fault.add_argument("verb", type=verb_from, metavar="VERB", help=f"{', '.join(VERBS)}, or all")
    fault.add_argument("kind", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    fault.add_argument("--next", type=at_least(1), metavar="N", help="the next N times")
    fault.add_argument(
        "--probability", type=share_from, default=1.0, metavar="P", help="how often, 0 to 1 (1)"
    )
    fault.add_argument("--ms", type=at_least(0), default=0, metavar="N", help="how long")
    fault.add_argument(
        "--more", type=at_least(1), metavar="N", help="of wrong amounts: so many units too much"
    )
    fault.add_argument("--code", default="generic_decline", help="why the bank declines")
    fault.add_argument("--event", action="append", default=[], help="webhooks of this type alone")


def verb_from(text: str) -> Verb:
    if text not in (*VERBS, "all"):
        raise ArgumentTypeError(f"VERB is one of {', '.join(VERBS)}, all; not {text}")
    return text


async def run(arguments: Namespace) -> int:
    psp = load(arguments.state).psp
    if psp is None:
        raise CommandFailed("this cluster has no simulated PSP")
    try:
        async with aiohttp.ClientSession(
            f"{psp.url}/simulator/", timeout=aiohttp.ClientTimeout(total=ANSWER_WITHIN_SECONDS)
        ) as session:
            answer = await act(session, arguments)
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError):
        raise ServerAway(f"the PSP at {psp.url} does not answer: see `make status`") from None
    if arguments.json:
        print(to_json(answer).decode(), end="")
    else:
        show(arguments, answer, psp)
    return 0


async def act(session: aiohttp.ClientSession, arguments: Namespace) -> Any:
    """
    Do what is asked for, and return what the PSP answers.
    """
    match arguments.action:
        case "fault":
            return await ask(session, "POST", "faults", fault_of(arguments))
        case "behave":
            what = f"faults/{arguments.fault}" if arguments.fault else "faults"
            return await ask(session, "DELETE", what)
        case "dispute":
            more = {"amount": arguments.amount, "reason": arguments.reason}
            return await ask(session, "POST", "disputes", named(arguments.payment) | more)
        case "close":
            won = {"won": arguments.outcome == "won"}
            return await ask(session, "POST", f"disputes/{arguments.dispute}/close", won)
        case "expire":
            return await ask(session, "POST", "expire", named(arguments.payment))
        case "refund":
            verb = {"arrives": "settle", "fails": "fail"}[arguments.outcome]
            return await ask(session, "POST", f"refunds/{arguments.refund}/{verb}")
        case "payout":
            return await ask(session, "POST", "payouts")
        case "settle":
            return await settle(session, arguments)
        case _:
            return await ask(session, "GET", "summary") | await ask(session, "GET", "faults")


def fault_of(arguments: Namespace) -> dict[str, Any]:
    kind, verb = arguments.kind, arguments.verb
    if (kind in WEBHOOKS) != (verb == WEBHOOK):
        befallen = WEBHOOK if kind in WEBHOOKS else "requests, not webhooks"
        raise CommandFailed(f"{kind} is for {befallen}")
    return {
        "kind": kind,
        "verbs": [] if verb == "all" else [verb],
        "next": arguments.next,
        "probability": arguments.probability,
        "ms": arguments.ms,
        "steps": arguments.more or -1,
        "decline_code": arguments.code,
        "events": arguments.event,
    }


def named(payment: str) -> dict[str, Any]:
    return {"payment_intent" if payment.startswith("pi_") else "payment_id": payment}


async def ask(
    session: aiohttp.ClientSession, method: str, path: str, document: Any = None
) -> dict[str, Any]:
    """
    Raises:
        CommandFailed: The PSP says no.
    """
    async with session.request(method, path, json=document) as response:
        answer: dict[str, Any] = await response.json()
    if "error" in answer:
        raise CommandFailed(f"the PSP says: {answer['error']['message']}")
    return answer


async def settle(session: aiohttp.ClientSession, arguments: Namespace) -> dict[str, Any]:
    """
    Write the report to a file, and say how many rows it has.
    """
    query = {"from": arguments.begin} | ({"to": arguments.end} if arguments.end else {})
    rows = -1
    async with session.get("settlement", params=query) as response:
        if response.status != 200:
            error = (await response.json())["error"]
            raise CommandFailed(f"the PSP says: {error['message']}")
        try:
            file = arguments.out.open("wb")
        except OSError as error:
            raise CommandFailed(f"{arguments.out} cannot be written: {error.strerror}") from None
        with file:
            async for piece in response.content.iter_any():
                file.write(piece)
                rows += piece.count(b"\n")
    return {"file": str(arguments.out), "rows": rows}


def show(arguments: Namespace, answer: dict[str, Any], psp: Psp) -> None:
    match arguments.action:
        case "fault":
            print(f"From now on: {told(answer)}. Take it back: make psp DO=behave")
        case "behave":
            print(f"The PSP does {len(answer['faults'])} things wrong on command.")
        case "settle":
            print(f"{answer['rows']:,} rows are in {answer['file']}.")
        case "payout":
            print(f"{sum(bool(each['id']) for each in answer['payouts'])} payouts were made.")
        case None | "list":
            show_all(answer, psp)
        case _:
            print(f"{answer['id']} is {answer['status']}.")


def show_all(answer: dict[str, Any], psp: Psp) -> None:
    columns = ("account", "currency", "payments", "set_aside", "captured", "refunded", "disputed")
    print(f"The simulated PSP at {psp.url} holds, in minor units:\n")
    print_table(
        [*(name.upper().replace("_", " ") for name in columns), "BALANCE"],
        [
            [*(str(each[name]) for name in columns), str(each["balance"] or 0)]
            for each in answer["accounts"]
        ],
    )
    print(f"\nEvents that wait to be taken: {answer['events']}.")
    print("What it does wrong on command:" if answer["faults"] else "It behaves.")
    for fault in answer["faults"]:
        print(f"  {fault['id']}: {told(fault)}; so far {fault['hits']} times")


def told(fault: dict[str, Any]) -> str:
    """
    Return a misbehaviour in words.
    """
    whom = ", ".join(fault["verbs"]) or "whatever it can befall"
    often = f" the next {fault['next']} times" if fault["next"] else ""
    share = f" with probability {fault['probability']:g}" if fault["probability"] < 1 else ""
    return f"{fault['kind']} for {whom}{often}{share}"
