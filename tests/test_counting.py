"""Numbers with their nouns, as people say them."""

import pytest

from pipeline.domain.counting import counted, plural
from pipeline.store.balance import Caps, balance, in_words
from pipeline.store.bill import Bill


@pytest.mark.parametrize(
    ("number", "words", "said"),
    [
        (0, ("file",), "0 files"),
        (1, ("file",), "1 file"),
        (1.0, ("minute",), "1 minute"),
        (0.5, ("minute",), "0.5 minutes"),
        (1_200, ("token",), "1,200 tokens"),
        (1, ("plan waits", "plans wait"), "1 plan waits"),
        (2, ("plan waits", "plans wait"), "2 plans wait"),
    ],
)
def test_one_is_one_and_everything_else_is_several(
    number: float, words: tuple[str, ...], said: str
) -> None:
    assert counted(number, *words) == said
    assert said.endswith(plural(number, *words))


def test_what_is_spent_is_counted_by_the_cap_where_there_is_one() -> None:
    (said,) = in_words(balance(Bill(), Caps(minutes=1, tokens=1), "2026-11-21"))

    assert "0 of 1 token (1 left), 0 of 1 minute (1 left)" in said
