import asyncio

from chassis.pace import Pace
from tests.simulation.virtual_time import run_virtually


def begun_at(pauses, *, seconds):
    """
    Return when a loop begins whose turns take so long as *pauses* say.
    """

    async def turns():
        pace, began = Pace(seconds), []
        for pause in pauses:
            await pace.keep()
            began.append(round(asyncio.get_running_loop().time(), 3))
            await asyncio.sleep(pause)
        return began

    return run_virtually(turns())


def test_a_busy_loop_begins_no_more_often_than_it_may():
    assert begun_at([0, 0, 0.01], seconds=0.03) == [0, 0.03, 0.06]


def test_a_loop_that_was_at_it_for_long_begins_at_once():
    assert begun_at([0.05, 1, 0], seconds=0.03) == [0, 0.05, 1.05]
