"""How records travel to the database and back: one array per column, unfolded by `unnest`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Generic, TypeVar

from deploy.psp.records import Dispute, Event, Key, Movement, Operation, Payment, Record, Refund

R = TypeVar("R", bound=Record)

TYPES: dict[Any, str] = {
    str: "text",
    int: "bigint",
    int | None: "bigint",
    float | None: "double precision",
    bool: "boolean",
    dict[str, str]: "jsonb",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(Generic[R]):
    """
    Attributes:
        key: The columns that tell records apart.
    """

    kind: type[R]
    table: str
    key: tuple[str, ...] = ("id",)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(field.name for field in fields(self.kind))

    def record(self, row: Any) -> R:
        """
        Return what *row*, with all the columns in order, says.
        """
        return self.kind(**dict(zip(self.columns, row, strict=True)))

    def arrays(self, records: Sequence[R]) -> list[list[Any]]:
        return [[getattr(record, column) for record in records] for column in self.columns]

    def upsert(self, first: int) -> str:
        """
        Return a statement that writes records over their earlier form, if they have one; its
        parameters begin at number *first*.
        """
        names = ", ".join(self.columns)
        types = [TYPES[field.type] for field in fields(self.kind)]
        arrays = ", ".join(f"${first + n}::{kind}[]" for n, kind in enumerate(types))
        changes = ", ".join(f"{name} = excluded.{name}" for name in self.columns)
        return (
            f"INSERT INTO {self.table} ({names}) SELECT {names} FROM unnest({arrays})"
            f" WITH ORDINALITY AS given ({names}, place) ORDER BY place"
            f" ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {changes}"
        )


PAYMENTS = Shape(kind=Payment, table="payments")
OPERATIONS = Shape(kind=Operation, table="operations")
REFUNDS = Shape(kind=Refund, table="refunds")
DISPUTES = Shape(kind=Dispute, table="disputes")
MOVEMENTS = Shape(kind=Movement, table="movements")
EVENTS = Shape(kind=Event, table="events")
KEYS = Shape(kind=Key, table="keys", key=("account", "key"))

# Those that others refer to come first.
SHAPES: tuple[Shape[Any], ...] = (
    PAYMENTS,
    OPERATIONS,
    REFUNDS,
    DISPUTES,
    MOVEMENTS,
    EVENTS,
    KEYS,
)


def write(records: Collection[Record]) -> tuple[str, list[Any]]:
    """
    Return one statement that writes all *records*, and its parameters.
    """
    parts: dict[int, list[Record]] = {}
    for record in records:
        parts.setdefault(_NUMBERS[type(record)], []).append(record)
    numbers = tuple(sorted(parts))
    arrays = [array for number in numbers for array in SHAPES[number].arrays(parts[number])]
    return _together(numbers), arrays


@lru_cache
def _together(numbers: tuple[int, ...]) -> str:
    first, writes = 1, []
    for number in numbers:
        shape = SHAPES[number]
        writes.append(f"{shape.table}_written AS ({shape.upsert(first)})")
        first += len(shape.columns)
    return f"WITH {', '.join(writes)} SELECT"


_NUMBERS: dict[type[Any], int] = {shape.kind: number for number, shape in enumerate(SHAPES)}
