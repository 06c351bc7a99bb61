"""
Stress the event backbone: real servers, real processes, faults without end, nothing lost.

Writers tell of changes, relays publish them, consumers of several groups let them take effect,
while processes are killed at named points, frozen, and servers fall. At the end every event must
have taken effect in every group once and in order, or this ends with 1.
"""

import logging
import random
import signal
import sys
import tempfile
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import uvloop

from chassis.events.streams import ACK_WAIT_SECONDS
from tests.stress.faults import FAULTS, ON_DEMAND
from tests.stress.mistakes import MISTAKES
from tests.stress.plan import Plan
from tests.stress.report import show, to_json
from tests.stress.run import run

# With a planted mistake: few processes and few events, so that it is over soon; but what a killed
# consumer had in its hands must have come again before it is called lost.
SMALL = {
    "events": 400,
    "writers": 1,
    "relays": 2,
    "consumers": 1,
    "groups": 1,
    "patience_seconds": ACK_WAIT_SECONDS + 1.5,
}


def not_negative(words: str) -> float:
    try:
        number = float(words)
    except ValueError:
        number = -1
    if number < 0:
        raise ArgumentTypeError(f"{words} is no number from 0 on")
    return number


def read_arguments() -> Namespace:
    parser = ArgumentParser(
        prog="python -m tests.stress",
        description=__doc__,
        formatter_class=RawDescriptionHelpFormatter,
        epilog=f"faults: {', '.join(FAULTS)}; not unless asked for: {', '.join(ON_DEMAND)}",
    )
    parser.add_argument(
        "--seconds",
        type=not_negative,
        metavar="N",
        help="write so long (default: 60; 0: until each fault had its turn)",
    )
    parser.add_argument("--events", type=int, default=0, metavar="N", help="until so many events")
    parser.add_argument("--seed", type=int, metavar="N", help="default: a new one, which is shown")
    parser.add_argument(
        "--only", action="append", default=[], metavar="FAULT", help="a name or a pattern (relay:*)"
    )
    parser.add_argument("--with", action="append", default=[], metavar="FAULT", dest="more")
    parser.add_argument("--without", action="append", default=[], metavar="FAULT")
    parser.add_argument("--mistake", choices=MISTAKES, default="", help="plant this mistake")
    parser.add_argument("--small", action="store_true", help="as with a mistake, without one")
    parser.add_argument("--directory", type=Path, metavar="DIR", help="keep data and logs here")
    parser.add_argument("--json", action="store_true", help="print an object")
    return parser.parse_args()


def plan_of(arguments: Namespace) -> Plan:
    plan = Plan(
        seed=random.randrange(10**6) if arguments.seed is None else arguments.seed,
        faults=faults_of(arguments),
        mistake=arguments.mistake,
    )
    if arguments.mistake or arguments.small:
        plan = replace(plan, **SMALL)
    if arguments.events:
        plan = replace(plan, events=arguments.events)
    elif arguments.seconds is not None:
        plan = replace(plan, seconds=arguments.seconds, events=0)
    return plan


def faults_of(arguments: Namespace) -> tuple[str, ...]:
    wanted = arguments.only
    if not wanted and arguments.mistake:
        wanted = MISTAKES[arguments.mistake].faults
    elif not wanted:
        wanted = [name for name in FAULTS if name not in ON_DEMAND] + arguments.more
    return tuple(
        name
        for name in FAULTS
        if any(fnmatch(name, each) for each in wanted)
        and not any(fnmatch(name, each) for each in arguments.without)
    )


def main() -> int:
    arguments = read_arguments()
    plan = plan_of(arguments)
    logging.basicConfig(level="ERROR")
    # Even where whoever started this had it ignored, as shells do in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    print(f"seed {plan.seed}: {len(plan.faults)} kinds of faults", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="stress-") as temporary:
        directory = (arguments.directory or Path(temporary)).resolve()
        try:
            report = uvloop.run(run(plan, directory, quiet=arguments.json))
        except KeyboardInterrupt:
            return 130
    if arguments.json:
        print(to_json(report))
    else:
        show(report)
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
