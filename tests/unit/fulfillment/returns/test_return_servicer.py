"""The face of returns, and every field it checks."""

from uuid import uuid4

import pytest

from chassis.kernel.errors import InvalidInput
from retail.fulfillment.v1 import return_service_pb2 as pb
from services.fulfillment.domain.refusals import LabelNotReady
from services.fulfillment.domain.returns import refusals
from services.fulfillment.entrypoints.return_servicer import ReturnServicer
from services.fulfillment.wire.returns.pages import PageTokenInvalid

ORDER = "00000000-0000-0000-0000-000000000001"
LAMP = pb.WantedReturnLine(sku="LAMP", quantity=1, reason="RETURN_REASON_OTHER")
BROKEN = pb.WantedReturnLine(sku="LAMP", quantity=1, reason="RETURN_REASON_DAMAGED")


@pytest.fixture
def face(world, desk):
    return ReturnServicer(
        uow=world.uow, clock=world.clock, policy=desk.policy, labels=world.printer
    )


def wish(**fields):
    known = {"account_id": "alice", "order_id": ORDER, "return_id": str(uuid4()), "lines": [LAMP]}
    return pb.RequestReturnRequest(**{**known, **fields})


def claim(**fields):
    known = {
        "account_id": "alice",
        "order_id": ORDER,
        "return_id": str(uuid4()),
        "lines": [BROKEN],
        "resolution": "RESOLUTION_REFUND",
    }
    return pb.RequestClaimRequest(**{**known, **fields})


def line(**fields):
    return pb.WantedReturnLine(
        **{"sku": "LAMP", "quantity": 1, "reason": "RETURN_REASON_OTHER", **fields}
    )


async def test_a_return_goes_all_its_way_by_the_face(desk, face):
    await desk.delivered(LAMP=3)
    request = wish(lines=[line(quantity=2, comment="too bright")])
    id_ = request.return_id

    asked = (await face.RequestReturn(request, None)).customer_return
    label = await face.GetReturnLabel(
        pb.GetReturnLabelRequest(account_id="alice", return_id=id_), None
    )
    counted = pb.Receipt(
        receipt_id=str(uuid4()),
        return_id=id_,
        counts=[
            pb.CountedGoods(sku="LAMP", quantity=1, disposition="DISPOSITION_DAMAGED"),
            pb.CountedGoods(sku="LAMP", quantity=1, disposition="DISPOSITION_REFUSED"),
        ],
    )
    received = await face.ReceiveReturns(pb.ReceiveReturnsRequest(receipts=[counted]), None)
    back = pb.SendBack(return_id=id_, tracking_number="BACK-1")
    await face.SendReturnsBack(pb.SendReturnsBackRequest(send_backs=[back]), None)
    closing = pb.Closing(return_id=id_, refunded={"currency_code": "GBP", "units": 10})
    await face.CloseReturns(pb.CloseReturnsRequest(closings=[closing]), None)
    some = await face.GetReturn(pb.GetReturnRequest(account_id="alice", return_id=id_), None)

    assert pb.ReturnState.Name(asked.state) == "RETURN_STATE_APPROVED"
    assert asked.lines[0].comment == "too bright"
    assert asked.HasField("due_time")
    assert received.results[0].customer_return.to_be_sent_back
    some = some.customer_return
    assert pb.ReturnState.Name(some.state) == "RETURN_STATE_CLOSED"
    assert (some.lines[0].damaged, some.lines[0].refused) == (1, 1)
    assert some.refunded.units == 10
    assert some.tracking_number == label.tracking_number
    assert not some.HasField("due_time")
    assert not some.to_be_sent_back


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (wish(account_id=""), "account_id"),
        (wish(order_id="x"), "order_id"),
        (wish(return_id=""), "return_id"),
        (wish(lines=[]), "lines"),
        (wish(lines=[line()] * 2), "lines[1].sku"),
        (wish(lines=[line(sku="lamp")]), "lines[0].sku"),
        (wish(lines=[line(quantity=0)]), "lines[0].quantity"),
        (wish(lines=[line(quantity=1_000_001)]), "lines[0].quantity"),
        (wish(lines=[line(reason=0)]), "lines[0].reason"),
        (wish(lines=[line(reason=99)]), "lines[0].reason"),
        (wish(lines=[line(reason="RETURN_REASON_LOST")]), "lines[0].reason"),
        (wish(lines=[line(comment="x" * 501)]), "lines[0].comment"),
        (wish(lines=[line(comment="4111 1111 1111 1111")]), "lines[0].comment"),
        (claim(resolution=0), "resolution"),
        (claim(lines=[LAMP]), "lines[0].reason"),
    ],
)
async def test_what_is_wrong_with_a_wish_is_named_and_changes_nothing(
    world, desk, face, request_, field
):
    await desk.delivered(LAMP=3)
    method = (
        face.RequestClaim if isinstance(request_, pb.RequestClaimRequest) else (face.RequestReturn)
    )

    with pytest.raises(InvalidInput) as refused:
        await method(request_, None)

    assert refused.value.field == field
    assert world.returns == {}


