"""What products say of themselves, and what the values may be."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from chassis.kernel.errors import InvalidInput, RuleViolated
from chassis.kernel.text import check_text

MOST_ATTRIBUTES = 50
MOST_CHOICES = 500
MOST_NAME = 64
MOST_VALUE = 1_000

# Names and values, sorted by name.
Attributes = tuple[tuple[str, str], ...]

# One way to write each number, so that equal ones are found as equal.
_NUMBER = re.compile(r"(?!-0$)-?(0|[1-9]\d{0,17})(\.\d{0,8}[1-9])?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class AttributeType(StrEnum):
    TEXT = "TEXT"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    CHOICE = "CHOICE"


class AttributesOutOfRange(InvalidInput):
    pass


class AttributeRepeated(InvalidInput):
    pass


class ChoicesMalformed(InvalidInput):
    pass


class AttributeMalformed(RuleViolated):
    pass


class AttributeMissing(RuleViolated):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeDefinition:
    """
    What the values of an attribute may be.

    Attributes:
        unit: Such as "cm", to show beside a number.
        choices: The values there are, of a CHOICE.
        required: A product without it cannot be published.
    """

    name: str
    type: AttributeType
    unit: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False

    def __post_init__(self) -> None:
        check_text(self.name, "name", least=1, most=MOST_NAME)
        check_text(self.unit, "unit", most=32)
        if bool(self.choices) != (self.type is AttributeType.CHOICE):
            raise ChoicesMalformed("a CHOICE has choices, and nothing else has", field="choices")
        if len(self.choices) > MOST_CHOICES or len(set(self.choices)) < len(self.choices):
            raise ChoicesMalformed(
                f"there are at most {MOST_CHOICES} choices, each once", field="choices"
            )
        for number, choice in enumerate(self.choices):
            check_text(choice, f"choices[{number}]", least=1, most=MOST_VALUE)

    def allows(self, value: str) -> bool:
        match self.type:
            case AttributeType.TEXT:
                return True
            case AttributeType.NUMBER:
                return _NUMBER.fullmatch(value) is not None
            case AttributeType.BOOLEAN:
                return value in ("true", "false")
            case AttributeType.DATE:
                return _is_date(value)
            case AttributeType.CHOICE:
                return value in self.choices


Definitions = Sequence[AttributeDefinition]


def check_attributes(attributes: Attributes) -> None:
    """
    Raises:
        AttributesOutOfRange: There are too many.
        TextMalformed: A name is empty, or a text too long.
    """
    if len(attributes) > MOST_ATTRIBUTES:
        raise AttributesOutOfRange(
            f"there are at most {MOST_ATTRIBUTES} attributes", field="attributes"
        )
    for name, value in attributes:
        check_text(name, "attributes", least=1, most=MOST_NAME)
        check_text(value, f"attributes[{name!r}]", most=MOST_VALUE)


def check_definitions(definitions: Definitions) -> None:
    """
    Raises:
        AttributesOutOfRange: There are too many.
        AttributeRepeated: Two of them have one name.
    """
    if len(definitions) > MOST_ATTRIBUTES:
        raise AttributesOutOfRange(
            f"a category defines at most {MOST_ATTRIBUTES} attributes", field="attributes"
        )
    seen: set[str] = set()
    for number, definition in enumerate(definitions):
        if definition.name in seen:
            raise AttributeRepeated(
                f"{definition.name!r} is defined twice", field=f"attributes[{number}].name"
            )
        seen.add(definition.name)


def inherited(definitions: Iterable[AttributeDefinition]) -> Definitions:
    """
    Return what holds of *definitions*, those of the top first: below, one may be defined anew.
    """
    return tuple({definition.name: definition for definition in definitions}.values())


def must_be_of_their_types(attributes: Attributes, definitions: Definitions) -> None:
    """
    Raises:
        AttributeMalformed: A value is not what a definition allows.
    """
    given: Mapping[str, str] = dict(attributes)
    for definition in definitions:
        value = given.get(definition.name)
        if value is not None and not definition.allows(value):
            what = " | ".join(definition.choices[:10]) or definition.type
            raise AttributeMalformed(
                f"attributes[{definition.name!r}] must be {what}, not {value[:64]!r}"
            )


def _is_date(value: str) -> bool:
    if not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
