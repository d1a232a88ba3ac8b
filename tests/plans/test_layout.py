import pytest

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
