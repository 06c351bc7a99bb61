"""What the payment service must be told to run."""

from chassis.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """
    Attributes:
        psp_timeout_seconds: How long the PSP may take to answer a batch.
    """

    psp_timeout_seconds: float = 2.0
