"""The only place where a domain error becomes a gRPC status, and the other way round."""

import grpc
from google.protobuf.any_pb2 import Any as AnyProto
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from chassis.kernel.errors import Conflict, DomainError, InvalidInput, NotFound, RuleViolated

STATUS_CODES: dict[type[DomainError], grpc.StatusCode] = {
    InvalidInput: grpc.StatusCode.INVALID_ARGUMENT,
    NotFound: grpc.StatusCode.NOT_FOUND,
    RuleViolated: grpc.StatusCode.FAILED_PRECONDITION,
    Conflict: grpc.StatusCode.ABORTED,
}

DETAILS_KEY = "grpc-status-details-bin"


def status_code(error: DomainError) -> grpc.StatusCode:
    """
    Return the status code of the kind of error that *error* is.
    """
    return next(code for kind, code in STATUS_CODES.items() if isinstance(error, kind))


def status_from_error(error: DomainError, domain: str) -> Status:
    """
    Return *error* as a status with an ErrorInfo (AIP-193), and a BadRequest that names the field.

    Args:
        domain: Who says no, such as `order.retail`.
    """
    details: list[Message] = [ErrorInfo(reason=error.reason, domain=domain)]
    if isinstance(error, InvalidInput) and error.field:
        violation = BadRequest.FieldViolation(field=error.field, description=str(error))
        details.append(BadRequest(field_violations=[violation]))
    if isinstance(error, Conflict):
        retry = RetryInfo()
        retry.retry_delay.FromMilliseconds(50)
        details.append(retry)
    return Status(
        code=status_code(error).value[0], message=str(error), details=[_packed(d) for d in details]
    )


def status_of(error: grpc.aio.AioRpcError) -> Status:
    """
    Return the status that a failed call carried; without details if it carried none.
    """
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            return Status.FromString(value)
    return Status(code=error.code().value[0], message=error.details() or "")


def error_from_status(status: Status) -> DomainError | None:
    """
    Return the refusal of another service as one of our own kind, with its reason and its field;
    `None` if it said nothing that is a refusal, as one that is away.
    """
    kinds = {code.value[0]: kind for kind, code in STATUS_CODES.items()}
    kind, reason = kinds.get(status.code), reason_of(status)
    if kind is None or not reason:
        return None
    # The reason is the name of the class.
    error: DomainError = type(reason.title().replace("_", ""), (kind,), {})(status.message)
    if isinstance(error, InvalidInput):
        error.field = _field_of(status)
    return error


def _field_of(status: Status) -> str:
    for detail in status.details:
        request = BadRequest()
        if detail.Unpack(request) and request.field_violations:
            field: str = request.field_violations[0].field
            return field
    return ""


def reason_of(status: Status) -> str:
    """
    Return the reason that *status* gives, such as OUT_OF_STOCK; empty if it gives none.
    """
    for detail in status.details:
        info = ErrorInfo()
        if detail.Unpack(info):
            reason: str = info.reason
            return reason
    return ""


def _packed(detail: Message) -> AnyProto:
    packed = AnyProto()
    packed.Pack(detail)
    return packed
