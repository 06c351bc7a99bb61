"""The small words of an order."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType
from uuid import UUID

from chassis.kernel.errors import InvalidInput
from chassis.kernel.money import Money
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku, check_text

OrderId = NewType("OrderId", UUID)
ShipmentId = NewType("ShipmentId", UUID)
ReturnId = NewType("ReturnId", UUID)
AccountId = NewType("AccountId", str)
LocationId = NewType("LocationId", str)

_ACCOUNT = re.compile(r"[A-Za-z0-9._:-]{1,64}")


class Channel(StrEnum):
    BUSINESS = "BUSINESS"
    CONSUMER = "CONSUMER"


class ServiceLevel(StrEnum):
    STANDARD = "STANDARD"
    EXPRESS = "EXPRESS"


class OrderStatus(StrEnum):
    PENDING = "PENDING"
    PLACED = "PLACED"
    COMPLETED = "COMPLETED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"


class PaymentStatus(StrEnum):
    NONE = "NONE"
    AUTHORIZED = "AUTHORIZED"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"
    VOIDED = "VOIDED"


class FulfillmentStatus(StrEnum):
    UNFULFILLED = "UNFULFILLED"
    IN_PROGRESS = "IN_PROGRESS"
    PARTIALLY_FULFILLED = "PARTIALLY_FULFILLED"
    FULFILLED = "FULFILLED"
    DELIVERED = "DELIVERED"
    PARTIALLY_RETURNED = "PARTIALLY_RETURNED"
    RETURNED = "RETURNED"


class RequestState(StrEnum):
    """
    What became of a wish about an order.
    """

    REQUESTED = "REQUESTED"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"


class Reason(StrEnum):
    """
    Why an order was rejected or cancelled.
    """

    OUT_OF_STOCK = "OUT_OF_STOCK"
    PAYMENT_DECLINED = "PAYMENT_DECLINED"
    RESERVATION_EXPIRED = "RESERVATION_EXPIRED"
    UNFULFILLABLE = "UNFULFILLABLE"
    DEADLINE_PASSED = "DEADLINE_PASSED"
    AUTHORIZATION_EXPIRED = "AUTHORIZATION_EXPIRED"
    CUSTOMER_REQUEST = "CUSTOMER_REQUEST"
    OPERATOR_REQUEST = "OPERATOR_REQUEST"


class AccountMalformed(InvalidInput):
    pass


class AddressMalformed(InvalidInput):
    pass


def account_id(text: str) -> AccountId:
    """
    Raises:
        AccountMalformed: *text* is not 1 to 64 letters, digits and "-_.:".
    """
    if not _ACCOUNT.fullmatch(text):
        raise AccountMalformed(
            'account_id is 1 to 64 letters, digits and "-_.:"', field="account_id"
        )
    return AccountId(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """
    Where a parcel goes.
    """

    name: str
    lines: tuple[str, ...]
    city: str
    postal_code: str
    country_code: str

    def __post_init__(self) -> None:
        check_text(self.name, "ship_to.name", least=1, most=200)
        if len(self.lines) > 3:
            raise AddressMalformed("ship_to.lines is at most 3 lines", field="ship_to.lines")
        for number, line in enumerate(self.lines):
            check_text(line, f"ship_to.lines[{number}]", most=200)
        check_text(self.city, "ship_to.city", most=200)
        check_text(self.postal_code, "ship_to.postal_code", most=20)
        if not re.fullmatch("[A-Z]{2}", self.country_code):
            raise AddressMalformed(
                "ship_to.country_code is two capital letters (ISO 3166-1)",
                field="ship_to.country_code",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """
    Some quantity of one SKU, with title and price as they were when it was ordered.

    Attributes:
        number: Its place when it was ordered, from 1; 0 before that.
    """

    sku: Sku
    title: str
    quantity: Quantity
    unit_price: Money
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCharge:
    """
    A named part of shipping or of the discount.
    """

    title: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """
    Some units of one SKU that one location gives.
    """

    sku: Sku
    location_id: LocationId
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """
    Some units of one SKU.
    """

    sku: Sku
    units: int
