"""
`python -m tests.simulation [--seed N] [--from N] [--seeds N]`: try schedules; tell the first that
fails.
"""

import sys
import time
from argparse import ArgumentParser

from chassis.terminal import print_table
from tests.simulation.faults import Fault
from tests.simulation.run import Summary, run_seed, run_seeds


def main() -> int:
    parser = ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, metavar="N", help="tell this one's whole story")
    parser.add_argument("--from", type=int, default=0, metavar="N", help="the first one (0)")
    parser.add_argument("--seeds", type=int, metavar="N", help="how many (default: 2,000)")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        result = run_seed(arguments.seed)
        print(result.story())
        return 1 if result.complaints else 0
    first = getattr(arguments, "from")
    began = time.monotonic()
    summary = run_seeds(range(first, first + (arguments.seeds or 2_000)))
    _print(summary, time.monotonic() - began)
    return 1 if summary.failed else 0


def _print(summary: Summary, seconds: float) -> None:
    steps = list(dict.fromkeys(step for step, _ in summary.coverage))
    print_table(
        ("FAULT", *(step.upper() for step in steps)),
        [(fault, *(f"{summary.coverage[step, fault]:,}" for step in steps)) for fault in Fault],
    )
    print()
    print_table(
        ("ORDERS", "END"),
        [(f"{count:,}", end) for end, count in sorted(summary.ends.items())],
    )
    print(f"\n{summary.schedules:,} schedules in {seconds:.1f} s, {len(summary.failed):,} failed.")
    if summary.failed:
        print(f"\n{summary.failed[0].story()}")
        seeds = ", ".join(str(result.seed) for result in summary.failed[:20])
        print(
            f"\nFailed: {seeds}. Tell one again with `make saga-bench SEED={seeds.split(',')[0]}`."
        )


if __name__ == "__main__":
    sys.exit(main())
