"""
List what orders, and returns of their goods, wait for and since when, or move them on by hand.

Without anything else it lists what waits for whom, and those that have stood longest. `retry` runs
the step of an order again now, `skip` lets it go on as though a step had succeeded that somebody
saw to elsewhere, `compensate` gives it up: what it holds is given back. Each is noted on the
order's timeline, with who did it and why.

Orders and returns are named, or meant all at once with --all-stuck: those whose step has failed
and those that wait for a person. That only says what it would do; --yes does it.
"""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import grpc
from google.protobuf.json_format import MessageToDict

from chassis.events.tools.arguments import add_by, words
from chassis.rpc.errors import reason_of
from chassis.terminal import print_table
from deploy.local.arguments import at_least
from deploy.local.cluster import load, to_json
from deploy.local.errors import ServerAway
from deploy.local.world.services import Services, services_of
from retail.order.v1 import saga_service_pb2 as pb

PAGE = 1_000
MOST_ORDERS = 500
MOST_SECONDS = 1_000_000_000
MOST_SHOWN = 20
MOST_CHARACTERS = 80


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print an object or a list of them")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    listing = actions.add_parser("list", help="what waits for whom (the default)")
    listing.add_argument("--step", default="", help="only those at this step")
    listing.add_argument(
        "--waits-for", default="", metavar="NAME", help="only those that wait for somebody named so"
    )
    listing.add_argument(
        "--seconds",
        type=at_least(0, most=MOST_SECONDS),
        default=0,
        metavar="N",
        help="only those that stand for so long",
    )
    listing.add_argument(
        "--stuck", action="store_true", help="only those that failed or wait for a person"
    )
    show = actions.add_parser("show", help="one order's saga")
    show.add_argument("order", type=UUID, metavar="ORDER")
    for action, explanation in (
        ("retry", "run the step again now"),
        ("skip", "go on as though the step had succeeded"),
        ("compensate", "give the order up: what it holds is given back"),
    ):
        each = actions.add_parser(action, help=explanation)
        each.add_argument("orders", type=UUID, nargs="*", metavar="ORDER")
        each.add_argument("--all-stuck", action="store_true", help="all that are stuck")
        each.add_argument(
            "--step",
            default="",
            required=action == "skip",
            help="the step that was seen to" if action == "skip" else "only those at this step",
        )
        each.add_argument("--reason", type=words, required=True, metavar="TEXT", help="why")
        each.add_argument("--yes", action="store_true", help="with --all-stuck: do it")
        add_by(each)


async def run(arguments: Namespace) -> int:
    async with services_of(load(arguments.state)) as services:
        try:
            match arguments.action:
                case "show":
                    return await _show(services, arguments)
                case "retry" | "skip" | "compensate":
                    return await _act(services, arguments)
                case _:
                    return await _list(services, arguments)
        except grpc.aio.AioRpcError as error:
            raise ServerAway(f"the order service says: {error.details()}") from error


async def _list(services: Services, arguments: Namespace) -> int:
    wanted = {
        "step": getattr(arguments, "step", ""),
        "waits_for": getattr(arguments, "waits_for", ""),
        "least_seconds": getattr(arguments, "seconds", 0),
        "stuck": getattr(arguments, "stuck", False),
    }
    sagas = await _all(services, **wanted)
    groups = groups_of(sagas)
    if arguments.json:
        oldest = [_plain(saga) for saga in sagas[:MOST_SHOWN]]
        print(to_json({"groups": groups, "oldest": oldest}).decode(), end="")
    elif not sagas:
        print("No order waits so." if any(wanted.values()) else "No order waits for anything.")
    else:
        _print_groups(groups)
        print("\nThose that have stood longest:")
        _print_sagas(sagas)
    return 0


async def _all(services: Services, **wanted: object) -> Sequence[pb.Saga]:
    """
    Return all sagas that are *wanted*, those that have stood longest first.
    """
    sagas: list[pb.Saga] = []
    token = ""
    while True:
        request = pb.ListSagasRequest(page_size=PAGE, page_token=token, **wanted)  # type: ignore[arg-type]
        page = await services.saga.ListSagas(request)
        sagas += page.sagas
        token = page.next_page_token
        if not token:
            return sagas


async def _show(services: Services, arguments: Namespace) -> int:
    try:
        answer = await services.saga.GetSaga(pb.GetSagaRequest(order_id=str(arguments.order)))
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        print(error.details())
        return 1
    fields = _plain(answer.saga)
    if arguments.json:
        print(to_json(fields).decode(), end="")
    else:
        for name, value in fields.items():
            print(f"{name:<12}{value}")
    return 0


