"""Metrics, offered to Prometheus over HTTP."""

from collections.abc import Callable

from prometheus_client import disable_created_metrics, start_http_server


class MetricsPortTaken(SystemExit):
    """
    Metrics cannot be offered on that address.
    """


def serve_metrics(address: str) -> Callable[[], None]:
    """
    Offer this process's metrics at `http://{address}/metrics`, in a thread of their own.

    Returns:
        What to call to stop it.

    Raises:
        MetricsPortTaken: Somebody else listens there.
    """
    # Twice as many lines, for when a counter began: the process says that, too.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    host, _, port = address.rpartition(":")
    try:
        server, thread = start_http_server(int(port), host.strip("[]"))
    except (OSError, ValueError) as error:
        raise MetricsPortTaken(
            f"cannot offer metrics on {address} ({error}): set METRICS_ADDRESS to a free address,"
            " such as 127.0.0.1:9464, or leave it empty"
        ) from None

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop
