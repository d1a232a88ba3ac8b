"""Tables in terminals: columns are as wide as their ids, and titles are what is cut."""

import pytest

from pipeline.cli.output import print_table

LONG = "PLATFORM-2026-1042"
TITLE = "a title that is longer than any terminal of this width has room for beside its issue"
HEAD = ("ISSUE", "STATE", "PLAN", "TITLE")
ROWS = [
    ("ISS-1", "planned", "SOL-ISS-1-1", "short"),
    (LONG, "registered", f"SOL-{LONG}-1", TITLE),
]


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_ids_are_whole_and_titles_are_cut_where_the_terminal_ends(
    capsys: pytest.CaptureFixture[str], width: int
) -> None:
    print_table(HEAD, ROWS, width=width)
    lines = capsys.readouterr().out.splitlines()

    assert max(map(len, lines)) <= width
    for name in (LONG, f"SOL-{LONG}-1", "ISS-1", "short"):
        assert sum(name in line for line in lines) >= 1
    assert len({line.index(word) for line in lines for word in ("SOL-",) if word in line}) == 1


def test_what_has_no_room_beside_the_ids_goes_below_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(HEAD, ROWS, width=70)
    assert capsys.readouterr().out.splitlines()[2:4] == [
        "ISS-1               planned     SOL-ISS-1-1",
        "    short",
    ]


def test_a_table_whose_last_column_is_short_stays_in_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(("RUN", "TASK"), [("x" * 70, "T1")], width=80)
    assert capsys.readouterr().out.splitlines()[1] == f"{'x' * 70}  T1"
