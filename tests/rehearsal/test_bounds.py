"""No answer is longer than its request allows."""

import pytest

from pipeline.rehearsal.bounds import within
from pipeline.rehearsal.script import ReplySpec
from pipeline.rehearsal.scripting import read

LONG = ReplySpec(thinking="t" * 40_000, text="w" * 40_000, tool_calls=(read("a.txt"),))


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "max_output_tokens"])
def test_a_long_answer_is_cut_off_and_calls_nothing(name: str) -> None:
    cut = within(LONG, {name: 9_000})
    assert (cut.stop, cut.tool_calls) == ("truncated", ())
    assert len(cut.thinking) + len(cut.text) <= 9_000 * 4


@pytest.mark.parametrize("body", [{}, {"max_tokens": 30_000}])
def test_an_answer_that_fits_stays_as_it_is(body: dict[str, int]) -> None:
    assert within(LONG, body) is LONG
