"""The four ways of saying no."""

import re


class DomainError(Exception):
    """
    The request was understood and the answer is no.
    """

    @property
    def reason(self) -> str:
        """
        The class name as a stable code for machines: `OutOfStock` is OUT_OF_STOCK.
        """
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).upper()


class InvalidInput(DomainError):
    """
    The request makes no sense, whatever the state of the system.

    Attributes:
        field: The path of the offending field, such as `lines[2].quantity`; empty if it is
            the request as a whole.
    """

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class NotFound(DomainError):
    """
    The request names something that does not exist, or not for this caller.
    """


class RuleViolated(DomainError):
    """
    The request makes sense, but not in the present state.
    """


class Conflict(DomainError):
    """
    Someone else changed the same thing first; trying again may work.
    """