async def _act(services: Services, arguments: Namespace) -> int:
    if bool(arguments.orders) == arguments.all_stuck:
        print("name the orders that are meant, or say --all-stuck")
        return 2
    if arguments.all_stuck:
        sagas = await _all(services, step=arguments.step, stuck=True)
        if not sagas or not arguments.yes:
            return _would(sagas, arguments)
        orders = [_id(saga) for saga in sagas]
    else:
        orders = [str(order) for order in arguments.orders]
    results: list[pb.SagaResult] = []
    for first in range(0, len(orders), MOST_ORDERS):
        results += await _ask(services, arguments, orders[first : first + MOST_ORDERS])
    refused = [result for result in results if result.HasField("error")]
    if arguments.json:
        print(to_json([_plain_result(o, r) for o, r in zip(orders, results, strict=True)]).decode())
        return 1 if refused else 0
    for order, result in zip(orders, results, strict=True):
        if result.HasField("error"):
            print(f"{order}: {result.error.message} ({reason_of(result.error)})")
    print(f"{_orders(len(results) - len(refused))} done, {len(refused):,} refused.")
    return 1 if refused else 0


def _would(sagas: Sequence[pb.Saga], arguments: Namespace) -> int:
    if arguments.json:
        would = {"would": arguments.action, "orders": [_id(saga) for saga in sagas]}
        print(to_json(would).decode(), end="")
    elif not sagas:
        print("Nothing is stuck.")
    else:
        _print_sagas(sagas)
        print(f"\nWould {arguments.action} {_orders(len(sagas))}. Say --yes to do it.")
    return 0


async def _ask(
    services: Services, arguments: Namespace, orders: Sequence[str]
) -> Sequence[pb.SagaResult]:
    who, why = arguments.by, arguments.reason
    match arguments.action:
        case "retry":
            retry = pb.RetrySagasRequest(order_ids=orders, actor=who, reason=why)
            return (await services.saga.RetrySagas(retry)).results
        case "skip":
            skip = pb.SkipSagaStepsRequest(
                order_ids=orders, step=arguments.step, actor=who, reason=why
            )
            return (await services.saga.SkipSagaSteps(skip)).results
        case _:
            compensate = pb.CompensateSagasRequest(order_ids=orders, actor=who, reason=why)
            return (await services.saga.CompensateSagas(compensate)).results


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """
    Orders that wait for the same at one step.

    Attributes:
        since: Since when the first of them has stood there, in seconds since 1970.
        stuck: How many have failed, or wait for a person.
        example: The one that has stood longest.
    """

    waits_for: str
    step: str
    orders: int
    stuck: int
    since: int
    example: str


def groups_of(sagas: Sequence[pb.Saga]) -> Sequence[Group]:
    """
    Return *sagas*, which come in the order they have stood, by what they wait for; most first.
    """
    members: dict[tuple[str, str], list[pb.Saga]] = {}
    for saga in sagas:
        members.setdefault((saga.waits_for, saga.step), []).append(saga)
    groups = [
        Group(
            waits_for=waits_for,
            step=step,
            orders=len(alike),
            stuck=sum(_is_stuck(saga) for saga in alike),
            since=alike[0].since_time.seconds,
            example=_id(alike[0]),
        )
        for (waits_for, step), alike in members.items()
    ]
    return sorted(groups, key=lambda group: -group.orders)


def _id(saga: pb.Saga) -> str:
    """
    Return what *saga* is named by: the return that it is about, or the order.
    """
    return saga.return_id or saga.order_id


def _is_stuck(saga: pb.Saga) -> bool:
    return saga.attempts > 0 or saga.waits_for.startswith("a person")


def _print_groups(groups: Sequence[Group]) -> None:
    print_table(
        ("WAITS FOR", "STEP", "ORDERS", "STUCK", "LONGEST", "FOR EXAMPLE"),
        [
            (
                group.waits_for or "its turn",
                group.step,
                f"{group.orders:,}",
                f"{group.stuck:,}",
                _age(group.since),
                group.example,
            )
            for group in groups
        ],
    )


def _print_sagas(sagas: Sequence[pb.Saga]) -> None:
    print_table(
        ("ORDER", "STEP", "WAITS FOR", "SINCE", "FAILED", "LAST ERROR"),
        [
            (
                _id(saga),
                saga.step,
                saga.waits_for or "its turn",
                f"{_age(saga.since_time.seconds)} ago",
                f"{saga.attempts} times" if saga.attempts else "",
                saga.last_error.partition("\n")[0][:MOST_CHARACTERS],
            )
            for saga in sagas[:MOST_SHOWN]
        ],
    )
    if len(sagas) > MOST_SHOWN:
        print(f"… and {len(sagas) - MOST_SHOWN:,} more")


def _plain(saga: pb.Saga) -> Mapping[str, object]:
    fields: dict[str, object] = MessageToDict(saga, preserving_proto_field_name=True)
    return fields


def _plain_result(order: str, result: pb.SagaResult) -> Mapping[str, object]:
    if result.HasField("error"):
        return {"order_id": order, "refused": reason_of(result.error)}
    return _plain(result.saga)


def _orders(count: int) -> str:
    return f"{count:,} order{'' if count == 1 else 's'}"


def _age(since: int) -> str:
    seconds = max(0, int(time.time()) - since)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
