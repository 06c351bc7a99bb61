"""What the payment service must be told to run."""

from chassis.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """
    Attributes:
        psp_timeout_seconds: How long the PSP may take to answer a batch.
        refund_days: For how long after the last capture a payment can be refunded.
    """

    psp_timeout_seconds: float = 2.0
    refund_days: int = 180
