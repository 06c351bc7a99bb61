"""
`python -m tests.simulation [--seed N] [--from N] [--seeds N]`: try schedules; tell the first that
fails.
"""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator

from chassis.terminal import print_table
from deploy.local.arguments import at_least
from deploy.local.progress import Tell, progress
from tests.simulation.faults import Fault
from tests.simulation.run import Summary, run_seed, run_seeds


def main() -> int:
    parser = ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, metavar="N", help="tell this one's whole story")
    parser.add_argument("--from", type=int, default=0, metavar="N", help="the first one (0)")
    parser.add_argument("--seeds", type=at_least(1), metavar="N", help="how many (default: 2,000)")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        result = run_seed(arguments.seed)
        print(result.story())
        return 1 if result.complaints else 0
    first = getattr(arguments, "from")
    began = time.monotonic()
    count = arguments.seeds or 2_000
    with progress("schedules", count) as tell:
        summary = run_seeds(_told(range(first, first + count), tell))
    _print(summary, time.monotonic() - began)
    return 1 if summary.failed else 0


def _told(seeds: range, tell: Tell) -> Iterator[int]:
    for number, seed in enumerate(seeds):
        tell(number, "")
        yield seed
    tell(len(seeds), "")


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
