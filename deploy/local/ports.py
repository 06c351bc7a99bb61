"""Ports on loopback: free ones, or those the user asked for."""

import errno
import os
import random
import socket
from collections.abc import Mapping

import psutil

from deploy.local.errors import PortTaken

HOST = "127.0.0.1"

# Below the range that kernels take client ports from. In it, while a server restarts,
# a client that keeps connecting to its port may be given that very port and end up
# connected to itself; then the server cannot come back.
CANDIDATES = range(20_000, 30_000)


class Ports:
    """
    The ports of one cluster, no two of them the same.

    A variable such as `PG_PORT` in *environ* asks for a certain port.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._given: set[int] = set()

    def take(self, variable: str = "", number: int = 1) -> int:
        """
        Return the port of the *number*-th process that *variable* speaks of.

        Raises:
            PortTaken: It was asked for, and is in use.
        """
        wish = self._environ.get(variable)
        port = self._wished(variable, wish, number) if wish else self._free()
        self._given.add(port)
        return port

    def _wished(self, variable: str, wish: str, number: int) -> int:
        if not wish.isdecimal() or not 0 < int(wish) + number - 1 < 65_536:
            raise PortTaken(f"{variable}={wish} is no port: give a number from 1 to 65535")
        port = int(wish) + number - 1
        if port in self._given:
            raise PortTaken(f"{variable}={wish} asks for port {port}, which another process has")
        if (problem := why_not(port)) is not None:
            raise PortTaken(
                f"{variable}={wish}: port {port} is not to be had: {problem}. Stop that process,"
                f" choose another {variable}, or leave it unset to get a free port."
            )
        return port

    def _free(self) -> int:
        # At random, so that two clusters that start at once do not choose the same.
        for port in random.sample(CANDIDATES, len(CANDIDATES)):
            if port not in self._given and why_not(port) is None:
                return port
        raise PortTaken(f"all ports from {CANDIDATES.start} to {CANDIDATES.stop - 1} are taken")


def why_not(port: int) -> str | None:
    """
    Say why nobody can listen on *port*, or return None if one can.
    """
    with socket.socket() as probe:
        # Connections of an earlier run that linger do not keep a server from listening.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"it is taken by {holder(port)}"
            return os.strerror(error.errno or 0)
    return None


def holder(port: int) -> str:
    """
    Name the process that listens on *port*, if we may know.
    """
    try:
        for connection in psutil.net_connections("tcp"):
            listening = connection.status == psutil.CONN_LISTEN
            if listening and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        pass
    return f"a process of another user (ask: ss -ltnp 'sport = :{port}')"
