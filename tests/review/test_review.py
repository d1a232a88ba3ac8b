"""`pipeline review` in a real terminal: keys typed in tmux, screens and journal read back."""

import shutil
from pathlib import Path

import pytest

from pipeline.domain.plan import PlanState
from tests.review.evening import Evening, usual
from tests.review.tmux import Screen

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

SIZES = [(80, 24), (160, 50), (40, 12)]


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    return usual(tmp_path / "repo")


def test_each_key_decides_and_undo_records_nothing(evening: Evening, tmp_path: Path) -> None:
    with Screen(tmp_path, "review", "-C", str(evening.root)) as screen:
        screen.wait("1 of 4", "Read dates with a time zone", "cost ")
        screen.press("a")
        screen.wait("2 of 4", "held: approve SOL-ISS-4-1")
        assert evening.state("SOL-ISS-4-1").state is PlanState.PENDING
        screen.press("u")
        screen.wait("1 of 4", "taken back: approve SOL-ISS-4-1")
        screen.press("d")
        screen.wait("2 of 4", "held: defer SOL-ISS-4-1")
        screen.press("c")
        screen.wait("What should be different?")
        screen.type("keep the formats")
        screen.press("Enter")
        screen.wait("3 of 4", "held: request changes SOL-ISS-5-1")
        assert evening.state("SOL-ISS-4-1").deferred
        screen.press("r")
        screen.wait("Why not?")
        screen.type("not now")
        screen.press("Enter")
        screen.wait("4 of 4", "Which command is slow?")
        screen.press("w")
        screen.wait("Question 1 of 2: Which command is slow?")
        screen.type("list")
        screen.press("Enter")
        screen.wait("Question 2 of 2")
        screen.press("Enter")
        screen.wait("That was the last one.", "held: answer ISS-7#1")
        screen.press("i")
        screen.wait("no plan is shown here; p goes back, q quits")
        screen.press("q")
        assert screen.exit_code() == 0
        end = screen.text()
    for line in ("deferred SOL-ISS-4-1", "sent back SOL-ISS-5-1", "rejected SOL-ISS-6-1"):
        assert line in end
    assert evening.state("SOL-ISS-5-1").state is PlanState.DRAFTING
    assert evening.state("SOL-ISS-6-1").state_reason == "not now"
    assert evening.feedback("ISS-7") == ["Question: Which command is slow?\nAnswer: list"]
    assert "ISS-7" in evening.book.state.replan


def test_an_interruption_records_nothing_that_is_held(evening: Evening, tmp_path: Path) -> None:
    with Screen(tmp_path, "review", "-C", str(evening.root)) as screen:
        screen.wait("1 of 4", "cost ")
        screen.press("a")
        screen.wait("held: approve SOL-ISS-4-1")
        screen.press("C-c")
        assert screen.exit_code() == 0
        assert "not recorded: approve SOL-ISS-4-1 (interrupted)" in screen.text()
    assert evening.state("SOL-ISS-4-1").state is PlanState.PENDING


def test_an_approval_of_what_has_changed_meanwhile_is_not_recorded(
    evening: Evening, tmp_path: Path
) -> None:
    with Screen(tmp_path, "review", "-C", str(evening.root)) as screen:
        screen.wait("1 of 4", "cost ")
        screen.press("n")
        screen.wait("2 of 4", "runs after SOL-ISS-4-1")
        screen.press("a")
        screen.wait("held: approve SOL-ISS-5-1")
        assert evening.run("reject", "SOL-ISS-4-1", "--reason", "no")[0] == 0
        screen.press("q")
        assert screen.exit_code() == 0
        assert "what runs before SOL-ISS-5-1 is not what was shown" in " ".join(
            screen.text().split()
        )
    assert evening.state("SOL-ISS-5-1").state is PlanState.PENDING


def test_a_decision_that_changes_what_the_next_page_said_shows_that_page_again(
    evening: Evening, tmp_path: Path
) -> None:
    with Screen(tmp_path, "review", "-C", str(evening.root)) as screen:
        screen.wait("1 of 4", "cost ")
        screen.press("r")
        screen.wait("Why not?")
        screen.type("no")
        screen.press("Enter")
        screen.wait("2 of 4", "runs after SOL-ISS-4-1", "held: reject")
        screen.press("a")
        text = screen.wait("2 of 4", "what runs before SOL-ISS-5-1 is not what was shown any more")
        assert "runs after" not in text
        screen.press("a")
        screen.wait("3 of 4", "held: approve SOL-ISS-5-1")
        screen.press("q")
        assert screen.exit_code() == 0
    assert evening.state("SOL-ISS-4-1").state is PlanState.REJECTED
    assert evening.state("SOL-ISS-5-1").state is PlanState.APPROVED


