"""Characters: what they leave to chance, they decide the same way in every life."""

from collections import Counter

import pytest

from deploy.providers.carrier import ARRIVES, Manners, story_of
from deploy.providers.character import Character, Delay, Habits
from deploy.providers.file import Rejects
from deploy.providers.parcels import Parcel, standing_of
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb

LOSSY = Habits(loses=0.2, sends_back=0.1, never_moves=0.1, says_delivered=0.1)
IDS = [f"parcel-{number}" for number in range(400)]


def someone(**more):
    return Character(**{"id": "ace", "name": "Ace", "habits": LOSSY} | more)


def work_of(units, **more):
    return pb.FulfillmentOrder(
        **{
            "fulfillment_order_id": "00000000-0000-0000-0000-000000000001",
            "lines": [pb.FulfillmentLine(sku="A", quantity=units)],
        }
        | more
    )


def test_the_same_character_decides_the_same_way_in_another_life():
    first, second = someone(), someone()

    assert [first.fate_of(id_) for id_ in IDS] == [second.fate_of(id_) for id_ in IDS]
    assert [first.does("ignore", 0.5, i) for i in IDS] == [
        second.does("ignore", 0.5, i) for i in IDS
    ]


def test_another_seed_or_another_provider_decides_otherwise():
    fates = [someone().fate_of(id_) for id_ in IDS]

    assert fates != [someone(seed=2).fate_of(id_) for id_ in IDS]
    assert fates != [someone(id="bee").fate_of(id_) for id_ in IDS]


def test_shares_come_to_about_what_they_say():
    fates = Counter(someone().fate_of(id_) for id_ in IDS)

    assert set(fates) == {"arrives", "lost", "sent back", "never moves", "said to arrive"}
    assert 160 < fates["arrives"] < 240
    assert 50 < fates["lost"] < 110


@pytest.mark.parametrize(("share", "fate"), [(0.0, "arrives"), (1.0, "lost")])
def test_none_and_all_leave_nothing_to_chance(share, fate):
    habits = Habits(loses=share)

    assert {someone(habits=habits).fate_of(id_) for id_ in IDS} == {fate}


def test_a_delay_lies_within_its_spread_and_is_the_same_again():
    delay = Delay(after_ms=100, spread_ms=50)

    seconds = [delay.seconds(id_) for id_ in IDS]

    assert seconds == [delay.seconds(id_) for id_ in IDS]
    assert 0.1 <= min(seconds) < max(seconds) < 0.15


@pytest.mark.parametrize(
    ("rejects", "units", "rejected"),
    [
        (Rejects(), 5, False),
        (Rejects(more_units_than=4), 4, False),
        (Rejects(more_units_than=4), 5, True),
        (Rejects(countries=("FJ",)), 1, True),
        (Rejects(countries=("NZ",)), 1, False),
        (Rejects(share=1.0), 1, True),
    ],
)
def test_the_picky_say_why(rejects, units, rejected):
    work = pb.OfferedWork(fulfillment_order=work_of(units, ship_to={"country_code": "FJ"}))

    assert rejects.reason_for(work, 0) == ("no vans today" if rejected else "")


def test_work_is_taken_up_where_it_stands():
    packed, left, arrived = (
        Parcel(work_of(9).fulfillment_order_id, number, ()).id for number in (0, 1, 2)
    )
    work = work_of(
        9,
        shipments=[
            pb.Shipment(shipment_id=packed, state=pb.SHIPMENT_STATE_PACKED),
            pb.Shipment(
                shipment_id=left,
                state=pb.SHIPMENT_STATE_DISPATCHED,
                dispatch_time={"seconds": 5},
            ),
            pb.Shipment(shipment_id=arrived, state=pb.SHIPMENT_STATE_DELIVERED),
        ],
    )

    standing = standing_of(work, 4)

    assert [parcel.number for parcel in standing.to_pack] == [3]
    assert [parcel.id for parcel in standing.to_dispatch] == [packed]
    assert [(p.id, p.dispatched_at) for p in standing.under_way] == [(left, 5_000_000)]


def test_a_carrier_tells_some_things_twice_and_late_and_always_the_same():
    manners = Manners(step_ms=10, doubles=0.5, delays=0.5, late_ms=1000)
    stories = [
        story_of(Parcel(f"work-{n}", 0, (), 1_000_000), ARRIVES, manners, 1) for n in range(50)
    ]

    for story in stories:
        assert {event.state for _, event in story} == set(ARRIVES)
    assert any(len(story) > len(ARRIVES) for story in stories)
    assert any([s for s, _ in story] != sorted(s for s, _ in story) for story in stories)
    again = story_of(Parcel("work-0", 0, (), 1_000_000), ARRIVES, manners, 1)
    assert again == stories[0]


def test_one_event_told_twice_is_one_event():
    story = story_of(Parcel("work", 0, (), 1_000_000), ARRIVES, Manners(doubles=1.0), 1)

    by_id = {event.event_id: event for _, event in story}
    assert len(story) == 2 * len(by_id)
    assert all(by_id[event.event_id] == event for _, event in story)
