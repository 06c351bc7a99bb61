"""Telling an outage, which passes, from a fault, which stays; and either in a line."""

import grpc
from asyncpg.exceptions import (
    AdminShutdownError,
    CannotConnectNowError,
    ConnectionDoesNotExistError,
    CrashShutdownError,
    DeadlockDetectedError,
    IdleInTransactionSessionTimeoutError,
    InterfaceError,
    LockNotAvailableError,
    PostgresConnectionError,
    QueryCanceledError,
    SerializationError,
    TooManyConnectionsError,
)
from nats.errors import Error as NatsError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from chassis.kernel.errors import Conflict

_DATABASE = (
    AdminShutdownError,
    CannotConnectNowError,
    ConnectionDoesNotExistError,
    CrashShutdownError,
    DeadlockDetectedError,
    IdleInTransactionSessionTimeoutError,
    InterfaceError,
    LockNotAvailableError,
    PostgresConnectionError,
    QueryCanceledError,
    SerializationError,
    TooManyConnectionsError,
)
_ANYWHERE = (OSError, TimeoutError, NatsError, PoolTimeoutError, Conflict)
# Errors of the operating system that say nothing of others.
_OURS = (FileExistsError, FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)
_STATUSES = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.CANCELLED,
}


def is_outage(error: BaseException) -> bool:
    """
    Return whether *error* says that something was away, slow or contended: trying again later is
    right, and nothing is wrong with what was asked.
    """
    match error:
        case BaseExceptionGroup():
            return all(is_outage(part) for part in error.exceptions)
        case DBAPIError():
            cause = error.orig.__cause__ if error.orig else None
            return error.connection_invalidated or isinstance(cause, _DATABASE)
        case grpc.aio.AioRpcError():
            return error.code() in _STATUSES
        case _ if isinstance(error, _OURS):
            return False
        case _:
            return isinstance(error, (*_DATABASE, *_ANYWHERE))


def in_words(error: BaseException) -> str:
    """
    Return what went wrong in one line, for whoever operates the suite.
    """
    if isinstance(error, grpc.aio.AioRpcError):
        # By itself it says this in many lines, and not who was called: the client's edge notes it.
        called = "".join(getattr(error, "__notes__", ())[:1])
        words = f"{error.code().name}: {error.details() or ''}"
        return f"{called} {words}" if called else words
    words = " ".join(str(error).replace("\0", "\\0").split())
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
