"""What steps carry, on the pages of a review; and how often changes can be requested there."""

import contextlib
import os
import pty
import shutil
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from pipeline.domain.plan import PlanState
from pipeline.domain.solution import Step, StepType, Task
from tests.review.evening import Evening, change
from tests.review.tmux import Screen

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

TALL = (90, 60)
SECRET = "return parsed(text)"


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    evening = Evening(tmp_path / "repo")
    step = Step(
        type=StepType.MODIFY_FILE,
        target="src/dates.py",
        content=f"    {SECRET}\n",
        line_range=(2, 2),
    )
    files = (change("src/dates.py", "modify", "parses"),)
    evening.plan("ISS-1", "Read dates", Task(id="T1", title="parse", files=files, steps=(step,)))
    evening.plan("ISS-2", "Another", files=("src/cli.py",))
    return evening


def settings(evening: Evening, text: str) -> None:
    evening.places.user_config.parent.mkdir(parents=True, exist_ok=True)
    evening.places.user_config.write_text(text)


def test_a_page_shows_what_would_change(evening: Evening, tmp_path: Path) -> None:
    with Screen(tmp_path, "review", "-C", str(evening.root), size=TALL) as screen:
        page = screen.wait("1 of 2", "cost ", f"+    {SECRET}")
        assert "| -    return text" in page
        assert "| @@ -1,2 +1,2 @@" in page
        screen.press("q")
        assert screen.exit_code() == 0


@pytest.mark.parametrize("words", [[], ["--plain"]])
def test_locked_content_is_on_no_page(evening: Evening, tmp_path: Path, words: list[str]) -> None:
    settings(evening, "[policy]\nlock_previews = true\n")
    with Screen(tmp_path, "review", *words, "-C", str(evening.root), size=TALL) as screen:
        page = screen.wait("cost ", "content locked until approved: 1 line")
        assert SECRET not in page
        if words:
            screen.type("quit")
            screen.press("Enter")
        else:
            screen.press("a")
            screen.wait("2 of 2", "held: approve SOL-ISS-1-1")
            screen.press("q")
        assert screen.exit_code() == 0
    if not words:
        assert evening.state("SOL-ISS-1-1").state is PlanState.APPROVED
        assert SECRET in evening.run("show", "SOL-ISS-1-1")[1]


def test_after_the_last_round_c_says_what_is_left(evening: Evening, tmp_path: Path) -> None:
    settings(evening, "[gate]\nchange_rounds = 0\n")
    with Screen(tmp_path, "review", "-C", str(evening.root), size=(160, 40)) as screen:
        screen.wait("1 of 2", "cost ")
        screen.press("c")
        screen.wait("requested 0 of 0 times: `pipeline edit SOL-ISS-1-1` writes it yourself")
        screen.press("q")
        assert screen.exit_code() == 0
    assert evening.state("SOL-ISS-1-1").state is PlanState.PENDING


def test_locked_content_is_not_even_painted_first(evening: Evening) -> None:
    settings(evening, "[policy]\nlock_previews = true\n")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, TALL[::-1])
    words = [sys.executable, "-m", "pipeline", "review", "-C", str(evening.root)]
    environ = os.environ | {"TERM": "xterm"}
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=environ) as review:
        os.close(theirs)
        painted = b""
        while b"lines" not in painted and b"q quit" not in painted:
            painted += os.read(ours, 65536)
        os.write(ours, b"q")
        with contextlib.suppress(OSError):  # how Linux says that the other end is closed
            while piece := os.read(ours, 65536):
                painted += piece
    os.close(ours)
    assert review.returncode == 0
    assert b"looking at cost, conflicts and drift" in painted
    assert b"content locked until approved" in painted
    assert SECRET.encode() not in painted
