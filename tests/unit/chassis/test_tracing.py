from uuid import UUID

from chassis.telemetry.tracing import (
    item_spans,
    item_traces,
    pack_items,
    trace_for,
    trace_id_of,
    unpack_items,
)

STORY = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = STORY[:-2] + "00"


def test_item_traces_survive_the_metadata():
    traces = {UUID(int=1): STORY, UUID(int=2): STORY.replace("b7ad", "c8be")}

    assert unpack_items(pack_items(traces)) == traces


def test_malformed_item_traces_are_left_out():
    assert unpack_items(pack_items({UUID(int=1): STORY})[:-1]) == {}


def test_what_works_on_an_item_elsewhere_does_not_tear_its_story_apart():
    assert trace_for(UUID(int=1), STORY) == STORY


def test_only_a_sampled_trace_is_worth_naming():
    assert trace_id_of(STORY) == "0af7651916cd43dd8448eb211c80319c"
    assert trace_id_of(UNSAMPLED) == ""
    assert trace_id_of("") == ""


def test_a_batch_without_sampled_items_costs_no_spans():
    with item_spans("work", {UUID(int=1): UNSAMPLED, UUID(int=2): ""}):
        assert item_traces() == {}
