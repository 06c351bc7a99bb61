from datetime import timedelta
from uuid import UUID

import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest
from google.type.money_pb2 import Money as WireMoney

from chassis.kernel.errors import InvalidInput
from chassis.kernel.quantity import Quantity
from retail.product.v1 import product_service_pb2 as pb
from services.product.application.ports.products import ProductFilter
from services.product.domain.values import ProductId
from services.product.entrypoints.batches import MOST_ENTRIES, answer_each
from services.product.wire import fields, pages, products, reservations

ALL = ProductFilter()
ID = "00000000-0000-0000-0000-000000000001"


def a_request(*lines, reservation_id=ID, hold=None):
    return pb.ReservationRequest(
        reservation_id=reservation_id,
        lines=[pb.ReservationLine(sku=sku, quantity=units) for sku, units in lines],
        hold=hold,
    )


def test_lines_with_one_sku_are_summed():
    command = reservations.reservation_from_wire(
        a_request(("LAMP", 2), ("SHADE", 1), ("LAMP", 3)), "r"
    )

    assert command.lines == {"LAMP": Quantity(5), "SHADE": Quantity(1)}
    assert command.duration == timedelta(minutes=10)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (a_request(("LAMP", 1), reservation_id="x"), "reservations[3].reservation_id"),
        (a_request(), "reservations[3].lines"),
        (a_request(*[("LAMP", 1)] * 2_001), "reservations[3].lines"),
        (a_request(("LAMP", 0)), "reservations[3].lines[0].quantity"),
        (a_request(("LAMP", 1), ("lamp", 1)), "reservations[3].lines[1].sku"),
        (a_request(("A", 600_000), ("A", 600_000)), "reservations[3].lines[1].quantity"),
        (a_request(("LAMP", 1), hold=Duration(seconds=0)), "reservations[3].hold"),
        (a_request(("LAMP", 1), hold=Duration(seconds=86_401)), "reservations[3].hold"),
        (a_request(("LAMP", 1), hold=Duration(seconds=2**62)), "reservations[3].hold"),
    ],
)
def test_a_malformed_reservation_is_refused_by_the_path_of_its_field(request_, field):
    with pytest.raises(InvalidInput) as refusal:
        reservations.reservation_from_wire(request_, "reservations[3]")

    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("variant", "field"),
    [
        (pb.Variant(sku="lamp"), "variants[0].sku"),
        (pb.Variant(sku="LAMP"), "variants[0].price"),
        (
            pb.Variant(sku="LAMP", price=WireMoney(currency_code="EUR", units=0)),
            "variants[0].price",
        ),
        (
            pb.Variant(sku="LAMP", price=WireMoney(currency_code="EUR", units=1), weight_grams=-1),
            "variants[0].weight_grams",
        ),
    ],
)
def test_a_malformed_variant_is_refused_by_the_path_of_its_field(variant, field):
    request = pb.CreateProductRequest(request_id=ID, title="A lamp", variants=[variant])

    with pytest.raises(InvalidInput) as refusal:
        products.create_product_from_wire(request)

    assert refusal.value.field == field


def test_a_page_token_leads_back_to_where_it_came_from():
    last = ProductId(UUID(int=2**127 - 1))

    assert pages.page_token_from_wire(pages.page_token_to_wire(last, ALL), ALL) == last


@pytest.mark.parametrize("token", ["x", "é", "AAAA", "A" * 1_000, "%%%"])
def test_a_token_that_no_page_came_with_is_refused(token):
    with pytest.raises(fields.PageTokenInvalid):
        pages.page_token_from_wire(token, ALL)


async def test_a_malformed_entry_is_answered_in_its_place_and_the_others_go_on():
    async def use_case(commands):
        return [command.reservation_id for command in commands]

    answers = await answer_each(
        [ID, "nonsense", ID], "reservation_ids", reservations.confirmation_from_wire, use_case
    )

    assert [getattr(answer, "field", "ok") for answer in answers] == [
        "ok",
        "reservation_ids[1]",
        "ok",
    ]


@pytest.mark.parametrize("size", [0, MOST_ENTRIES + 1])
async def test_a_batch_that_is_empty_or_too_large_is_refused_as_a_whole(size):
    async def use_case(commands):
        return commands

    with pytest.raises(fields.BatchOutOfRange):
        await answer_each([ID] * size, "ids", reservations.confirmation_from_wire, use_case)


def test_a_refusal_names_its_field_on_the_wire():
    error = fields.LinesMissing("no lines", field="reservations[0].lines")

    result = pb.ReservationResult()
    reservations.write_result(error, result)

    status = result.error

    violations = BadRequest()
    assert status.details[1].Unpack(violations)
    assert violations.field_violations[0].field == "reservations[0].lines"
