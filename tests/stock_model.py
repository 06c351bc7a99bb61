"""
What stock is, told twice: in a few dictionaries here, and by the service.

A machine does the same to both, in any order, everything perhaps again, and compares them after
each step. It drives whatever runs the use cases: the world in memory, or replicas on PostgreSQL.
"""

from datetime import timedelta
from itertools import product
from uuid import UUID, uuid5

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.product.application.locations.create_location import CreateLocation, create_location
from services.product.application.locations.update_location import UpdateLocation, update_location
from services.product.application.reservations.confirm_reservations import (
    ConfirmReservation,
    confirm_reservations,
)
from services.product.application.reservations.consume_reservations import (
    ConsumeReservation,
    consume_reservations,
)
from services.product.application.reservations.expire_reservations import expire_reservations
from services.product.application.reservations.extend_reservations import (
    ExtendReservation,
    extend_reservations,
)
from services.product.application.reservations.reduce_reservations import (
    ReduceReservation,
    reduce_reservations,
)
from services.product.application.reservations.release_reservations import (
    ReleaseReservation,
    release_reservations,
)
from services.product.application.reservations.reserve_stock import ReserveStock, reserve_stock
from services.product.application.stock.adjust_stock import (
    AdjustmentReason,
    AdjustStock,
    adjust_stock,
)
from services.product.application.stock.count_stock import CountStock, count_stock
from services.product.application.stock.damage_stock import DamageStock, damage_stock
from services.product.application.stock.receive_stock import ReceiveStock, receive_stock
from services.product.application.stock.restore_stock import RestoreStock, restore_stock
from services.product.application.stock.return_stock import ReturnStock, return_stock
from services.product.application.stock.return_stock_to_supplier import (
    ReturnStockToSupplier,
    return_stock_to_supplier,
)
from services.product.application.stock.transfer_stock import TransferStock, transfer_stock
from services.product.domain.allocation import Shipment
from services.product.domain.location import Location, LocationState
from services.product.domain.stock import Sourcing, SourcingStrategy
from services.product.domain.stock_item import StockCondition
from services.product.domain.values import LocationId, Place, ReservationId, ShipmentId

SKUS = ["LAMP", "SHADE"]
# By priority; the last two have one.
PLACES = {"west": 1, "east": 2, "north": 2}
HOLD = 10


