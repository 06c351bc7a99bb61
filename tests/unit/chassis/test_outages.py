import pytest

from chassis.outages import in_words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError("payment is away"), "OSError: payment is away"),
        (TimeoutError(), "TimeoutError"),
        (ValueError("one\ntwo\n\tthree"), "ValueError: one two three"),
        # PostgreSQL stores no such character, and it is noted on a saga.
        (ValueError("a\0b"), "ValueError: a\\0b"),
    ],
)
def test_an_error_is_told_in_one_line_that_any_database_takes(error, words):
    assert in_words(error) == words
