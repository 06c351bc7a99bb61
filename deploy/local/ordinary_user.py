"""Not being root: PostgreSQL refuses to run as root, or as somebody without a name."""

import os
import pwd
import subprocess
from pathlib import Path

from deploy.local.errors import RootNotPossible
from deploy.local.topology import Command

NOBODY = 65534


def ordinary_user(directory: Path) -> Command:
    """
    Return what to put before a command so that PostgreSQL accepts who it runs as: somebody who
    is not root, and has a name.

    Raises:
        RootNotPossible: There is no way.
    """
    users = {user.pw_uid for user in pwd.getpwall()}
    if os.geteuid() in users - {0}:
        return ()
    # Ourselves outside, an ordinary user inside: no user is created and no file changes hands.
    somebody = max(users)
    namespace = ("unshare", "-U", f"--map-user={somebody}", f"--map-group={somebody}", "--")
    if succeeds(*namespace, "true"):
        return namespace
    if os.geteuid() != 0:
        return ()  # Without a name; initdb will say what it thinks of that.
    nobody = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--")
    if succeeds(*nobody, "test", "-x", str(directory)):
        return nobody
    raise RootNotPossible(
        "you are root, PostgreSQL does not run as root, and this machine allows no user"
        f" namespaces. Run this as an ordinary user, or let everyone enter {directory}"
        " (chmod o+x it and the directories above), or use a server of your own: DATABASE_URL."
    )


def succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def give_away(ordinary: Command, *paths: Path) -> None:
    if "setpriv" in ordinary:
        for path in paths:
            os.chown(path, NOBODY, NOBODY)