class Model:
    """
    Stock as a clerk would keep it.
    """

    def __init__(self):
        self.now = 0
        self.on_hand, self.damaged = {}, {}
        self.holds = {}
        self.closed = set()
        self.booked = {}

    def promised(self, sku, place, state):
        return sum(
            units - hold["shipped"].get((s, p), 0)
            for hold in self.holds.values()
            if hold["state"] == state
            for s, p, units in hold["goods"]
            if (s, p) == (sku, place)
        )

    def free(self, sku, place):
        key = sku, place
        taken = self.promised(sku, place, "HELD") + self.promised(sku, place, "CONFIRMED")
        return self.on_hand.get(key, 0) - self.damaged.get(key, 0) - taken

    def book(self, verb, id_, sku, place, *rest):
        """
        Do what *verb* says, once, and return why not if it cannot be done.
        """
        said = (sku, place, *rest)
        if (verb, id_) in self.booked:
            return "" if self.booked[verb, id_] == said else "REQUEST_ID_REUSED"
        refusal = self._book(verb, sku, place, *rest)
        if not refusal:
            self.booked[verb, id_] = said
        return refusal

    def _book(self, verb, sku, place, units, extra=None):
        target = extra if verb == "transfer" else place
        adds = verb in ("receive", "return", "transfer") or (verb == "adjust" and units > 0)
        if adds and target in self.closed:
            return "LOCATION_CLOSED"
        key, damaged = (sku, place), self.damaged.get((sku, place), 0)
        free = damaged if verb == "restore" or extra is True else self.free(sku, place)
        takes = verb in ("transfer", "damage", "restore", "supplier")
        if (takes and units > free) or (verb == "adjust" and -units > free):
            return "STOCK_INSUFFICIENT"
        if verb == "count":
            missing = self.on_hand.get(key, 0) - units
            if missing > self.free(sku, place):
                return "STOCK_INSUFFICIENT"
            self.on_hand[key] = units
            return ""
        on_hand = {"damage": 0, "restore": 0, "transfer": -units, "supplier": -units}
        self.on_hand[key] = self.on_hand.get(key, 0) + on_hand.get(verb, units)
        if verb == "transfer":
            self.on_hand[sku, target] = self.on_hand.get((sku, target), 0) + units
        elif verb in ("damage", "restore"):
            self.damaged[key] = damaged + (units if verb == "damage" else -units)
        elif extra is True:
            self.damaged[key] = damaged + on_hand.get(verb, units)
        return ""

    def source(self, lines, strategy, only):
        places = [p for p in sorted(PLACES, key=lambda p: (PLACES[p], p)) if p not in self.closed]
        places = [p for p in places if p in only or not only]
        if strategy.startswith("ONE"):
            for place in places:
                if all(self.free(sku, place) >= units for sku, units in lines.items()):
                    return [(sku, place, units) for sku, units in lines.items()]
            if strategy == "ONE_LOCATION_ONLY":
                return None
        goods = []
        for sku, units in lines.items():
            by_stock = sorted(places, key=lambda p, sku=sku: -self.free(sku, p))
            for place in places if strategy == "SPLIT_BY_PRIORITY" else by_stock:
                taken = min(units, self.free(sku, place))
                if taken > 0:
                    goods.append((sku, place, taken))
                    units -= taken
            if units:
                return None
        return goods

    def _alive(self, id_):
        hold = self.holds[id_]
        if hold["state"] == "HELD" and hold["ends"] <= self.now:
            hold["state"] = "EXPIRED"
        refusals = {"RELEASED": "RESERVATION_RELEASED", "EXPIRED": "RESERVATION_EXPIRED"}
        return refusals.get(hold["state"], "")

    def reserve(self, id_, lines, strategy, only):
        if id_ in self.holds:
            kept = {}
            for sku, _, units in self.holds[id_]["goods"]:
                kept[sku] = kept.get(sku, 0) + units
            known = lines in (kept, self.holds[id_]["lines"])
            return self._alive(id_) or ("" if known else "RESERVATION_MISMATCH")
        goods = self.source(lines, strategy, only)
        if goods is None:
            return "OUT_OF_STOCK"
        ends = self.now + HOLD
        self.holds[id_] = {"state": "HELD", "goods": goods, "ends": ends, "shipped": {}}
        self.holds[id_]["lines"] = lines
        return ""

    def confirm(self, id_):
        if id_ not in self.holds:
            return "RESERVATION_NOT_FOUND"
        refusal = self._alive(id_)
        if not refusal and self.holds[id_]["state"] == "HELD":
            self.holds[id_]["state"] = "CONFIRMED"
        return refusal

    def extend(self, id_, ends):
        if id_ not in self.holds:
            return "RESERVATION_NOT_FOUND"
        if refusal := self._alive(id_):
            return refusal
        hold = self.holds[id_]
        if hold["state"] != "HELD":
            return "RESERVATION_CONFIRMED"
        hold["ends"] = max(hold["ends"], ends)
        return ""

    def reduce(self, id_, kept):
        if id_ not in self.holds:
            return "RESERVATION_NOT_FOUND"
        if refusal := self._alive(id_):
            return refusal
        hold = self.holds[id_]
        goods = [(s, p, min(units, kept.get((s, p), 0))) for s, p, units in hold["goods"]]
        if any(units < hold["shipped"].get((s, p), 0) for s, p, units in goods):
            return "ALREADY_SHIPPED"
        goods = [some for some in goods if some[2]]
        if not goods:
            return "RESERVATION_MISMATCH"
        hold["goods"] = goods
        if len(hold["shipped"]) == len(goods):
            hold["state"] = "CONSUMED"
        return ""

    def release(self, id_):
        tombstone = {"state": "RELEASED", "goods": [], "lines": {}, "ends": 0, "shipped": {}}
        hold = self.holds.setdefault(id_, tombstone)
        if hold["state"] == "CONSUMED":
            return "RESERVATION_CONSUMED"
        if hold["state"] in ("HELD", "CONFIRMED"):
            hold["state"] = "RELEASED"
        return ""

    def ship_all(self, id_, place):
        """
        Ship everything that is to come from *place*, as one shipment.
        """
        if id_ not in self.holds:
            return "RESERVATION_NOT_FOUND"
        hold = self.holds[id_]
        mine = {(s, p): units for s, p, units in hold["goods"] if p == place}
        if any(key in hold["shipped"] for key in mine):
            return ""
        if hold["state"] not in ("CONFIRMED", "CONSUMED"):
            return "RESERVATION_NOT_CONFIRMED"
        hold["shipped"].update(mine)
        for key, units in mine.items():
            self.on_hand[key] -= units
        if len(hold["shipped"]) == len(hold["goods"]):
            hold["state"] = "CONSUMED"
        return ""

    def expire(self):
        for id_ in self.holds:
            self._alive(id_)

    def level(self, sku, place):
        key = sku, place
        held, allocated = (self.promised(sku, place, state) for state in ("HELD", "CONFIRMED"))
        return self.on_hand.get(key, 0), held, allocated, self.damaged.get(key, 0)


