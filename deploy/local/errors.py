"""What can go wrong with a local cluster, in sentences that say what to do."""


class LocalError(Exception):
    """
    The command cannot go on. The message is for the user: what is wrong, and what to do.
    """


class NotRunning(LocalError):
    """
    There is no cluster, or its supervisor has died.
    """


class StateUnreadable(LocalError):
    """
    `cluster.json` is there, but says nothing that can be understood.
    """


class StateNotWritable(LocalError):
    """
    The directory that holds the state belongs to somebody else.
    """


class Busy(LocalError):
    """
    Another `up` or `down` is at work on the same cluster.
    """


class PortTaken(LocalError):
    """
    The port asked for is in use.
    """


class ServerMissing(LocalError):
    """
    A server that comes in a wheel is not installed.
    """


class DiskFull(LocalError):
    """
    There is too little room to start a database.
    """


class RootNotPossible(LocalError):
    """
    PostgreSQL does not run as root, and there is no way to stop being root.
    """


class InitdbFailed(LocalError):
    """
    PostgreSQL could not create its data directory.
    """


class StartFailed(LocalError):
    """
    A process does not come up.
    """

    def __init__(self, process: str, problem: str) -> None:
        super().__init__(f"{process} {problem}")
        self.process = process
        self.problem = problem


class ServerAway(LocalError):
    """
    A server that should run does not answer.
    """


class CommandFailed(LocalError):
    """
    A command that had to succeed did not. It has said why.
    """


class StillRunning(LocalError):
    """
    Processes do not stop, not even when killed.
    """
