import pytest

from services.order.application.order_saga import FIRST_STEP


def test_every_step_names_what_takes_it_back_or_says_why_nothing_has_to_be(world):
    steps = {step.name: step for step in world.saga.steps()}

    for step in steps.values():
        assert bool(step.undone_by) != bool(step.lasting), step.name
        assert step.undone_by in {"", *steps}, step.name


def test_every_step_says_whom_it_asks(world):
    assert all(step.asks for step in world.saga.steps())


def test_what_takes_back_needs_no_taking_back(world):
    steps = {step.name: step for step in world.saga.steps()}

    undoing = {step.undone_by for step in steps.values() if step.undone_by}
    assert all(steps[name].lasting for name in undoing)


@pytest.mark.parametrize("name", [FIRST_STEP, "authorize_payment", "confirm_reservation"])
def test_stock_and_money_cannot_be_had_by_skipping(world, name):
    (step,) = (step for step in world.saga.steps() if step.name == name)

    assert step.skip is None
