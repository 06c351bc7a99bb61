"""Play service providers, their carrier and the warehouses: `python -m deploy.providers`."""

import gc
import logging
import sys

import uvloop

from deploy.local.errors import LocalError
from deploy.providers.server import run
from deploy.providers.settings import read_settings


def main() -> None:
    settings = read_settings()
    logging.basicConfig(
        level=settings.log_level,
        stream=sys.stdout,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    # A batch makes many objects and soon drops them: no need to look at the rest each time.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    try:
        uvloop.run(run(settings))
    except LocalError as error:
        sys.exit(f"cannot start: {error}")


if __name__ == "__main__":
    main()
