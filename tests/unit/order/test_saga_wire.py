from datetime import UTC, datetime
from uuid import UUID

import pytest
from google.rpc.code_pb2 import NOT_FOUND

from chassis.rpc.errors import reason_of
from chassis.saga.standing import Standing
from retail.order.v1 import saga_service_pb2 as pb
from services.order.application.sagas.ports import OrderSagaStanding, SagaNotFound
from services.order.domain.values import AccountId, OrderId
from services.order.wire.orders import PageTokenMalformed
from services.order.wire.sagas import (
    list_sagas_from_wire,
    saga_page_token,
    saga_result_to_wire,
    saga_to_wire,
)

ORDER = OrderId(UUID(int=7))
SINCE = datetime(2026, 1, 31, 12, 0, 0, 123_456, tzinfo=UTC)
SAGA = OrderSagaStanding(
    order_id=ORDER,
    account_id=AccountId("shop-1"),
    standing=Standing(
        id=ORDER,
        step="follow_fulfillment",
        waits_for="a person: CAPTURE_DECLINED",
        since=SINCE,
        due_at=SINCE,
        attempts=3,
        last_error="no",
        began_at=SINCE,
    ),
    skippable=True,
)


def test_the_next_page_begins_to_the_microsecond_where_the_last_one_ended():
    query = list_sagas_from_wire(pb.ListSagasRequest(page_token=saga_page_token(SAGA)))

    assert query.after == (SINCE, ORDER)


@pytest.mark.parametrize("token", ["x", "AAAA", f"f{31 * '_'}", "é"])
def test_a_token_of_somebody_else_is_refused(token):
    with pytest.raises(PageTokenMalformed):
        list_sagas_from_wire(pb.ListSagasRequest(page_token=token))


def test_a_page_has_a_hundred_sagas_unless_another_number_is_asked_for():
    assert list_sagas_from_wire(pb.ListSagasRequest()).limit == 100
    assert list_sagas_from_wire(pb.ListSagasRequest(page_size=7)).limit == 7


def test_a_saga_says_where_it_stands():
    wire = saga_to_wire(SAGA)

    assert (wire.order_id, wire.account_id) == (str(ORDER), "shop-1")
    assert (wire.step, wire.waits_for) == ("follow_fulfillment", "a person: CAPTURE_DECLINED")
    assert wire.since_time.ToDatetime(UTC) == SINCE
    assert (wire.attempts, wire.last_error, wire.skippable) == (3, "no", True)


def test_a_saga_that_has_just_ended_stands_nowhere():
    ended = OrderSagaStanding(
        order_id=ORDER, account_id=AccountId("shop-1"), standing=None, skippable=False
    )

    assert saga_to_wire(ended) == pb.Saga(order_id=str(ORDER), account_id="shop-1")


def test_a_refusal_is_an_answer_of_its_own():
    error = saga_result_to_wire(SagaNotFound.of(ORDER)).error

    assert error.code == NOT_FOUND
    assert reason_of(error) == "SAGA_NOT_FOUND"
