"""Warehouses: they count what comes back, and send back what was refused."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from uuid import UUID, uuid5

import msgspec

from chassis.kernel.clock import Clock
from deploy.local.world.patience import CallRefused, Patience
from deploy.providers.character import Milliseconds, Share
from deploy.providers.dice import chance
from deploy.providers.stubs import Stubs
from retail.fulfillment.v1 import return_service_pb2 as pb

log = logging.getLogger(__name__)

# Fixed, so that a repeat has the id of what it repeats.
RECEIPTS = UUID("6b0d7b7e-41d6-5c57-9f0c-6f7a5f1f3a52")
BETWEEN_ROUNDS_SECONDS = 0.5
AFTER_A_REFUSAL_SECONDS = 10.0
PAGE = 100


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What a warehouse finds.

    Attributes:
        accounts: How the accounts begin whose returns it counts; empty: everybody's.
        locations: Where it counts; empty: everywhere.
        after_ms: How long a return takes to come.
        damaged: So many units came back damaged, beside those returned for being so.
        missing: So many units did not come back.
        refused: So many units it does not accept, and sends back.
    """

    accounts: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    after_ms: Milliseconds = 0
    damaged: Share = 0.0
    missing: Share = 0.0
    refused: Share = 0.0

    def __post_init__(self) -> None:
        if self.damaged + self.missing + self.refused > 1:
            raise ValueError("damaged, missing and refused come to more than 1")

    def concern(self, some: pb.Return) -> bool:
        return (not self.accounts or some.account_id.startswith(self.accounts)) and self.counts_at(
            some.location_id
        )

    def counts_at(self, location_id: str) -> bool:
        return not self.locations or location_id in self.locations


class Warehouse:
    """
    Counts the returns that wait for it. What it finds of a return follows from the return's id:
    counted again after a break, it is the same count.

    Args:
        rules: The first that concerns a return decides.
    """

    def __init__(
        self,
        rules: Sequence[Rules],
        stubs: Stubs,
        patience: Patience,
        *,
        clock: Clock,
        seed: int,
    ) -> None:
        self._rules = rules
        self._stubs = stubs
        self._patience = patience
        self._clock = clock
        self._seed = seed

    async def run(self) -> None:
        """
        Count until cancelled.
        """
        while True:
            pause = BETWEEN_ROUNDS_SECONDS
            try:
                await self.count()
                await self.send_back()
            except CallRefused as refusal:
                # The providers beside it have no part in this, and go on.
                log.warning("nothing can be counted: %s", refusal)
                pause = AFTER_A_REFUSAL_SECONDS
            await asyncio.sleep(pause)

    async def count(self) -> None:
        """
        Count what has come by now.
        """
        now = self._clock()
        async for page in self._waiting(pb.RETURN_STATE_APPROVED):
            receipts = [
                receipt_for(some, rules, self._seed)
                for some in page
                if (rules := self._rules_for(some)) and has_come(some, rules, now)
            ]
            if receipts:
                request = pb.ReceiveReturnsRequest(receipts=receipts)
                answer = await self._patience(self._stubs.returns.ReceiveReturns, request)
                note(answer.results, "counted")

    async def send_back(self) -> None:
        """
        Send back what was refused.
        """
        async for page in self._waiting(pb.RETURN_STATE_UNSPECIFIED):
            backs = [
                pb.SendBack(return_id=some.return_id, tracking_number=f"back-{some.return_id[:8]}")
                for some in page
                if self._rules_for(some)
            ]
            if backs:
                request = pb.SendReturnsBackRequest(send_backs=backs)
                answer = await self._patience(self._stubs.returns.SendReturnsBack, request)
                note(answer.results, "sent back")

    def _rules_for(self, some: pb.Return) -> Rules | None:
        return next((rules for rules in self._rules if rules.concern(some)), None)

    async def _waiting(self, state: pb.ReturnState) -> AsyncGenerator[Sequence[pb.Return]]:
        request = pb.ListWaitingReturnsRequest(state=state, page_size=PAGE)
        while True:
            page = await self._patience(self._stubs.returns.ListWaitingReturns, request)
            yield page.returns
            request.page_token = page.next_page_token
            if not page.next_page_token:
                return


def has_come(some: pb.Return, rules: Rules, now: datetime) -> bool:
    waited = now.timestamp() * 1000 - some.create_time.ToMilliseconds()
    return waited >= rules.after_ms


def receipt_for(some: pb.Return, rules: Rules, seed: int) -> pb.Receipt:
    """
    Say what came back for a return: all of it at once.
    """
    counts = [
        pb.CountedGoods(sku=line.sku, quantity=units, disposition=disposition)
        for line in some.lines
        for disposition, units in sorted(found(line, some, rules, seed).items())
    ]
    return pb.Receipt(
        receipt_id=str(uuid5(RECEIPTS, some.return_id)),
        return_id=some.return_id,
        counts=counts,
        is_last=True,
    )


def found(line: pb.ReturnLine, some: pb.Return, rules: Rules, seed: int) -> Counter[pb.Disposition]:
    """
    Count the units of a line by their condition: what is left over by the rules is sellable. A
    share of few units is a whole unit now and then.
    """
    counts = Counter[pb.Disposition]()
    left = line.quantity
    refused = 0 if some.kind == pb.RETURN_KIND_UNDELIVERED else rules.refused
    for disposition, share in (
        (pb.DISPOSITION_MISSING, rules.missing),
        (pb.DISPOSITION_REFUSED, refused),
        (pb.DISPOSITION_DAMAGED, rules.damaged),
    ):
        exact = share * line.quantity
        by_chance = chance(seed, some.return_id, line.sku, disposition) < exact % 1
        units = min(left, int(exact) + by_chance)
        counts[disposition] += units
        left -= units
    is_damaged = line.reason == pb.RETURN_REASON_DAMAGED
    counts[pb.DISPOSITION_DAMAGED if is_damaged else pb.DISPOSITION_SELLABLE] += left
    return +counts


def note(results: Sequence[pb.ReturnResult], what: str) -> None:
    for result in results:
        if result.HasField("error"):
            log.warning("a return was not %s: %s", what, result.error.message)
