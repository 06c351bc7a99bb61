"""How returns say no."""

from chassis.kernel.errors import NotFound, RuleViolated


class OrderNotFound(NotFound):
    pass


class ReturnNotFound(NotFound):
    pass


class ReturnMismatch(RuleViolated):
    pass


class ReturnsExceedDelivered(RuleViolated):
    pass


class ReturnWindowClosed(RuleViolated):
    pass


class ParcelNotOverdue(RuleViolated):
    pass


class ReturnNotInState(RuleViolated):
    pass


class ReceivedTooMuch(RuleViolated):
    pass


class NothingToRefuse(RuleViolated):
    pass


class ReceiptMismatch(RuleViolated):
    pass


class NothingToSendBack(RuleViolated):
    pass
