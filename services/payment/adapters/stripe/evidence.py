"""Submit evidence against a dispute."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chassis.rpc import deadlines
from chassis.telemetry.logs import stack_of
from services.payment.adapters.stripe import marks
from services.payment.adapters.stripe.client import StripeAccount
from services.payment.adapters.stripe.intents import Object
from services.payment.adapters.stripe.questions import Asked, answer_to
from services.payment.adapters.stripe.replies import Silence, verdict_on
from services.payment.domain.chargeback import Evidence, EvidenceAnswer, EvidenceTaken
from services.payment.domain.values import ChargebackId, NoAnswer, PspAccount

log = logging.getLogger(__name__)


class StripeDisputes:
    """
    Args:
        accounts: By their names.
        seconds: How long an answer is waited for.
    """

    def __init__(self, accounts: Mapping[PspAccount, StripeAccount], *, seconds: float) -> None:
        self._accounts = accounts
        self._seconds = seconds

    async def submit_evidence(
        self, account: PspAccount, chargeback_id: ChargebackId, evidence: Evidence, *, key: str
    ) -> EvidenceAnswer:
        """
        Submit *evidence* once: whether Stripe has it is looked for before, each time.
        """
        reached = self._accounts.get(account)
        if reached is None:
            log.error("no account at the PSP is configured as %s", account)
            return NoAnswer()
        question = Submission(account=reached, dispute=chargeback_id, evidence=evidence, key=key)
        try:
            async with asyncio.timeout(deadlines.budget(self._seconds)):
                found = await question.look()
                return await answer_to(question, JUST_NOW) if found is None else found
        except TimeoutError:
            log.warning("the PSP has not answered in time")
        except Exception as error:
            log.error("what the PSP answered cannot be read: %s", stack_of(error))
        return NoAnswer()


# A key that Stripe has forgotten does no harm here, as what was submitted is found.
JUST_NOW = Asked(age=timedelta(), before=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    account: StripeAccount
    dispute: ChargebackId
    evidence: Evidence
    key: str

    looks_at_once = True

    async def ask(self, idempotency_key: str) -> EvidenceAnswer | Silence:
        evidence = {"uncategorized_text": self.evidence.text}
        if self.evidence.tracking_number:
            evidence["shipping_tracking_number"] = self.evidence.tracking_number
        params: dict[str, Any] = {
            "evidence": evidence,
            "submit": True,
            "metadata": {marks.EVIDENCE: self.key},
        }
        reply = await self.account.submit_evidence(self.dispute, params, key=idempotency_key)
        return verdict_on(reply, lambda _: EvidenceTaken())

    async def look(self) -> EvidenceAnswer | None:
        reply = await self.account.dispute(self.dispute)
        return self._found_in(reply.body) if reply.is_success else NoAnswer()

    def _found_in(self, dispute: Object) -> EvidenceTaken | None:
        is_there = (dispute.get("metadata") or {}).get(marks.EVIDENCE) == self.key
        return EvidenceTaken() if is_there else None
