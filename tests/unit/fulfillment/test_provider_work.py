from uuid import UUID

import pytest

from chassis.kernel.errors import InvalidInput
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from services.fulfillment.application.list_provider_work import (
    ListProviderWork,
    list_provider_work,
)
from services.fulfillment.domain.values import OrderId, ProviderId
from services.fulfillment.wire.provider_work import (
    list_provider_work_from_wire,
    provider_work_to_wire,
)


async def test_a_provider_finds_the_work_it_has_accepted_and_no_other(world, order_id):
    ace = world.given_provider("ace")
    accepted = await world.given_accepted_work(order_id)
    await world.given_work(OrderId(UUID(int=2)))

    command = ListProviderWork(provider_id=ace, after=None, limit=10)
    work, is_more = await list_provider_work(command, uow=world.uow)

    assert [some.id for some in work] == [accepted.id]
    assert not is_more
    other = ListProviderWork(provider_id=ProviderId("other"), after=None, limit=10)
    assert await list_provider_work(other, uow=world.uow) == ([], False)


async def test_the_pages_together_hold_each_work_once(world):
    world.given_provider("ace")
    accepted = [await world.given_accepted_work(OrderId(UUID(int=n))) for n in range(1, 6)]

    found, token = [], ""
    while True:
        request = pb.ListProviderWorkRequest(provider_id="ace", page_size=2, page_token=token)
        command = list_provider_work_from_wire(request)
        work, is_more = await list_provider_work(command, uow=world.uow)
        answer = provider_work_to_wire(command, work, is_more=is_more)
        found += [some.fulfillment_order_id for some in answer.fulfillment_orders]
        if not (token := answer.next_page_token):
            break

    assert sorted(found) == sorted(str(work.id) for work in accepted)
    assert len(found) == 5


@pytest.mark.parametrize(
    ("field", "value"), [("page_size", 201), ("page_size", -1), ("page_token", "no")]
)
def test_a_page_that_cannot_be_is_refused_by_its_field(field, value):
    request = pb.ListProviderWorkRequest(**{"provider_id": "ace", field: value})

    with pytest.raises(InvalidInput) as refused:
        list_provider_work_from_wire(request)

    assert refused.value.field == field
