"""The live view on a real terminal, and the same from another process."""

import io
import os
import pty
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline.cli.painter import Painter, may_paint
from pipeline.plans.layout import Row
from tests.docs.pages import ROOT, page
from tests.e2e.night import Night
from tests.observe.watched import HIDDEN, THINKS, Held, fill, script
from tests.review.tmux import Screen

CAPTURES = sorted((ROOT / "docs" / "captures" / "watching").glob("*.txt"))
SIZES = {"narrow": 80, "wide": 160, "plain": 1000}
TERMINAL = {"TERM": "xterm-256color"}


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_a_run_is_watched_resized_interrupted_and_leaves_the_terminal_clean(
    tmp_path: Path,
) -> None:
    held = Held(THINKS)
    with Night(tmp_path / "repo", script(), faults=held) as night:
        fill(night)
        words = ("plan", "-C", str(night.root))
        environ = night.settings() | {"CI": "", "NO_COLOR": "1"}
        with Screen(tmp_path, *words, environ=environ) as screen:
            shown = screen.wait("planner   ISS-2", "(call 2): thinks", "1 plan waits for you")
            screen.resize(40, 20)
            narrow = screen.wait("Count words w", "…\n", "(call 2): thinks")
            coloured = screen.text(escapes=True)
            line, document = watched_elsewhere(night), night.run("status", "--json").json
            plain = night.run("status").out
            screen.press("C-c")
            held.let_go(THINKS)
            assert screen.exit_code() == 130
            left = screen.text()

    assert not set(shown + narrow) & {HIDDEN[0], HIDDEN[-1]}
    assert not re.search(r"\x1b\[3[0-8]", coloured)
    assert "planner ISS-2: thinks" in line
    assert isinstance(document, dict)
    assert document["now"]["turns"]["planner"]["call"] == 2
    assert document["phase"] == "planning"
    assert [part["verb"] for part in document["left"]] == ["plan"]
    assert "(call 2): thinks" in plain
    assert "thinks" not in left
    assert "interrupted; `pipeline run` carries on" in " ".join(left.split())


def watched_elsewhere(night: Night) -> str:
    """Return the first line of `status --watch`, which ends well when it is told to."""
    with subprocess.Popen(night.words("status", "--watch"), stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        line = other.stdout.readline().decode()
        other.send_signal(signal.SIGINT)
        other.communicate()
    assert other.returncode == 0
    return line


@pytest.mark.parametrize(
    ("environ", "paints"),
    [
        (TERMINAL, True),
        (TERMINAL | {"NO_COLOR": "1"}, True),
        (TERMINAL | {"CI": "true"}, False),
        ({"TERM": "dumb"}, False),
        ({}, False),
    ],
)
def test_rows_are_written_over_only_where_that_can_be_seen(
    environ: Mapping[str, str], paints: bool
) -> None:
    ends = pty.openpty()
    with os.fdopen(ends[1], "w") as terminal:
        assert may_paint(terminal, environ) is paints
        assert not may_paint(io.StringIO(), environ)
    os.close(ends[0])


def test_rows_are_written_over_in_place_also_where_the_terminal_has_wrapped_them() -> None:
    stream, size = io.StringIO(), [80, 24]
    painter = Painter(stream, lambda: (size[0], size[1]), coloured=False)
    painter.paint([Row("a" * 60), Row("b", "warn")])
    size[0] = 40
    begin = len(stream.getvalue())
    painter.paint([Row("c"), Row("d")], above=["it landed"])

    again = stream.getvalue()[begin:]
    assert again.startswith("\x1b[?2026h\x1b[3A\r\x1b[J")
    assert "it landed\x1b[K\nc\x1b[K\nd\x1b[K\n" in again
    assert "\x1b[3" not in again.replace("\x1b[3A", "")


@pytest.mark.parametrize("capture", CAPTURES, ids=[one.stem for one in CAPTURES])
def test_a_capture_is_plain_text_of_its_width(capture: Path) -> None:
    rows = capture.read_text().rstrip("\n").split("\n")

    assert all(row.isprintable() for row in rows)
    assert max(map(len, rows)) <= SIZES[capture.stem.rpartition("-")[2]]
    if f"<!-- capture {capture.stem} -->" in page("docs/watching.md").text:
        shown = "\n".join(f"    {row}".rstrip() for row in rows)
        assert f"<!-- capture {capture.stem} -->\n\n{shown}\n" in page("docs/watching.md").text


def test_both_sizes_of_every_moment_are_kept() -> None:
    moments = {one.stem.rpartition("-")[0] for one in CAPTURES if one.stem != "plain"}

    assert moments == {"planning", "gate", "executing", "status", "quota", "stopped", "end"}
    assert len(CAPTURES) == 2 * len(moments) + 1