@pytest.mark.parametrize(
    ("receipt", "reason"),
    [
        (pb.Receipt(), "NOT_A_UUID"),
        (pb.Receipt(receipt_id=ORDER, return_id=ORDER), "COUNTS_OUT_OF_RANGE"),
        (pb.Receipt(receipt_id=ORDER, return_id=ORDER, is_last=True), "RETURN_NOT_FOUND"),
        (
            pb.Receipt(
                receipt_id=ORDER,
                return_id=ORDER,
                counts=[{"sku": "LAMP", "quantity": 1, "disposition": 1}] * 2,
            ),
            "COUNT_REPEATED",
        ),
        (
            pb.Receipt(receipt_id=ORDER, return_id=ORDER, counts=[{"sku": "LAMP", "quantity": 1}]),
            "VALUE_NOT_OFFERED",
        ),
    ],
)
async def test_a_wrong_receipt_is_answered_on_its_own(face, receipt, reason):
    answer = await face.ReceiveReturns(pb.ReceiveReturnsRequest(receipts=[receipt]), None)

    assert reason in str(answer.results[0].error)


async def test_a_negative_refund_is_refused(face):
    closing = pb.Closing(return_id=ORDER, refunded={"currency_code": "GBP", "units": -1})

    answer = await face.CloseReturns(pb.CloseReturnsRequest(closings=[closing]), None)

    assert "REFUND_NEGATIVE" in str(answer.results[0].error)


async def test_an_account_pages_through_its_returns_newest_first(world, desk, face):
    await desk.delivered(LAMP=5)
    asked = []
    for _ in range(5):
        world.later(seconds=1)
        asked.append(str((await desk.ask(LAMP=1)).id))

    seen, token = [], ""
    for _ in range(3):
        request = pb.ListReturnsRequest(account_id="alice", page_size=2, page_token=token)
        page = await face.ListReturns(request, None)
        seen += [some.return_id for some in page.returns]
        token = page.next_page_token

    assert seen == asked[::-1]
    assert token == ""
    other = await face.ListReturns(pb.ListReturnsRequest(account_id="mallory"), None)
    assert list(other.returns) == []


async def test_a_token_fits_only_what_asks_the_same(desk, face):
    await desk.delivered(LAMP=2)
    await desk.ask(LAMP=1)
    await desk.ask(LAMP=1)
    page = await face.ListReturns(pb.ListReturnsRequest(account_id="alice", page_size=1), None)

    for account, token in (("mallory", page.next_page_token), ("alice", "x"), ("alice", "äö")):
        with pytest.raises(PageTokenInvalid):
            await face.ListReturns(
                pb.ListReturnsRequest(account_id=account, page_token=token), None
            )


async def test_people_see_what_waits_for_them_the_longest_first(world, desk, face):
    await desk.delivered(LAMP=3)
    await desk.delivered(at="hull", CHAIR=2)
    lamps = await desk.ask(LAMP=1)
    world.later(seconds=1)
    chairs = await desk.ask(CHAIR=1)
    await desk.receive((await desk.ask(LAMP=1)).id, LAMP=("REFUSED", 1))

    async def seen(**asked):
        page = await face.ListWaitingReturns(pb.ListWaitingReturnsRequest(**asked), None)
        return [some.return_id for some in page.returns]

    assert await seen(state="RETURN_STATE_APPROVED") == [str(lamps.id), str(chairs.id)]
    assert await seen(state="RETURN_STATE_APPROVED", location_id="hull") == [str(chairs.id)]
    assert len(await seen()) == 1
    with pytest.raises(InvalidInput):
        await seen(state="RETURN_STATE_CLOSED")


async def test_a_return_has_one_label_for_ever(world, desk, face):
    await desk.delivered(LAMP=1)
    some = await desk.ask(LAMP=1)
    request = pb.GetReturnLabelRequest(account_id="alice", return_id=str(some.id))

    first = await face.GetReturnLabel(request, None)
    again = await face.GetReturnLabel(request, None)

    assert first == again
    assert b"leeds" in first.content
    assert world.returns[some.id].tracking_number == first.tracking_number


async def test_two_who_print_a_label_at_once_print_the_same(world, desk, face):
    await desk.delivered(LAMP=1)
    some = await desk.ask(LAMP=1)
    request = pb.GetReturnLabelRequest(account_id="alice", return_id=str(some.id))
    others = []

    async def meanwhile():
        others.append(await face.GetReturnLabel(request, None))

    world.printer.meanwhile = meanwhile
    mine = await face.GetReturnLabel(request, None)

    assert others == [mine]


async def test_without_labels_to_be_had_one_is_asked_to_come_again(world, desk, face):
    await desk.delivered(LAMP=1)
    some = await desk.ask(LAMP=1)
    world.printer.broken = True

    with pytest.raises(LabelNotReady):
        await face.GetReturnLabel(
            pb.GetReturnLabelRequest(account_id="alice", return_id=str(some.id)), None
        )


async def test_a_claim_has_no_label(desk, face):
    await desk.delivered(LAMP=1)
    some = await desk.claim(LAMP=1)

    with pytest.raises(refusals.ReturnNotInState):
        await face.GetReturnLabel(
            pb.GetReturnLabelRequest(account_id="alice", return_id=str(some.id)), None
        )


async def test_nobody_sees_anothers_return_or_label(desk, face):
    await desk.delivered(LAMP=1)
    id_ = str((await desk.ask(LAMP=1)).id)

    with pytest.raises(refusals.ReturnNotFound):
        await face.GetReturn(pb.GetReturnRequest(account_id="mallory", return_id=id_), None)
    with pytest.raises(refusals.ReturnNotFound):
        await face.GetReturnLabel(
            pb.GetReturnLabelRequest(account_id="mallory", return_id=id_), None
        )
