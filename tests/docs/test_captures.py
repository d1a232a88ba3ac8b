"""What the docs show of screens is what the scripts beside them took, and what a run says now."""

from pathlib import Path

import pytest

from docs.make_captures import MARK
from docs.settled import settled
from docs.watching_captures import lines
from tests.surroundings import own_surroundings

DOCS = Path(__file__).parents[2] / "docs"
CAPTURES = DOCS / "captures"
PAGES = {"watching.md": CAPTURES / "watching", "review.md": CAPTURES}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_captures_as_they_were_taken(name: str) -> None:
    page = (DOCS / name).read_text()
    marks = list(MARK.finditer(page))
    assert len(marks) == page.count("<!-- capture ") > 0

    for mark in marks:
        taken = (PAGES[name] / f"{mark[2]}.txt").read_text().rstrip("\n").split("\n")
        shown = mark[0].removeprefix(mark[1]).strip("\n").split("\n")
        assert [line.removeprefix("    ") for line in shown] == taken


@pytest.mark.parametrize("moment", ["planning-*", "gate-*", "plain"])
def test_captures_hold_nothing_of_the_night_on_which_they_were_taken(moment: str) -> None:
    taken = list(PAGES["watching.md"].glob(f"{moment}.txt"))
    assert taken
    for path in taken:
        text = path.read_text()
        assert settled({moment: text}) == {moment: text}


def test_a_run_says_in_plain_lines_what_the_page_shows(tmp_path: Path) -> None:
    with own_surroundings(tmp_path / "user"):
        assert lines(tmp_path) == (PAGES["watching.md"] / "plain.txt").read_text()
