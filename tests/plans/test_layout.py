import pytest

from pipeline.domain.plan import Budget
from pipeline.plans.cost import Cost, predicted_cost
from pipeline.plans.layout import Block, cells, cut, layout


def rows(*blocks: Block, width: int = 20) -> list[str]:
    return [row.text for row in layout(blocks, width)]


def test_text_is_wrapped_and_keeps_its_own_line_ends() -> None:
    assert rows(Block("one two three four five\n\nsix", "- ", "  ")) == [
        "- one two three four",
        "  five",
        "",
        "  six",
    ]


def test_a_verbatim_line_is_never_wrapped() -> None:
    long = "python -m pytest " * 5
    assert rows(Block(long, "$ ", verbatim=True)) == [f"$ {long}".rstrip()]


def test_rows_are_made_as_they_are_asked_for() -> None:
    made = layout([Block("word " * 2_000_000)], 20)
    assert next(made).text == "word word word word"


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("a日", 3), ("", 0)]
)
def test_width_is_counted_in_cells(text: str, width: int) -> None:
    assert cells(text) == width


def test_a_cut_loses_nothing() -> None:
    text, parts = "日本語 abc" * 9, []
    rest = text
    while rest:
        part, rest = cut(rest, 10)
        assert cells(part) <= 10
        parts.append(part)
    assert "".join(parts) == text


def test_a_cost_without_history_is_the_cap() -> None:
    assert predicted_cost([], Budget()) == (
        "no history yet: nothing has landed here; stopped at 100,000 tokens or 30 minutes"
    )


def test_a_cost_is_the_middle_of_what_landed_and_its_span() -> None:
    known = [Cost(1_234, 0.1, 2), Cost(5_678, 0.2, 4), Cost(91_011, 3.0, 60)]
    assert predicted_cost(known, Budget(), 1.5) == (
        "about 5,700 tokens, $0.20, 4 min (3 landed here, 1,200 to 91,000); "
        "stopped at 100,000 tokens ($1.50 if all were output) or 30 minutes"
    )
