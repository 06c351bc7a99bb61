"""The local cluster: `python -m deploy.local <command>`."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

import uvloop

from deploy.local import (
    audit,
    bench,
    bench_events,
    bench_fulfillment,
    bench_payment,
    bench_product,
    dead_letters,
    demo,
    down,
    events,
    import_products,
    logs,
    psp,
    rebuild_history,
    reconcile,
    replay,
    replay_events,
    sagas,
    status,
    up,
    verify,
    webhooks,
)
from deploy.local.cluster import DEFAULT_STATE
from deploy.local.errors import LocalError

# A command is a module: its docstring explains it, `add_arguments` and `run` do it.
COMMANDS = {
    "up": up,
    "down": down,
    "status": status,
    "logs": logs,
    "demo": demo,
    "replay": replay,
    "audit": audit,
    "import": import_products,
    "verify": verify,
    "bench": bench,
    "bench-events": bench_events,
    "bench-product": bench_product,
    "bench-payment": bench_payment,
    "bench-fulfillment": bench_fulfillment,
    "events": events,
    "sagas": sagas,
    "reconcile": reconcile,
    "dead-letters": dead_letters,
    "psp": psp,
    "webhooks": webhooks,
    "replay-events": replay_events,
    "rebuild-history": rebuild_history,
}


def main() -> int:
    parser = ArgumentParser(prog="python -m deploy.local", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        explanation = (module.__doc__ or "").strip()
        command = commands.add_parser(
            name,
            help=explanation.partition("\n")[0],
            description=explanation,
            formatter_class=RawDescriptionHelpFormatter,
        )
        command.add_argument(
            "--state",
            type=lambda directory: Path(directory).resolve(),
            default=DEFAULT_STATE,
            metavar="DIR",
            help="where the cluster lives (default: .run in the checkout)",
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)

    arguments = parser.parse_args()
    try:
        code: int = uvloop.run(arguments.run(arguments))
    except LocalError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = 130
    return code


if __name__ == "__main__":
    sys.exit(main())
