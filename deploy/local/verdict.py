"""What verify has found, in a table or as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chassis.terminal import print_table
from deploy.local.invariants.invariant import Finding, Invariant

MOST_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    Attributes:
        quiet: Whether nothing was on its way meanwhile.
    """

    findings: Sequence[tuple[Invariant, Finding]]
    quiet: bool
    seconds: float

    @property
    def holds(self) -> bool:
        return not self.violated

    @property
    def violated(self) -> Sequence[str]:
        """
        The invariants that do not hold.
        """
        return [invariant.id for invariant, finding in self.findings if finding.violations]

    def show(self) -> None:
        print_table(
            ("INVARIANT", "CHECKED", "VIOLATIONS", ""),
            [
                (
                    invariant.id,
                    f"{finding.checked:,}",
                    f"{len(finding.violations):,}",
                    finding.note,
                )
                for invariant, finding in self.findings
            ],
        )
        for invariant, finding in self.findings:
            if finding.violations:
                print(f"\n{invariant.id}: {invariant.sentence} But:")
                for violation in finding.violations[:MOST_EXAMPLES]:
                    print(f"  {violation}")
                if more := len(finding.violations) - MOST_EXAMPLES:
                    print(f"  and {more:,} more" if more > 0 else "", end="\n" if more > 0 else "")
        print()
        if not self.quiet:
            print("The cluster was at work meanwhile; what was on its way is not counted.")
        if self.holds:
            print(f"All {len(self.findings)} invariants hold ({self.seconds:.1f} s).")
        else:
            print(f"VIOLATED: {', '.join(self.violated)} ({self.seconds:.1f} s).")

    def for_json(self) -> dict[str, Any]:
        return {
            "holds": self.holds,
            "quiet": self.quiet,
            "seconds": round(self.seconds, 3),
            "invariants": [
                {
                    "id": invariant.id,
                    "sentence": invariant.sentence,
                    "checked": finding.checked,
                    "violations": len(finding.violations),
                    "examples": [str(v) for v in finding.violations[:MOST_EXAMPLES]],
                    "note": finding.note,
                }
                for invariant, finding in self.findings
            ],
        }
