"""Arguments that several tools take."""

import getpass
import os
from argparse import ArgumentParser, ArgumentTypeError


def add_by(parser: ArgumentParser) -> None:
    """
    Let the user say in whose name something is done.
    """
    parser.add_argument(
        "--by", default=_user(), type=words, metavar="NAME", help="who decides (default: you)"
    )


def words(text: str) -> str:
    """
    Return *text*, which must say something.
    """
    if not text.strip():
        raise ArgumentTypeError("it must not be empty")
    return text


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"
