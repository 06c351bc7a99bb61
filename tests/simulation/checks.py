"""What must be so at the end of every schedule, whatever went wrong."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from chassis.saga.runner import LEASE
from services.order.application.saga_outcomes import LOOK_AGAIN_AFTER
from services.order.domain.order import WANTED, Order
from services.order.domain.values import OrderStatus, PaymentStatus, Reason, RequestState

if TYPE_CHECKING:
    from tests.simulation.faults import StepRun
    from tests.simulation.world import World

# A schedule with more runs of steps than this goes round in circles.
MOST_RUNS = 2_000
# The deadline that is promised, said once more: the code's own may be forgotten.
DISPATCHED_WITHIN = timedelta(days=7)
DECIDED_WITHIN = timedelta(minutes=15)
CHARGED_WITHIN = timedelta(minutes=30)
# A refusal on the way is put to a person, who looks the next day.
GIVEN_UP_WITHIN = timedelta(days=2)
# A provider who keeps the work is asked again the next day, and has its time to answer.
ASKED_AGAIN_WITHIN = timedelta(days=1, hours=2)

_ENDS = ("order rejected", "order cancelled", "order completed")
_BEGINNING = ("order accepted", "stock reserved", "payment authorized", "order confirmed")
_ONCE = (*_BEGINNING, "authorization expired", *_ENDS)
_NEVER_AFTER_THE_END = (
    *("stock", "payment", "order", "parcel dispatched", "given up", "authori", "work"),
)


def complaints(world: "World") -> Sequence[str]:
    """
    Return what is not as it must be.
    """
    found = [f"something failed: {error!r}" for error in world.failures]
    if len(world.runs) >= MOST_RUNS:
        found.append(f"goes round in circles: {len(world.runs)} runs of steps")
    found += [f"{run.step} ran longer than its lease" for run in world.runs if _overran(world, run)]
    for order_id, name in world.placed.items():
        order = world.memory.order(order_id)
        for check in (_end, _why, _money, _lost_money, _goods, _work, _requests, _timeline, _pace):
            found += [f"{name}: {what}" for what in check(world, order)]
    return found


def _overran(world: "World", run: "StepRun") -> bool:
    ended_at = world.loop.time() if run.ended_at is None else run.ended_at
    return ended_at - run.began_at > LEASE.total_seconds()


def _end(world: "World", order: Order) -> Iterator[str]:
    """
    It has ended, or waits for a named outsider who may still act.
    """
    row = world.memory.sagas.get(order.id)
    if order.has_ended != (row is None):
        yield f"is {order.status}, and its saga stands at {row.step if row else 'no step'}"
    if row is None:
        return
    now = world.clock()
    if row.attempts:
        yield f"{row.step} still fails: {row.last_error}"
    match row.waits_for.partition(":")[0]:
        case "provider" | "carrier" if order.shipments:
            pass
        case "provider" if now < order.created_at + DISPATCHED_WITHIN + LOOK_AGAIN_AFTER:
            pass
        case "a person" if now < row.since + LOOK_AGAIN_AFTER + timedelta(minutes=30):
            pass
        case "a person" if row.waits_for.endswith("AUTHORIZATION_EXPIRED"):
            pass  # no second look brings that money back
        case _:
            yield f"waits at {row.step} for {row.waits_for!r} since {row.since}"


def _why(world: "World", order: Order) -> Iterator[str]:
    """
    A no ends an order with that no; a failure never does.
    """
    declined = world.payment.of(order.id).declined
    if order.reason is Reason.PAYMENT_DECLINED and not declined:
        yield "ended for want of a money that nobody declined"
    expired_at = world.payment.of(order.id).expired_at
    if order.reason is Reason.AUTHORIZATION_EXPIRED and not expired_at:
        yield "ended for want of a money that was there"
    if order.reason is Reason.OUT_OF_STOCK and order.id not in world.product.out_of_stock:
        yield "ended for want of goods that nobody refused"
    if order.reason is Reason.DEADLINE_PASSED and declined and not world.outages:
        yield "waited for an answer that it had: the money was declined"


def _money(world: "World", order: Order) -> Iterator[str]:
    """
    Money taken = value of what was dispatched; of an order that has ended, nothing is set aside.
    """
    account = world.payment.of(order.id)
    if order.has_ended and account.set_aside:
        yield f"{account.set_aside} are still set aside"
    due = {s.id: s.value for s in order.shipments.values() if s.value.minor_units}
    taken = account.captures
    noted = {s.id for s in order.shipments.values() if s.captured and s.value.minor_units}
    if order.has_ended and Counter(taken.values()) != Counter(due.values()):
        yield f"{due} is due, {taken} was taken"
    if len(set(taken)) != len(taken) or account.captured > sum(m.minor_units for m in due.values()):
        yield f"more was taken ({account.captured}) than left"
    if noted - set(taken):
        yield f"charges noted that were not made: {noted - set(taken)}"
    if any(
        not 0 <= s.shipping.minor_units <= s.value.minor_units for s in order.shipments.values()
    ):
        yield f"a parcel's share makes no sense: {due}"
    if order.status is OrderStatus.COMPLETED and not order.is_short:
        if account.captured != order.grand_total.minor_units:
            yield f"costs {order.grand_total}, and {account.captured} was taken"
        if sum(s.shipping.minor_units for s in order.shipments.values()) > (
            order.shipping.minor_units
        ):
            yield "more was taken for shipping than it costs"
    if order.payment_status is PaymentStatus.PAID and account.captured != (
        order.grand_total.minor_units
    ):
        yield f"is PAID with {account.captured}"


def _lost_money(world: "World", order: Order) -> Iterator[str]:
    """
    What nobody would pay for is not waited for.
    """
    expired_at = world.payment.of(order.id).expired_at
    if expired_at is None or order.shipments:
        return
    ended = [e.at for e in world.memory.timelines[order.id] if e.what.startswith(_ENDS)]
    kept = sum(e.what.startswith("work kept") for e in world.memory.timelines[order.id])
    within = GIVEN_UP_WITHIN + kept * ASKED_AGAIN_WITHIN
    if not ended or ended[0] > expired_at + within:
        yield f"was not given up within {within} of its money's end, {expired_at}"


def _goods(world: "World", order: Order) -> Iterator[str]:
    """
    Goods booked out = goods dispatched; of an order that has ended, nothing is held.
    """
    held = world.product.of(order.id)
    if order.has_ended and held and held.left:
        yield f"still holds {dict(held.left)}"
    left: Counter[tuple[str, str]] = Counter()
    booked: Counter[tuple[str, str]] = Counter()
    for shipment in order.shipments.values():
        left.update({(g.sku, shipment.location_id): g.units for g in shipment.goods})
        booked.update(world.product.shipped.get(shipment.id, {}))
    if order.has_ended and left != booked:
        yield f"{dict(left)} left, {dict(booked)} was booked out"
    confirmed = held is not None and held.state == "confirmed"
    if order.status is OrderStatus.PLACED and not confirmed:
        yield f"is a promise on goods that are {held.state if held else 'unknown'}"


def _work(world: "World", order: Order) -> Iterator[str]:
    """
    Nobody works on an order that has ended, and none of a given-up one has left.
    """
    works = world.fulfillment.work.get(order.id, [])
    if order.status in {OrderStatus.REJECTED, OrderStatus.CANCELLED}:
        if any(work.parcels for work in works):
            yield f"is {order.status}, though a parcel has left"
        if any(work.left and not work.cancelled for work in works):
            yield f"is {order.status}, and somebody works on it"
    if order.status is OrderStatus.COMPLETED:
        told = sum(work.parcels for work in works)
        if told != len(order.shipments):
            yield f"{told} parcels left, {len(order.shipments)} are noted"


def _requests(world: "World", order: Order) -> Iterator[str]:
    """
    What customers asked for has an answer, and the answer is true.
    """
    cancellation, change = order.cancellation, order.change
    if cancellation and order.has_ended:
        cancelled = order.status in {OrderStatus.CANCELLED, OrderStatus.REJECTED}
        # A provider who keeps the work may never send it: then it ends without being asked for.
        kept = cancellation.refusal == "CANCELLATION_REJECTED" and order.reason not in WANTED
        accepted = cancellation.state is RequestState.ACCEPTED
        if accepted != cancelled and not (cancelled and kept):
            yield f"is {order.status}, and its cancellation {cancellation.state}"
    if order.has_ended and (order.is_to_be_cancelled or order.is_to_be_changed):
        yield "has ended, and a request has no answer"
    if change and change.state is RequestState.ACCEPTED:
        asked = {line.number: line.quantity.units for line in order.lines}
        if any(asked.get(number, 0) != units for number, units in change.quantities.items()):
            yield f"was changed to {change.quantities}, and has {asked}"
    works = world.fulfillment.work.get(order.id, [])
    ordered = Counter({(a.sku, a.location_id): a.units for a in order.allocations})
    worked: Counter[tuple[str, str]] = Counter()
    for work in works:
        worked.update({(a.sku, a.location_id): a.units for a in work.goods})
    if works and not order.is_to_be_changed and ordered != worked:
        yield f"{dict(ordered)} are allocated, {dict(worked)} are worked on"


def _timeline(world: "World", order: Order) -> Iterator[str]:
    entries = world.memory.timelines[order.id]
    whats = [entry.what for entry in entries]
    if [entry.at for entry in entries] != sorted(entry.at for entry in entries):
        yield "its timeline runs backwards"
    if order.news_count != len(entries):
        yield f"{order.news_count} entries are counted, {len(entries)} stand there"
    for once in _ONCE:
        if (times := sum(what.startswith(once) for what in whats)) > 1:
            yield f"'{once}' stands there {times} times"
    ends = [n for n, what in enumerate(whats) if what.startswith(_ENDS)]
    if bool(ends) != order.has_ended:
        yield f"is {order.status}, and its timeline ends with '{whats[-1]}'"
    if ends and any(what.startswith(_NEVER_AFTER_THE_END) for what in whats[ends[0] + 1 :]):
        yield f"something happened after its end: {whats}"
    if whats.count("parcel dispatched") != len(order.shipments):
        yield "its parcels and its timeline differ"
    for action in world.acted.get(order.id, []):
        if not any(entry.cause == "operator" for entry in entries):
            yield f"{action} by an operator is not on its timeline"


def _pace(world: "World", order: Order) -> Iterator[str]:
    """
    Whatever goes wrong delays, and not for long: a wake-up is never lost.
    """
    if order.id in world.moods:
        return  # its money or goods were refused: a person is waited for
    entries = world.memory.timelines[order.id]
    decided = [e for e in entries if e.what.startswith(("order confirmed", *_ENDS))]
    if not decided or decided[0].at > order.created_at + DECIDED_WITHIN:
        yield f"was not decided about within {DECIDED_WITHIN}"
    for n, entry in enumerate(entries):
        if entry.what == "parcel dispatched":
            charged = [e.at for e in entries[n:] if e.what == "payment captured"]
            if not charged or charged[0] > entry.at + CHARGED_WITHIN:
                yield f"was not charged within {CHARGED_WITHIN} of {entry.at}"
