"""
Use case: something is said against a chargeback.

    PREPARE   one short transaction: write down what is about to be submitted
    REMOTE    submit it to the PSP; no transaction is open
    FINALIZE  one short transaction: write down what it answered

A crash between two of them leaves evidence of which nobody knows whether the PSP has it. It is
submitted again, under the same key, by whoever comes first: the caller with the same evidence, or
`resolve_evidence`.
"""

from dataclasses import dataclass

from chassis.kernel.clock import Clock
from services.payment.application.chargebacks.ports import ChargebackNotFound, Disputes
from services.payment.application.conversation import PspOutcomeUnknown
from services.payment.application.ports import Transaction, UnitOfWork
from services.payment.domain.chargeback import (
    Chargeback,
    Evidence,
    EvidenceDeclined,
    EvidenceTaken,
)
from services.payment.domain.values import ChargebackId, Declined, NoAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitChargebackEvidence:
    chargeback_id: ChargebackId
    evidence: Evidence


async def submit_chargeback_evidence(
    command: SubmitChargebackEvidence, *, uow: UnitOfWork, disputes: Disputes, clock: Clock
) -> Chargeback | PspOutcomeUnknown:
    """
    Submit the evidence, and return the chargeback as it then is.

    Safe to repeat: the same evidence is submitted once.

    Raises:
        ChargebackNotFound: There is no such chargeback.
        EvidenceAlreadySubmitted: Other evidence was submitted.
        ChargebackClosed: The bank has decided.
        EvidenceOverdue: It is too late, or none may be submitted.
        EvidenceDeclined: The PSP does not take it.
    """
    async with uow() as tx:
        chargeback = await _opened(command.chargeback_id, tx)
        chargeback.submit(command.evidence, now=clock())
        await tx.chargebacks.save([chargeback])
    return await submit_what_is_open(chargeback, uow=uow, disputes=disputes, clock=clock)


async def submit_what_is_open(
    chargeback: Chargeback, *, uow: UnitOfWork, disputes: Disputes, clock: Clock
) -> Chargeback | PspOutcomeUnknown:
    """
    Submit what is written down for *chargeback* and of which the PSP has not said that it has it.

    Raises:
        EvidenceDeclined: The PSP does not take it.
    """
    evidence = chargeback.evidence
    if evidence is None:
        return chargeback
    answer = await disputes.submit_evidence(
        chargeback.account,
        chargeback.id,
        evidence,
        key=f"evidence-{chargeback.id}-{evidence.fingerprint[:32]}",
    )
    if isinstance(answer, NoAnswer):
        return PspOutcomeUnknown(chargeback.payment_id)
    async with uow() as tx:
        # Read again under the lock: a webhook may have come first.
        now_known = await _opened(chargeback.id, tx)
        if isinstance(answer, EvidenceTaken):
            now_known.note_taken(evidence.fingerprint, now=clock())
        else:
            now_known.note_declined(evidence.fingerprint)
        await tx.chargebacks.save([now_known])
    if isinstance(answer, Declined):
        raise EvidenceDeclined(f"the PSP declined: {answer.reason}")
    return now_known


async def _opened(chargeback_id: ChargebackId, tx: Transaction) -> Chargeback:
    found = await tx.chargebacks.open({chargeback_id})
    if chargeback_id not in found:
        raise ChargebackNotFound(f"there is no chargeback {chargeback_id}")
    return found[chargeback_id]
