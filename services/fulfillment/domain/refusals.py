"""
How fulfillment says no.

In a module of their own, because some share their name with an event: OfferExpired is both what
happened and why the answer is no. Use them as `refusals.OfferExpired`.
"""

from chassis.kernel.errors import Conflict, NotFound, RuleViolated


class OfferNotFound(NotFound):
    pass


class OfferAccepted(RuleViolated):
    pass


class OfferRejected(RuleViolated):
    pass


class OfferExpired(RuleViolated):
    pass


class OfferWithdrawn(RuleViolated):
    pass


class CapacityExceeded(RuleViolated):
    pass


class ProviderNotFound(NotFound):
    pass


class FulfillmentOrderNotFound(NotFound):
    pass


class FulfillmentOrderNotAccepted(RuleViolated):
    pass


class NotTheProvider(RuleViolated):
    pass


class DispatchedTooMuch(RuleViolated):
    pass


class ShipmentMismatch(RuleViolated):
    pass


class ShipmentNotFound(NotFound):
    pass


class ShipmentNotDispatched(RuleViolated):
    pass


class ShipmentEnded(RuleViolated):
    pass


class PackedTooMuch(RuleViolated):
    pass


class CancellationRequested(RuleViolated):
    pass


class LabelNotReady(Conflict):
    """
    The label is being made still: asked again, it will be there.
    """


class AlreadyDispatched(RuleViolated):
    pass


class FulfillmentCancelled(RuleViolated):
    pass


class CancellationRejected(RuleViolated):
    pass


class CancellationNotRequested(RuleViolated):
    pass


class CancellationAnswered(RuleViolated):
    pass


class CancellationUnderWay(Conflict):
    """
    Providers have been asked to give the work up: asked again, they will have answered.
    """


class FulfillmentGrows(RuleViolated):
    pass


class FulfillmentNotOpen(Conflict):
    """
    The order's confirmation is on its way still: asked again, it will have arrived.
    """
