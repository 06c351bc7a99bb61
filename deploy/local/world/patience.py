"""
Calls that are made until they are answered.

Every mutation of the suite carries an id under which it may be repeated. So a caller that gets no
answer (the service was killed, the deadline passed) asks again with the same ids, for as long as
it takes; nothing is done twice by that.
"""

import asyncio
import math
from collections import Counter
from typing import Any, TypeVar

import grpc
from google.rpc.status_pb2 import Status

from chassis.backoff import backoff_seconds
from chassis.rpc.errors import reason_of, status_of
from deploy.local.errors import LocalError

R = TypeVar("R")

PASSING = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.CANCELLED,
}
# A bug, most likely; but one that a crash may have brought about passes too.
DOUBTFUL = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}
MOST_DOUBTS = 8

_PASSING_NUMBERS = {code.value[0] for code in PASSING}


class CallRefused(LocalError):
    """
    A service said no, and will say no again.

    Attributes:
        reason: The refusal's name, such as SKU_TAKEN.
    """

    def __init__(self, method: str, status: Status) -> None:
        self.reason = reason_of(status)
        super().__init__(f"{method}: {self.reason or status.code}: {status.message}")


class Patience:
    """
    Makes calls until they are answered: `await patience(stub.PlaceOrder, request)`.

    Args:
        seconds: How long a call may take.
        attempts: How many it makes; without end if left out.

    Attributes:
        repeats: How often a call had to be made again, by what it ran into.
    """

    def __init__(self, *, seconds: float = 30.0, attempts: float = math.inf) -> None:
        self.repeats: Counter[str] = Counter()
        self._seconds = seconds
        self._attempts = attempts

    async def __call__(self, call: grpc.aio.UnaryUnaryMultiCallable[Any, R], request: object) -> R:
        """
        Return what *call* answers to *request*, however often it takes.

        Raises:
            CallRefused: It says no, or it was asked often enough.
        """
        attempts = doubts = 0
        while True:
            try:
                return await call(request, timeout=self._seconds)
            except grpc.aio.AioRpcError as error:
                attempts += 1
                doubts += error.code() in DOUBTFUL
                enough = doubts > MOST_DOUBTS or attempts >= self._attempts
                if enough or error.code() not in PASSING | DOUBTFUL:
                    name = type(request).__name__.removesuffix("Request")
                    raise CallRefused(name, status_of(error)) from None
                self.repeats[error.code().name] += 1
                await asyncio.sleep(backoff_seconds(attempts, most=2.0))


def is_passing(status: Status) -> bool:
    """
    Return whether an entry of a batch was refused only for now.
    """
    return status.code in _PASSING_NUMBERS
