"""What a run comes to: a table for people, JSON for machines."""

import sys
from dataclasses import asdict, dataclass, field

import orjson
from rich.console import Console
from rich.table import Table

from tests.stress.checker import VIOLATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """
    Attributes:
        repeats: Deliveries that were not the first of their event.
        violations: By name.
    """

    effects: int
    deliveries: int
    repeats: int
    violations: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """
    Attributes:
        seconds: From the first event to the last effect.
        faults: How often each happened; `role:point` is a crash at a named point.
        lives: How many processes there were of each role.
        unasked: Processes that ended without having been killed.
        examples: Some of the violations.
    """

    seed: int
    mistake: str
    seconds: float
    events: int
    events_per_second: float
    groups: dict[str, Group]
    faults: dict[str, int]
    lives: dict[str, int]
    unasked: int
    examples: list[str] = field(default_factory=list[str])

    @property
    def violations(self) -> dict[str, int]:
        return {
            name: sum(group.violations[name] for group in self.groups.values())
            for name in VIOLATIONS
        }

    @property
    def ok(self) -> bool:
        return self.events > 0 and not any(self.violations.values())


def to_json(report: Report) -> str:
    content = asdict(report) | {"violations": report.violations, "ok": report.ok}
    return orjson.dumps(content, option=orjson.OPT_INDENT_2).decode()


def show(report: Report) -> None:
    """
    Print *report*.
    """
    console = Console(file=sys.stdout, highlight=False)
    console.print(
        f"\n{report.events:,} events committed in {report.seconds:.1f} s"
        f" ({report.events_per_second:,.0f}/s), seed {report.seed}"
        + (f", with the mistake {report.mistake}" if report.mistake else "")
    )
    table = Table("", *report.groups)
    for name in ("effects", "deliveries", "repeats"):
        table.add_row(name, *(f"{getattr(group, name):,}" for group in report.groups.values()))
    table.add_section()
    for name in VIOLATIONS:
        table.add_row(name, *(f"{group.violations[name]:,}" for group in report.groups.values()))
    console.print(table)

    points = {name: count for name, count in report.faults.items() if ":" in name}
    others = {name: count for name, count in report.faults.items() if ":" not in name}
    for title, counts in (("fault", others), ("crash at", points), ("processes", report.lives)):
        if counts:
            table = Table(title, "times")
            for name, count in counts.items():
                table.add_row(name.replace(":", " "), f"{count:,}")
            console.print(table)
    if report.unasked:
        console.print(f"processes that ended by themselves: {report.unasked}")
    for example in report.examples:
        console.print(example, soft_wrap=True)
    found = ", ".join(f"{count:,} {name}" for name, count in report.violations.items() if count)
    console.print(
        "every event took effect once and in order"
        if report.ok
        else f"VIOLATED: {found or 'nothing was committed'}"
    )
