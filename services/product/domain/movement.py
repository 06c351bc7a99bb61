"""Movements: every change of a stock item, what kind it is and what caused it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class MovementKind(StrEnum):
    """
    Why the counts of a stock item changed. Claims on goods: the last three; goods: the others.
    """

    RECEIVED = "RECEIVED"
    RETURNED = "RETURNED"
    TRANSFERRED_IN = "TRANSFERRED_IN"
    SHIPPED = "SHIPPED"
    RETURNED_TO_SUPPLIER = "RETURNED_TO_SUPPLIER"
    TRANSFERRED_OUT = "TRANSFERRED_OUT"
    ADJUSTED = "ADJUSTED"
    DAMAGED = "DAMAGED"
    RESTORED = "RESTORED"
    HELD = "HELD"
    ALLOCATED = "ALLOCATED"
    RELEASED = "RELEASED"


class CauseType(StrEnum):
    RECEIPT = "RECEIPT"
    RESERVATION = "RESERVATION"
    SHIPMENT = "SHIPMENT"
    ADJUSTMENT = "ADJUSTMENT"
    TRANSFER = "TRANSFER"
    COUNT = "COUNT"
    DAMAGE = "DAMAGE"
    RESTORATION = "RESTORATION"
    SUPPLIER_RETURN = "SUPPLIER_RETURN"
    CUSTOMER_RETURN = "CUSTOMER_RETURN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """
    What moved the stock, and when.

    Attributes:
        reason: Why, where somebody said so.
        note: For those who read the journal.
    """

    type: CauseType
    id: UUID
    at: datetime
    reason: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockMovement:
    """
    One change of a stock item's counts. Their sums, over all movements, are the counts.
    """

    kind: MovementKind
    cause: Cause
    on_hand: int
    held: int
    allocated: int
    damaged: int