class Service:
    """
    The service under test, with names that belong to one run only.

    Args:
        run: Runs a coroutine to its end.
        world: Has a `uow` and a `clock`, and can `wait`.
    """

    def __init__(self, run, world, tag):
        self.run, self.world, self.tag = run, world, tag
        self.began = world.clock()
        for place, priority in PLACES.items():
            location = Location(id=self.place(place), name=place, priority=priority)
            run(create_location(CreateLocation(location=location), uow=world.uow))

    def sku(self, sku):
        return Sku(f"{sku}-{self.tag}")

    def place(self, place):
        return LocationId(f"{place}-{self.tag}")

    def id(self, kind, number):
        return uuid5(UUID(int=self.tag), f"{kind} {number}")

    def do(self, verb, *commands):
        answers = self.run(verb(commands, uow=self.world.uow, clock=self.world.clock))
        return [getattr(answer, "reason", "") for answer in answers]

    def book(self, verb, id_, sku, place, units, extra=None):
        common = {"request_id": self.id(verb, id_), "sku": self.sku(sku)}
        at, some = {"location_id": self.place(place)}, {"quantity": Quantity(max(units, 1))}
        which = {"condition": StockCondition.DAMAGED if extra is True else StockCondition.SELLABLE}
        match verb:
            case "receive":
                return receive_stock, ReceiveStock(**common, **at, **some)
            case "damage":
                return damage_stock, DamageStock(**common, **at, **some)
            case "restore":
                return restore_stock, RestoreStock(**common, **at, **some)
            case "return":
                return return_stock, ReturnStock(**common, **at, **some, **which)
            case "supplier":
                command = ReturnStockToSupplier(**common, **at, **some, **which)
                return return_stock_to_supplier, command
            case "count":
                return count_stock, CountStock(**common, **at, on_hand=units)
            case "adjust":
                reason = AdjustmentReason.CORRECTION
                command = AdjustStock(**common, **at, **which, delta=units, reason=reason)
                return adjust_stock, command
            case _:
                ends = {"from_location_id": self.place(place), "to_location_id": self.place(extra)}
                return transfer_stock, TransferStock(**common, **ends, **some)

    def reservation(self, number):
        return ReservationId(self.id("reservation", number))

    def reduction(self, number, kept):
        return ReduceReservation(
            reservation_id=self.reservation(number),
            kept={
                Place(sku=self.sku(sku), location_id=self.place(place)): Quantity(units)
                for (sku, place), units in kept.items()
            },
        )

    def levels(self):
        async def read():
            async with self.world.uow() as tx:
                return await tx.stock_items.of([self.sku(sku) for sku in SKUS])

        return {
            (i.sku.rpartition("-")[0], i.location_id.rpartition("-")[0]): (
                i.on_hand,
                i.held,
                i.allocated,
                i.damaged,
            )
            for i in self.run(read())
        }


ids = st.integers(1, 8)
skus = st.sampled_from(SKUS)
places = st.sampled_from(sorted(PLACES))
units = st.integers(1, 6)
deltas = st.sampled_from([-4, -2, -1, 1, 3])
orders = st.dictionaries(skus, units, min_size=1)
keeps = st.dictionaries(st.tuples(skus, places), units, min_size=1, max_size=4)


def bookings():
    """
    Return what can be asked of a warehouse: a verb, an id, and what it says.
    """
    plain = st.sampled_from(["receive", "receive", "damage", "restore"])
    either = st.sampled_from(["return", "supplier"])
    return st.one_of(
        st.tuples(plain, ids, skus, places, units),
        st.tuples(either, ids, skus, places, units, st.booleans()),
        st.tuples(st.just("count"), ids, skus, places, st.integers(0, 8)),
        st.tuples(st.just("adjust"), ids, skus, places, deltas, st.booleans()),
        st.tuples(st.just("transfer"), ids, skus, places, units, places).filter(
            lambda said: said[3] != said[5]
        ),
    )


