"""How many SQL statements a batch takes: as many as for one entry."""

import pytest

from tests.integration.counting import counted

MOST = 5


@pytest.mark.parametrize("size", [1, 20, 500])
async def test_a_batch_of_new_reservations_takes_three_statements(replica, new_id, size):
    # More than they take: who takes the last one holds the stock to tell of it, at two more.
    await replica.receive(1_001)
    await replica.receive(1_001, sku="SHADE")

    with counted(replica.database) as sent:
        await replica.reserve(*((new_id(), {"LAMP": 1, "SHADE": 2}) for _ in range(size)))

    assert len(sent) == 3


@pytest.mark.parametrize("size", [1, 20, 500])
async def test_who_is_refused_costs_two_reads(replica, new_id, size):
    await replica.receive(1)
    await replica.reserve((new_id(), {"LAMP": 1}))

    with counted(replica.database) as sent:
        await replica.reserve(*((new_id(), {"LAMP": 1}) for _ in range(size)))

    assert len(sent) == 2


@pytest.mark.parametrize("size", [1, 20, 500])
async def test_the_later_verbs_take_as_many_statements_for_many_as_for_one(replica, new_id, size):
    await replica.receive(1_001)
    ids = [new_id() for _ in range(size)]
    await replica.reserve(*((id_, {"LAMP": 2}) for id_ in ids))

    with counted(replica.database) as confirming:
        await replica.confirm(*ids)
    with counted(replica.database) as reducing:
        await replica.reduce(*((id_, {"LAMP": 1}) for id_ in ids))
    with counted(replica.database) as releasing:
        await replica.release(*ids)

    assert len(confirming) <= MOST
    # One more finds what has shipped, and one writes the goods.
    assert len(reducing) <= MOST + 2
    # Each id is claimed first, in case the reservation under it is still on its way.
    assert len(releasing) <= MOST + 1


@pytest.mark.parametrize("size", [1, 20, 250])
async def test_asking_again_among_others_takes_no_more_statements(replica, new_id, size):
    await replica.receive(1_000)
    again = [(new_id(), {"LAMP": 1}) for _ in range(size)]
    await replica.reserve(*again)
    await replica.confirm(again[0][0])

    with counted(replica.database) as sent:
        answers = await replica.reserve(*again, *((new_id(), {"LAMP": 1}) for _ in range(size)))

    # One more reads what those that are there already have.
    assert len(sent) == 4
    assert {answer.state for answer in answers} == {"CONFIRMED", "HELD"} or size == 1


async def test_the_last_unit_takes_five_statements_as_it_is_told_of(replica, new_id):
    await replica.receive(20)

    with counted(replica.database) as sent:
        await replica.reserve(*((new_id(), {"LAMP": 1}) for _ in range(20)))

    assert len(sent) == MOST
