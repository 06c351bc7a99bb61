"""Misbehaviour on command: which requests or webhooks go wrong, how, and how often."""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from deploy.psp.case import Flaws

REQUESTS = (
    "authorize",
    "increment",
    "capture",
    "cancel",
    "refund",
    "evidence",
    "retrieve",
    "list",
)
WEBHOOK = "webhook"
VERBS = (*REQUESTS, WEBHOOK)

# What happens to a request before anything is done about it …
BEFORE = ("slow", "down", "timeout_before")
# … what becomes of what it asks for …
FLAWS = ("decline", "wrong_amount", "refund_pending", "refund_fails_later")
# … and to its answer.
ERRORS = ("error_after_success", "error_without_effect")
AFTER = ("timeout_after_success",)
WEBHOOKS = ("duplicated", "reordered", "late", "lost", "forged", "stale")
KINDS = (*BEFORE, *FLAWS, *ERRORS, *AFTER, *WEBHOOKS)


class FaultMalformed(Exception):
    """
    There is no such misbehaviour. The message says what there is.
    """


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """
    A rule: so something goes wrong.

    Attributes:
        kind: What goes wrong.
        verbs: With what; if empty, with whatever it can go wrong.
        events: For webhooks: with which types of events; if empty, with all.
        probability: How often, from 0 to 1.
        next: How many times yet; `None`: until told otherwise.
        ms: How long something takes: an answer, a timeout, a refund on its way, a webhook.
        steps: For wrong amounts: by how many of the smallest units of the currency.
        decline_code: Why the bank declines.
        accounts: Whose requests; if empty, everybody's.
        id: Its name, given by the PSP.
        hits: How often it has struck.
    """

    kind: str
    verbs: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    probability: float = 1.0
    next: int | None = None
    ms: int = 0
    steps: int = -1
    decline_code: str = "generic_decline"
    accounts: tuple[str, ...] = ()
    id: str = ""
    hits: int = 0


def fault_from(document: bytes) -> Fault:
    """
    Raises:
        FaultMalformed: It makes no sense.
    """
    try:
        fault = msgspec.json.decode(document, type=Fault)
    except msgspec.MsgspecError as error:
        raise FaultMalformed(str(error)) from None
    if fault.kind not in KINDS:
        raise FaultMalformed(f"kind is one of {', '.join(KINDS)}, not {fault.kind!r}")
    for verb in fault.verbs:
        if verb not in VERBS:
            raise FaultMalformed(f"verbs are {', '.join(VERBS)}, not {verb!r}")
        if (verb == WEBHOOK) != (fault.kind in WEBHOOKS):
            raise FaultMalformed(f"{fault.kind} cannot befall {verb}")
    if not 0 <= fault.probability <= 1:
        raise FaultMalformed("probability is from 0 to 1")
    if fault.ms < 0 or (fault.next is not None and fault.next < 1):
        raise FaultMalformed("ms is not below 0, and next not below 1")
    if fault.steps == 0:
        raise FaultMalformed("steps is how much is wrong, so not 0")
    return fault


@dataclass(frozen=True, slots=True)
class Occasion:
    """
    Attributes:
        verb: Which request, or `webhook`.
        event: The type of the event, for a webhook.
    """

    account: str
    verb: str
    event: str = ""


class Faults:
    """
    What has been commanded. It is forgotten when the process ends: misbehaviour is no record.

    Args:
        seed: Decides what happens with a probability, always in the same way.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._made = 0
        self.rules: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        self._made += 1
        fault.id, fault.hits = f"fault_{self._made}", 0
        self.rules.append(fault)
        return fault

    def remove(self, id_: str = "") -> None:
        """
        Behave again: as to the rule *id_*, or altogether.
        """
        self.rules = [rule for rule in self.rules if id_ and rule.id != id_]

    def strike(self, occasion: Occasion, kinds: Collection[str]) -> Sequence[Fault]:
        """
        Return which of the rules for *kinds* apply this time; each that does is used up by one.
        """
        if not self.rules:
            return ()
        struck = [rule for rule in self.rules if self._strikes(rule, occasion, kinds)]
        self.rules = [rule for rule in self.rules if rule.next != 0]
        return struck

    def _strikes(self, rule: Fault, occasion: Occasion, kinds: Collection[str]) -> bool:
        if (
            rule.kind not in kinds
            or (rule.verbs and occasion.verb not in rule.verbs)
            or (rule.events and occasion.event not in rule.events)
            or (rule.accounts and occasion.account not in rule.accounts)
            or self._random.random() >= rule.probability
        ):
            return False
        rule.hits += 1
        if rule.next is not None:
            rule.next -= 1
        return True

    def flaws(self, occasion: Occasion) -> Flaws:
        """
        Return how what is asked for goes wrong this time.
        """
        changes: dict[str, Any] = {}
        for fault in self.strike(occasion, FLAWS):
            if fault.kind == "wrong_amount":
                changes["steps"] = fault.steps
            elif fault.kind == "decline":
                changes["decline_code"] = fault.decline_code
            elif fault.kind == "refund_pending":
                changes["pending_seconds"] = fault.ms / 1000
            else:
                changes["fails_seconds"] = fault.ms / 1000
        return Flaws(**changes)
