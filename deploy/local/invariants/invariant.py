"""What an invariant is: a name, a sentence, and a way to find what breaks it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from deploy.local.invariants.evidence import Evidence

# More are not collected: the first ones say what is wrong.
MOST_VIOLATIONS = 1_000


@dataclass(frozen=True, slots=True)
class Violation:
    """
    Attributes:
        key: What is wrong, the same each time it is looked at.
        what: How it is wrong.
    """

    key: str
    what: str

    def __str__(self) -> str:
        return f"{self.key}: {self.what}"


@dataclass(slots=True)
class Finding:
    """
    What was found.

    Attributes:
        checked: How many things were looked at.
        note: What is worth knowing though nothing is wrong with it.
    """

    checked: int = 0
    violations: list[Violation] = field(default_factory=list[Violation])
    note: str = ""

    def violate(self, key: object, what: str) -> None:
        if len(self.violations) < MOST_VIOLATIONS:
            self.violations.append(Violation(str(key), what))


@dataclass(frozen=True, slots=True)
class Invariant:
    """
    Attributes:
        id: Its name, for people and for machines.
        sentence: What always holds.
        check: Looks whether it does.
    """

    id: str
    sentence: str
    check: Callable[[Evidence], Awaitable[Finding]]


def by_query(id_: str, sentence: str, *, context: str, count: str, violations: str) -> Invariant:
    """
    Return an invariant that one database can answer for.

    Args:
        count: A query for how many things are looked at.
        violations: A query for what breaks it: two columns, what and how.
    """

    async def check(evidence: Evidence) -> Finding:
        finding = Finding(checked=await evidence.value(context, count) or 0)
        limited = f"SELECT * FROM ({violations}) AS violations LIMIT {MOST_VIOLATIONS}"
        for key, what in await evidence.fetch(context, limited):
            finding.violate(key, what)
        return finding

    return Invariant(id_, sentence, check)
