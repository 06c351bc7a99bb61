"""What the order service must be told to run."""

from collections.abc import Mapping
from typing import Annotated

import msgspec

from chassis.kernel.errors import InvalidInput
from chassis.settings import ServiceSettings
from services.order.domain.account_limits import (
    MOST_OPEN_ORDERS,
    AccountLimits,
    values_from_text,
)
from services.order.domain.order_return import RefundShipping
from services.order.domain.values import Channel


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """
    Attributes:
        product_target: The replicas of product, such as `ipv4:127.0.0.1:5001,127.0.0.1:5002`.
        payment_target: The replicas of payment.
        fulfillment_target: The replicas of fulfillment.
        orders_kept_months: For how many months besides the present one orders stay; then a month
            whose orders have all ended is put away; 0: for ever.
        cart_kept_days: How long an account's cart is kept that nobody changes.
        anonymous_cart_kept_days: How long a cart of nobody's is.
        requests_kept_days: For how long a request that comes again is known to have been done.
        business_open_orders: How many orders an account without limits of its own may have under
            way, of those it places as a business; 0: any number.
        business_open_value: What their grand totals may add up to, for each currency that has a
            limit, such as `EUR 10000.00, GBP 9000.00`.
        consumer_open_orders: The same for orders placed as a consumer.
        consumer_open_value: The same for orders placed as a consumer.
        refund_shipping: When shipping is paid back, once all goods of an order are: if none of
            them came back by the customer's own wish (FAULT), always (ALWAYS), or never (NEVER).
    """

    product_target: str = "dns:product:50051"
    payment_target: str = "dns:payment:50051"
    fulfillment_target: str = "dns:fulfillment:50051"
    orders_kept_months: Annotated[int, msgspec.Meta(ge=0)] = 0
    cart_kept_days: Annotated[int, msgspec.Meta(ge=1)] = 90
    anonymous_cart_kept_days: Annotated[int, msgspec.Meta(ge=1)] = 14
    requests_kept_days: Annotated[int, msgspec.Meta(ge=1)] = 30
    business_open_orders: Annotated[int, msgspec.Meta(ge=0, le=MOST_OPEN_ORDERS)] = 0
    business_open_value: str = ""
    consumer_open_orders: Annotated[int, msgspec.Meta(ge=0, le=MOST_OPEN_ORDERS)] = 100
    consumer_open_value: str = ""
    refund_shipping: RefundShipping = RefundShipping.FAULT

    def __post_init__(self) -> None:
        try:
            self.channel_limits()
        except InvalidInput as error:
            # What stops the service at start, and says why.
            raise ValueError(f"BUSINESS_OPEN_VALUE, CONSUMER_OPEN_VALUE: {error}") from error

    def channel_limits(self) -> Mapping[Channel, AccountLimits]:
        """
        Return the limits of accounts without limits of their own.
        """
        return {
            Channel.BUSINESS: AccountLimits(
                open_orders=self.business_open_orders,
                open_values=values_from_text(self.business_open_value),
            ),
            Channel.CONSUMER: AccountLimits(
                open_orders=self.consumer_open_orders,
                open_values=values_from_text(self.consumer_open_value),
            ),
        }
