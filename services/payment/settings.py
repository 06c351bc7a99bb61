"""What the payment service must be told to run."""

from typing import Annotated

import msgspec

from chassis.settings import ServiceSettings

# Days; beyond that, dates to reckon with end.
HUNDRED_YEARS = 36_500


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """
    Attributes:
        psp_accounts: The accounts at Stripe, as JSON: `[{"name": "main", "api_key": "sk_…"}]`; the
            first that serves a payment's merchant and currency is asked.
        psp_timeout_seconds: How long the PSP may take to answer a batch.
        psp_connections: How many requests to each account may be under way at once.
        webhook_address: Where the PSP tells what happens, by HTTP, such as `127.0.0.1:8090`; if
            empty, nowhere: then only what is asked is known.
        webhooks_kept_days: For how long a webhook that comes again is known to have been heard.
        refund_days: For how long after the last capture a payment can be refunded.
        reconcile_hours: How often each account is reconciled; 0: only when asked for.
        reconcile_margin_seconds: What moved so shortly ago is left to the next time: the PSP may
            not have written it down yet, and its clock is not ours.
    """

    psp_accounts: str = "[]"
    psp_timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=3_600)] = 2.0
    psp_connections: Annotated[int, msgspec.Meta(ge=1)] = 64
    webhook_address: str = ""
    webhooks_kept_days: Annotated[int, msgspec.Meta(ge=1, le=HUNDRED_YEARS)] = 30
    refund_days: Annotated[int, msgspec.Meta(ge=0, le=HUNDRED_YEARS)] = 180
    reconcile_hours: Annotated[float, msgspec.Meta(ge=0, le=24 * HUNDRED_YEARS)] = 24.0
    reconcile_margin_seconds: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 600.0
