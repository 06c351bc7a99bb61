"""Evidence against a dispute arrives once, whatever fails."""

import pytest

from chassis.kernel.ids import new_id
from services.payment.adapters.stripe.evidence import StripeDisputes
from services.payment.domain.chargeback import Evidence, EvidenceTaken
from services.payment.domain.values import Declined, NoAnswer
from tests.integration.payment.stripe.conftest import EUR_100, FAULTS, MAIN

EVIDENCE = Evidence(text="The parcel was signed for.", tracking_number="1Z999")


@pytest.fixture
async def journey(simulated, journey_at):
    return journey_at(simulated)


@pytest.fixture
async def dispute(journey, psp_server):
    approved = await journey.authorize()
    await journey.capture(approved, EUR_100)
    opened = await psp_server.command("POST", "disputes", {"payment_intent": approved.reference})
    return opened["id"]


@pytest.fixture
def submit(journey, dispute):
    disputes, key = StripeDisputes(journey.accounts, seconds=5), f"evidence-{new_id()}"
    return lambda account=MAIN, key=key: disputes.submit_evidence(
        account, dispute, EVIDENCE, key=key
    )


async def evidence_at(psp_server, dispute):
    return (await psp_server.stripe.v1.disputes.retrieve_async(dispute)).to_dict()


async def test_evidence_arrives(submit, psp_server, dispute):
    assert await submit() == EvidenceTaken()

    found = await evidence_at(psp_server, dispute)
    assert found["status"] == "under_review"
    assert found["evidence"]["uncategorized_text"] == EVIDENCE.text
    assert found["evidence"]["shipping_tracking_number"] == EVIDENCE.tracking_number


@pytest.mark.parametrize("fault", FAULTS)
async def test_whatever_breaks_it_arrives_once(submit, psp_server, dispute, fault):
    await psp_server.fault(fault, "evidence", next=1, ms=20)

    answers = [await submit() for _ in range(3)]

    assert answers[-1] == EvidenceTaken()
    found = await evidence_at(psp_server, dispute)
    assert found["evidence_details"]["submission_count"] == 1


async def test_evidence_that_is_too_late_is_declined(submit, psp_server, dispute):
    await psp_server.command("POST", f"disputes/{dispute}/close", {"won": False})

    assert isinstance(await submit(), Declined)


async def test_an_account_that_is_not_configured_gives_no_answer(submit):
    assert await submit(account="nowhere") == NoAnswer()
