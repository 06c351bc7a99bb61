"""What another context's no means for an order."""

import grpc
from google.rpc.status_pb2 import Status

from chassis.rpc.errors import reason_of
from services.order.application.participants import Refused

_PASSING = {
    code.value[0]
    for code in (
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.UNKNOWN,
    )
}


def refused_from_wire(status: Status) -> Refused:
    """
    Return *status* as a refusal: a decision, or something that passes.
    """
    return Refused(reason=reason_of(status) or status.message, passing=status.code in _PASSING)
