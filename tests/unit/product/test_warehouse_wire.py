"""What people in warehouses say, on the wire: malformed entries are refused by field."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from chassis.kernel.errors import InvalidInput
from retail.product.v1 import stock_service_pb2 as pb
from services.product.application.ports.stock_items import JournalEntry
from services.product.application.stock.adjust_stock import AdjustmentReason
from services.product.domain.location import Location, LocationState
from services.product.domain.movement import Cause, CauseType, MovementKind, StockMovement
from services.product.domain.stock_item import StockCondition
from services.product.domain.values import LocationId, Place
from services.product.entrypoints.stock_servicer import StockServicer
from services.product.wire import journal, locations, warehouse
from services.product.wire.fields import PageTokenInvalid

ID = "00000000-0000-0000-0000-000000000001"
AT = {"request_id": ID, "sku": "LAMP", "location_id": "main"}
GOODS = {**AT, "quantity": 1}
ADJUSTMENT = {**AT, "delta": -1, "reason": pb.ADJUSTMENT_REASON_LOST}
MOVED = {
    "request_id": ID,
    "sku": "LAMP",
    "from_location_id": "main",
    "to_location_id": "north",
    "quantity": 1,
}
COUNT = {**AT, "on_hand": 5}

# Every verb, with an entry that it takes.
VERBS = {
    "adjust": (warehouse.adjustment_from_wire, pb.Adjustment, ADJUSTMENT),
    "transfer": (warehouse.transfer_from_wire, pb.Transfer, MOVED),
    "count": (warehouse.count_from_wire, pb.StockCount, COUNT),
    "damage": (warehouse.damage_from_wire, pb.GoodsAtLocation, GOODS),
    "restore": (warehouse.restoration_from_wire, pb.GoodsAtLocation, GOODS),
    "supplier": (warehouse.supplier_return_from_wire, pb.SupplierReturn, GOODS),
    "return": (warehouse.customer_return_from_wire, pb.CustomerReturn, GOODS),
}
MOST, LEAST = 2**63 - 1, -(2**63)


def refused_field(from_wire, message):
    with pytest.raises(InvalidInput) as refusal:
        from_wire(message, "entries[3]")
    return refusal.value.field.removeprefix("entries[3].")


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_understands_its_entries(verb):
    from_wire, message, entry = VERBS[verb]

    command = from_wire(message(**entry), "entries[3]")

    assert (command.request_id, command.sku) == (UUID(ID), "LAMP")


MALFORMED = [
    ("request_id", ""),
    ("request_id", "nonsense"),
    ("request_id", f"{ID}\0"),
    ("sku", ""),
    ("sku", "lamp"),
    ("sku", "LAMP\n"),
    ("location_id", ""),
    ("location_id", "Main"),
    ("location_id", "x" * 65),
    ("from_location_id", ""),
    ("to_location_id", "Main"),
    ("quantity", 0),
    ("quantity", -1),
    ("quantity", 1_000_001),
    ("quantity", MOST),
    ("delta", 0),
    ("delta", LEAST),
    ("delta", 1_000_001),
    ("reason", 0),
    ("reason", 99),
    ("condition", 99),
    ("condition", -1),
    ("note", "x" * 501),
    ("note", "\0"),
    ("on_hand", -1),
    ("on_hand", MOST),
    ("damaged", -1),
    ("damaged", 6),
    ("damaged", LEAST),
]


@pytest.mark.parametrize(
    ("verb", "field", "value"),
    [
        (verb, field, value)
        for verb, (_, message, _) in VERBS.items()
        for field, value in MALFORMED
        if field in message.DESCRIPTOR.fields_by_name
    ],
)
def test_a_malformed_entry_is_refused_by_the_path_of_its_field(verb, field, value):
    from_wire, message, entry = VERBS[verb]

    assert refused_field(from_wire, message(**{**entry, field: value})) == field


def test_goods_are_not_transferred_to_where_they_are():
    entry = pb.Transfer(**{**MOVED, "to_location_id": "main"})

    assert refused_field(warehouse.transfer_from_wire, entry) == "to_location_id"


@pytest.mark.parametrize("reason", AdjustmentReason)
def test_every_reason_can_be_said(reason):
    said = pb.AdjustmentReason.Value(f"ADJUSTMENT_REASON_{reason}")

    command = warehouse.adjustment_from_wire(pb.Adjustment(**{**ADJUSTMENT, "reason": said}), "a")

    assert command.reason is reason


def test_units_are_sellable_unless_it_is_said():
    plain = warehouse.customer_return_from_wire(pb.CustomerReturn(**GOODS), "r")
    damaged = pb.CustomerReturn(**GOODS, condition=pb.STOCK_CONDITION_DAMAGED)

    assert plain.condition is StockCondition.SELLABLE
    assert warehouse.customer_return_from_wire(damaged, "r").condition is StockCondition.DAMAGED


def test_a_count_tells_none_damaged_from_not_looked_at():
    counted = [pb.StockCount(**COUNT), pb.StockCount(**COUNT, damaged=0)]

    assert [warehouse.count_from_wire(c, "c").damaged for c in counted] == [None, 0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("location_id", ""),
        ("location_id", "Main"),
        ("name", "x" * 201),
        ("name", "\0"),
        ("priority", -1),
        ("priority", 1_001),
        ("state", 99),
    ],
)
async def test_a_malformed_location_is_refused_by_the_path_of_its_field(world, field, value):
    servicer = StockServicer(uow=world.uow, clock=world.clock)
    location = pb.Location(**{"location_id": "main", "name": "Main", field: value})
    mask = FieldMask(paths=["name", "priority", "state"])

    with pytest.raises(InvalidInput) as creation:
        await servicer.CreateLocation(pb.CreateLocationRequest(location=location), None)
    with pytest.raises(InvalidInput) as update:
        request = pb.UpdateLocationRequest(location=location, update_mask=mask)
        await servicer.UpdateLocation(request, None)

    assert creation.value.field == update.value.field == f"location.{field}"


@pytest.mark.parametrize("paths", [(), ("etag",), ("name", "location_id"), ("location.name",)])
def test_an_update_names_what_can_change(paths):
    request = pb.UpdateLocationRequest(
        location=pb.Location(location_id="main"), update_mask=FieldMask(paths=paths)
    )

    with pytest.raises(InvalidInput) as refusal:
        locations.update_location_from_wire(request)

    assert (refusal.value.reason, refusal.value.field) == ("UPDATE_MASK_INVALID", "update_mask")


def test_only_what_is_named_changes():
    location = pb.Location(location_id="main", name="New", priority=7, state=2, etag="3")
    request = pb.UpdateLocationRequest(location=location, update_mask=FieldMask(paths=["state"]))

    command = locations.update_location_from_wire(request)

    assert (command.name, command.priority, command.state) == (None, None, LocationState.CLOSED)
    assert command.etag == "3"


@pytest.mark.parametrize("state", LocationState)
def test_a_location_reads_back_as_it_was_created(state):
    location = Location(id=LocationId("main"), name="Main", priority=3, state=state)

    wire = locations.location_to_wire(location)

    request = pb.CreateLocationRequest(location=wire)
    assert locations.create_location_from_wire(request).location == location


def page(**more):
    return pb.ListStockMovementsRequest(**{"sku": "LAMP", **more})


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (page(sku=""), "sku"),
        (page(sku="lamp"), "sku"),
        (page(location_id="Main"), "location_id"),
        (page(page_size=-1), "page_size"),
        (page(page_size=501), "page_size"),
        (page(page_token="nonsense"), "page_token"),
    ],
)
def test_a_malformed_question_to_the_journal_is_refused_by_field(request_, field):
    with pytest.raises(InvalidInput) as refusal:
        journal.list_stock_movements_from_wire(request_)

    assert refusal.value.field == field


def test_a_page_of_the_journal_has_a_hundred_movements_unless_it_is_said():
    assert journal.list_stock_movements_from_wire(page()).page_size == 100
    assert journal.list_stock_movements_from_wire(page(page_size=500)).page_size == 500


@pytest.mark.parametrize("asked", [page(), page(location_id="main")])
def test_a_page_token_leads_on_in_the_same_journal_only(asked):
    asked.page_token = journal.page_token_to_wire(asked, 42)

    assert journal.list_stock_movements_from_wire(asked).before == 42
    for other in (page(sku="SHADE"), page(location_id="north")):
        other.page_token = asked.page_token
        with pytest.raises(PageTokenInvalid):
            journal.list_stock_movements_from_wire(other)


@pytest.mark.parametrize("position", [0, -1, 2**63, "", "x", "1" * 5_000])
def test_a_page_token_with_a_place_that_no_journal_has_is_refused(position):
    asked = page()
    asked.page_token = journal.page_token_to_wire(asked, position)

    with pytest.raises(PageTokenInvalid):
        journal.list_stock_movements_from_wire(asked)


@pytest.mark.parametrize("token", ["é", "%%%", "A", "AAAA", "_w", "\0"])
def test_a_token_that_no_page_came_with_is_refused(token):
    with pytest.raises(PageTokenInvalid):
        journal.list_stock_movements_from_wire(page(page_token=token))


def test_a_movement_is_told_as_it_was_booked():
    cause = Cause(
        type=CauseType.COUNT,
        id=UUID(ID),
        at=datetime(2026, 1, 5, 12, tzinfo=UTC),
        reason="LOST",
        note="behind the shelf",
    )
    movement = StockMovement(
        kind=MovementKind.ADJUSTED, cause=cause, on_hand=-2, held=0, allocated=0, damaged=-1
    )
    place = Place(sku="LAMP", location_id=LocationId("main"))

    wire = journal.entry_to_wire(JournalEntry(position=7, place=place, movement=movement))

    assert (wire.sku, wire.location_id, wire.kind) == ("LAMP", "main", "ADJUSTED")
    assert (wire.delta_on_hand, wire.delta_damaged) == (-2, -1)
    assert (wire.cause_type, wire.cause_id) == ("COUNT", ID)
    assert (wire.reason, wire.note) == ("LOST", "behind the shelf")
    assert wire.occur_time.ToDatetime(UTC) == cause.at