@pytest.mark.parametrize("size", SIZES)
def test_what_a_title_carries_shows_harmlessly(
    evening: Evening, tmp_path: Path, size: tuple[int, int]
) -> None:
    with Screen(tmp_path, "review", "SOL-ISS-6-1", "-C", str(evening.root), size=size) as screen:
        text = screen.wait("SOL-ISS-6-1", "cost ")
        assert "Fix the elif title of the page" in text
        raw = screen.text(escapes=True)
        assert not set("\x07\u202e\u202c\u200b") & set(raw)
        assert max(len(line) for line in text.splitlines()) <= size[0]
        screen.press("q")
        assert screen.exit_code() == 0


def test_long_pages_scroll_and_the_window_may_change(evening: Evening, tmp_path: Path) -> None:
    with Screen(tmp_path, "review", "-C", str(evening.root)) as screen:
        screen.wait("1 of 4", "cost ", "more below")
        screen.press("G")
        screen.wait("the end", "may touch")
        screen.press("g")
        screen.wait("lines 1 to 21")
        screen.press("j", "j", "k")
        screen.wait("lines 2 to 22")
        screen.resize(60, 15)
        screen.wait("lines 2 to 13", "1 of 4")
        screen.resize(120, 70)
        assert "more below" not in screen.wait("may touch", "q quit")
        screen.press("i")
        screen.wait("fails with a traceback", "author")
        screen.press("i")
        screen.wait("Approach")
        screen.press("?")
        screen.wait("undo the decision that is held")
        screen.press("q")
        screen.wait("Approach")
        screen.press("q")
        assert screen.exit_code() == 0


def test_words_can_be_written_in_an_editor(evening: Evening, tmp_path: Path) -> None:
    editor = tmp_path / "editor.sh"
    editor.write_text(
        '#!/bin/sh\necho "two lines" > "$1"\necho "# mine" >> "$1"\necho of it >> "$1"\n'
    )
    editor.chmod(0o755)
    environ = {"EDITOR": str(editor), "VISUAL": ""}
    with Screen(tmp_path, "review", "-C", str(evening.root), environ=environ) as screen:
        screen.wait("1 of 4", "cost ")
        screen.press("c")
        screen.wait("What should be different?")
        screen.press("Enter")
        screen.wait("2 of 4", "held: request changes")
        screen.press("q")
        assert screen.exit_code() == 0
    assert evening.feedback("ISS-4") == ["two lines\nof it"]


@pytest.mark.parametrize(("no_color", "coloured"), [("1", False), ("", True)])
def test_without_colours_there_are_none(
    evening: Evening, tmp_path: Path, no_color: str, *, coloured: bool
) -> None:
    environ = {"NO_COLOR": no_color}
    with Screen(tmp_path, "review", "-C", str(evening.root), environ=environ) as screen:
        screen.wait("1 of 4", "cost ")
        assert ("\x1b[36m" in screen.text(escapes=True).replace("1;36", "36")) is coloured
        screen.press("q")
        assert screen.exit_code() == 0


def test_plain_is_words_and_enter(evening: Evening, tmp_path: Path) -> None:
    with Screen(tmp_path, "review", "--plain", "-C", str(evening.root), size=(100, 200)) as screen:
        screen.wait("Page 1 of 4.", "Your choice:")
        screen.type("approve")
        screen.press("Enter")
        screen.wait("Page 2 of 4.", "Held, not recorded yet: approve SOL-ISS-4-1.")
        screen.type("undo")
        screen.press("Enter")
        screen.wait("Taken back: approve SOL-ISS-4-1.")
        screen.wait_for_count("Page 1 of 4.", 2)
        screen.type("1")
        screen.press("Enter")
        screen.wait_for_count("Page 2 of 4.", 2)
        screen.type("quit")
        screen.press("Enter")
        assert "approved SOL-ISS-4-1" in screen.wait("the review has ended")
        assert screen.exit_code() == 0
        assert "\x1b[" not in screen.text(escapes=True)
    assert evening.state("SOL-ISS-4-1").state is PlanState.APPROVED


def test_without_a_terminal_one_line_says_what_to_use(evening: Evening) -> None:
    code, out, err = evening.run("review")
    assert (code, out) == (1, "")
    assert err == (
        "pipeline: review needs a terminal: use `pipeline show SOL` and `pipeline approve SOL` "
        "instead\n"
    )
