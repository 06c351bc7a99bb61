import asyncio

import pytest

from chassis.gather import Gathered, together


async def test_callers_that_come_during_a_batch_share_the_next_one():
    batches = []

    async def double(numbers):
        batches.append(list(numbers))
        await asyncio.sleep(0.01)
        return [2 * number for number in numbers]

    gathered = Gathered(double, lanes=1)

    answers = await asyncio.gather(*(gathered(number) for number in range(10)))

    assert answers == [2 * number for number in range(10)]
    assert [len(batch) for batch in batches] == [1, 9] or [len(b) for b in batches] == [10]


async def test_a_batch_is_never_larger_than_allowed():
    sizes = []

    async def count(items):
        sizes.append(len(items))
        await asyncio.sleep(0)
        return items

    gathered = Gathered(count, most=4, lanes=1)

    await asyncio.gather(*(gathered(number) for number in range(10)))

    assert max(sizes) <= 4
    assert sum(sizes) == 10


async def test_an_answer_that_is_an_exception_is_raised_to_its_caller_only():
    async def check(numbers):
        return [ValueError("odd") if number % 2 else number for number in numbers]

    gathered = Gathered(check)

    answers = await asyncio.gather(*(gathered(n) for n in range(4)), return_exceptions=True)

    assert [isinstance(answer, ValueError) for answer in answers] == [False, True, False, True]


async def test_a_batch_that_fails_fails_for_every_caller_and_the_next_one_works():
    failing = True

    async def work(items):
        if failing:
            raise OSError("database away")
        return items

    gathered = Gathered(work)
    with pytest.raises(OSError, match="away"):
        await gathered(1)
    failing = False

    assert await gathered(2) == 2


async def test_one_bad_entry_harms_no_other():
    async def check(numbers):
        if 3 in numbers:
            raise ValueError("three")
        await asyncio.sleep(0)
        return numbers

    gathered = Gathered(check)

    answers = await asyncio.gather(*(gathered(n) for n in range(6)), return_exceptions=True)

    assert [isinstance(answer, ValueError) for answer in answers] == [n == 3 for n in range(6)]


async def test_an_answer_too_few_is_an_error_for_all_and_no_end():
    async def forget(numbers):
        return numbers[1:]

    gathered = Gathered(forget)

    for _ in range(2):
        with pytest.raises(RuntimeError):
            await gathered(1)


async def test_a_caller_that_leaves_takes_nobody_along():
    async def slow(items):
        await asyncio.sleep(0.02)
        return items

    gathered = Gathered(slow, lanes=1)
    staying, leaving = (asyncio.ensure_future(gathered(number)) for number in (1, 2))
    await asyncio.sleep(0)
    leaving.cancel()

    assert await staying == 1


async def test_a_batch_holds_as_much_as_fits_and_one_item_at_least():
    batches = []

    async def note(items):
        batches.append(items)
        await asyncio.sleep(0)
        return items

    gathered = Gathered(note, most=10, size=len)

    await asyncio.gather(*(gathered("x" * size) for size in (1, 4, 6, 1, 99, 2)))

    assert [[len(item) for item in batch] for batch in batches] == [[1, 4], [6, 1], [99], [2]]


async def test_a_second_lane_opens_for_a_full_batch_only():
    at_work, most_at_work = 0, []

    async def work(items):
        nonlocal at_work
        at_work += 1
        most_at_work.append(at_work)
        await asyncio.sleep(0.01)
        at_work -= 1
        return items

    gathered = Gathered(work, most=4, lanes=2)

    await asyncio.gather(*(gathered(number) for number in range(4)))
    assert max(most_at_work) == 1
    await asyncio.gather(*(gathered(number) for number in range(9)))
    assert max(most_at_work) == 2


async def test_batches_are_answered_together_and_each_gets_its_own():
    asked = []

    async def double(numbers):
        asked.append(numbers)
        return [2 * number for number in numbers]

    assert await together(double)([[1, 2], [], [3]]) == [[2, 4], [], [6]]
    assert asked == [[1, 2, 3]]


async def test_a_batch_may_wait_some_rounds_for_those_who_are_about_to_call():
    sizes = {}
    for yields in (0, 3):
        batches = []

        async def run(batch, batches=batches):
            batches.append(len(batch))
            return batch

        gathered = Gathered(run, yields=yields)

        async def call_later(gathered=gathered):
            await asyncio.sleep(0)
            return await gathered(2)

        assert await asyncio.gather(gathered(1), call_later()) == [1, 2]
        sizes[yields] = batches

    assert sizes == {0: [1, 1], 3: [2]}


async def test_of_two_lanes_that_wait_for_the_same_calls_one_runs_them():
    sizes, first_ends = [], asyncio.Event()

    async def work(items):
        sizes.append(len(items))
        await first_ends.wait()
        return items

    gathered = Gathered(work, most=4, lanes=2, yields=5)
    first = asyncio.create_task(gathered(0))
    while not sizes:
        await asyncio.sleep(0)
    # A full batch opens a second lane; while that one still waits for more, the first is free.
    others = [asyncio.create_task(gathered(number)) for number in range(4)]
    await asyncio.sleep(0)
    first_ends.set()
    await asyncio.gather(first, *others)

    assert sizes == [1, 4]
    assert await gathered(5) == 5
