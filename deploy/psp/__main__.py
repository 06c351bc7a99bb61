"""Run the simulated PSP: `python -m deploy.psp`."""

import gc
import logging
import sys

import uvloop

from deploy.psp.server import run
from deploy.psp.settings import read_settings


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
    uvloop.run(run(settings))


if __name__ == "__main__":
    main()
