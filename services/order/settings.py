"""What the order service must be told to run."""

from typing import Annotated

import msgspec

from chassis.settings import ServiceSettings


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
    """

    product_target: str = "dns:product:50051"
    payment_target: str = "dns:payment:50051"
    fulfillment_target: str = "dns:fulfillment:50051"
    orders_kept_months: Annotated[int, msgspec.Meta(ge=0)] = 0
    cart_kept_days: Annotated[int, msgspec.Meta(ge=1)] = 90
    anonymous_cart_kept_days: Annotated[int, msgspec.Meta(ge=1)] = 14
