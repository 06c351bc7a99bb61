import pytest
from google.rpc.error_details_pb2 import BadRequest

from chassis.kernel.errors import Conflict, DomainError, InvalidInput, NotFound, RuleViolated
from chassis.rpc.errors import STATUS_CODES, reason_of, status_from_error


class OrderNotCancellable(RuleViolated):
    pass


def test_every_kind_of_refusal_has_a_status():
    assert set(STATUS_CODES) == set(DomainError.__subclasses__())


@pytest.mark.parametrize(
    ("error", "code"),
    [(InvalidInput("x"), 3), (NotFound("x"), 5), (RuleViolated("x"), 9), (Conflict("x"), 10)],
)
def test_a_kind_decides_the_status_code(error, code):
    assert status_from_error(error, "order.retail").code == code


def test_a_refusal_carries_its_name_as_a_reason():
    status = status_from_error(OrderNotCancellable("too late"), "order.retail")

    assert reason_of(status) == "ORDER_NOT_CANCELLABLE"
    assert status.message == "too late"


def test_invalid_input_names_the_field():
    status = status_from_error(InvalidInput("at least 1", field="lines[0].quantity"), "x")

    violations = BadRequest()
    assert status.details[1].Unpack(violations)
    assert violations.field_violations[0].field == "lines[0].quantity"
