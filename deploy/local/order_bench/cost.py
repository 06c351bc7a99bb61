"""What orders cost: CPU time by process, SQL statements, transactions and calls by service."""

import asyncio
import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Self
from urllib.request import urlopen

import psutil
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.cluster import Cluster
from deploy.local.processes import Process

BENCH = "bench"

_STATEMENTS = "waybill_sql_statements_total"
_TRANSACTIONS = "waybill_sql_transactions_total"
_CALLS = "waybill_grpc_client_calls_total"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """
    What was done so far, or for each order.

    Attributes:
        cpu_ms: Milliseconds of CPU time by process; replicas are taken together, and this one
            is `bench`.
        statements: SQL statements by service.
        transactions: By service.
        calls: By full gRPC method, what services have asked of each other.
    """

    cpu_ms: Mapping[str, float]
    statements: Mapping[str, float]
    transactions: Mapping[str, float]
    calls: Mapping[str, float]

    def per_order(self, before: Self, orders: int) -> "Work":
        """
        Return what was done since *before*, for each of *orders*.
        """

        def each(now: Mapping[str, float], then: Mapping[str, float]) -> dict[str, float]:
            done = {name: now[name] - then.get(name, 0) for name in now}
            return {name: round(done[name] / orders, 3) for name in sorted(done) if done[name]}

        return Work(
            cpu_ms=each(self.cpu_ms, before.cpu_ms),
            statements=each(self.statements, before.statements),
            transactions=each(self.transactions, before.transactions),
            calls=each(self.calls, before.calls),
        )

    @property
    def all_cpu_ms(self) -> float:
        """
        CPU time of the servers and services, without the bench itself.
        """
        return sum(ms for name, ms in self.cpu_ms.items() if name != BENCH)


def median_work(rounds: list[Work]) -> Work:
    def middle(each: list[Mapping[str, float]]) -> dict[str, float]:
        names = sorted({name for one in each for name in one})
        return {name: round(median(one.get(name, 0) for one in each), 3) for name in names}

    return Work(
        cpu_ms=middle([each.cpu_ms for each in rounds]),
        statements=middle([each.statements for each in rounds]),
        transactions=middle([each.transactions for each in rounds]),
        calls=middle([each.calls for each in rounds]),
    )


async def work_of(cluster: Cluster) -> Work:
    """
    Ask every process of *cluster* what it has done so far.
    """
    cpu: defaultdict[str, float] = defaultdict(float)
    for process in cluster.processes:
        cpu[_name_of(process)] += _cpu_ms(process)
    own = psutil.Process(os.getpid()).cpu_times()
    cpu[BENCH] = 1_000 * (own.user + own.system)
    statements: defaultdict[str, float] = defaultdict(float)
    transactions: defaultdict[str, float] = defaultdict(float)
    calls: defaultdict[str, float] = defaultdict(float)
    for process in cluster.services:
        if "METRICS_ADDRESS" not in process.environment:
            continue
        for name, label, value in await asyncio.to_thread(_counted_by, process):
            if name == _STATEMENTS:
                statements[process.role] += value
            elif name == _TRANSACTIONS:
                transactions[process.role] += value
            elif name == _CALLS:
                calls[label] += value
    return Work(cpu_ms=cpu, statements=statements, transactions=transactions, calls=calls)


def _name_of(process: Process) -> str:
    return process.name if process.role == "server" else process.role


def _cpu_ms(process: Process) -> float:
    """
    Return the CPU time of a process and of all it has started, ended or not.
    """
    if process.identity is None:
        return 0
    root = psutil.Process(process.identity.pid)
    times = root.cpu_times()
    seconds = times.user + times.system + times.children_user + times.children_system
    for child in root.children(recursive=True):
        try:
            each = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        seconds += each.user + each.system
    return 1_000 * float(seconds)


def _counted_by(process: Process) -> list[tuple[str, str, float]]:
    address = process.environment["METRICS_ADDRESS"]
    with urlopen(f"http://{address}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return [
        (sample.name, next(iter(sample.labels.values()), ""), sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]
