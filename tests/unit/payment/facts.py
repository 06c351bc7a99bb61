from datetime import UTC, datetime

from services.payment.domain.facts import ChargebackState, ChargedBack
from services.payment.domain.values import ChargebackId, PspReference


def chargeback(amount, state=ChargebackState.NEEDS_RESPONSE, *, id_="dp_1", authorization="pi_1"):
    return ChargedBack(
        authorization=PspReference(authorization),
        chargeback_id=ChargebackId(id_),
        amount=amount,
        reason="fraudulent",
        state=state,
        opened_at=datetime(2026, 1, 2, tzinfo=UTC),
        evidence_due_at=datetime(2026, 1, 9, tzinfo=UTC),
    )