class Machine(RuleBasedStateMachine):
    """
    Subclasses say where the service is.
    """

    def service(self):
        raise NotImplementedError

    def __init__(self):
        super().__init__()
        self.ours, self.model = self.service(), Model()
        # Something to begin with: who only meets refusals learns little.
        for id_, (sku, place) in enumerate(product(SKUS, PLACES), start=100):
            self.book(("receive", id_, sku, place, 8), again=False)
        for id_ in range(1, 5):
            lines = {"LAMP": 2, "SHADE": 8 + id_} if id_ % 2 else {"LAMP": 5}
            self.reserve(id_, lines, SourcingStrategy.SPLIT_BY_STOCK, set(), again=False)
            if id_ > 2:
                self.confirm(id_)

    @rule(said=bookings(), again=st.booleans())
    def book(self, said, again):
        times = 2 if again else 1
        verb, command = self.ours.book(*said)
        # In one batch: what the first one takes or is refused holds for the second.
        assert self.ours.do(verb, *[command] * times) == [
            self.model.book(*said) for _ in range(times)
        ]

    @rule(
        id_=ids,
        lines=orders,
        strategy=st.sampled_from(list(SourcingStrategy)),
        only=st.sets(places, max_size=2),
        again=st.booleans(),
    )
    def reserve(self, id_, lines, strategy, only, again):
        sourcing = Sourcing(
            strategy=strategy, location_ids=frozenset(self.ours.place(p) for p in only)
        )
        command = ReserveStock(
            reservation_id=self.ours.reservation(id_),
            lines={self.ours.sku(sku): Quantity(number) for sku, number in lines.items()},
            duration=timedelta(minutes=HOLD),
            sourcing=sourcing,
        )
        times = 2 if again else 1
        assert self.ours.do(reserve_stock, *[command] * times) == [
            self.model.reserve(id_, lines, strategy.value, only) for _ in range(times)
        ]

    @rule(id_=ids)
    def confirm(self, id_):
        command = ConfirmReservation(reservation_id=self.ours.reservation(id_))
        assert self.ours.do(confirm_reservations, command) == [self.model.confirm(id_)]

    @rule(id_=ids)
    def release(self, id_):
        command = ReleaseReservation(reservation_id=self.ours.reservation(id_))
        assert self.ours.do(release_reservations, command) == [self.model.release(id_)]

    @rule(id_=ids, kept=keeps, again=st.booleans())
    def reduce(self, id_, kept, again):
        command = self.ours.reduction(id_, kept)
        times = 2 if again else 1
        assert self.ours.do(reduce_reservations, *[command] * times) == [
            self.model.reduce(id_, kept) for _ in range(times)
        ]

    @rule(id_=ids, more=st.integers(-5, 30))
    def extend(self, id_, more):
        ends = self.model.now + more
        command = ExtendReservation(
            reservation_id=self.ours.reservation(id_),
            expires_at=self.ours.began + timedelta(minutes=ends),
        )
        assert self.ours.do(extend_reservations, command) == [self.model.extend(id_, ends)]

    @rule(id_=ids, place=places)
    def ship(self, id_, place):
        goods = self.model.holds.get(id_, {"goods": []})["goods"]
        mine = {sku: number for sku, at, number in goods if at == place} or {"LAMP": 1}
        if goods and not any(at == place for _, at, _ in goods):
            return
        shipment = Shipment(
            id=ShipmentId(self.ours.id("shipment", f"{id_} {place}")),
            location_id=self.ours.place(place),
            lines={self.ours.sku(sku): Quantity(number) for sku, number in mine.items()},
        )
        command = ConsumeReservation(reservation_id=self.ours.reservation(id_), shipment=shipment)
        assert self.ours.do(consume_reservations, command) == [self.model.ship_all(id_, place)]

    @rule(minutes=st.sampled_from([1, 5, 11]))
    def wait(self, minutes):
        self.ours.world.wait(minutes=minutes)
        self.model.now += minutes

    @rule()
    def expire(self):
        self.ours.run(expire_reservations(uow=self.ours.world.uow, clock=self.ours.world.clock))
        self.model.expire()

    @rule(place=places)
    def close_or_open(self, place):
        self.model.closed ^= {place}
        state = LocationState.CLOSED if place in self.model.closed else LocationState.OPEN
        command = UpdateLocation(location_id=self.ours.place(place), state=state)
        self.ours.run(update_location(command, uow=self.ours.world.uow))

    @invariant()
    def the_levels_are_equal(self):
        levels = self.ours.levels()
        for sku in SKUS:
            for place in PLACES:
                at = levels.get((sku, place), (0, 0, 0, 0))
                assert at == self.model.level(sku, place), (sku, place)
