"""Text of others in what a person reads: nothing invisible, nothing hidden, nothing that steers."""

import json
import re
from pathlib import Path

from pipeline.rehearsal.script import Script
from pipeline.rehearsal.scripting import (
    execute,
    needs_clarification,
    plan,
    run_command,
    turn,
    write,
)
from tests.e2e.night import Night

NASTY = "do \x1b[31mred\x1b[0m \u202eevil\u200b <!-- hidden --> ![x](http://a)"
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\u200b-\u200f]")


def script() -> Script:
    """Return one plan whose every word is nasty and whose work fails, and one nasty question."""
    planned = plan(
        "ISS-1",
        files={"work/a.txt": "create"},
        tests=["false"],
        title=NASTY,
        goal=NASTY,
    )
    asked = turn("planner", "ISS-2", needs_clarification(NASTY))
    edits = [write("work/a.txt", "x"), run_command(f"echo {NASTY!r}")]
    return planned + asked + execute("ISS-1", edits=edits)


def test_nothing_invisible_is_shown_and_nothing_is_hidden(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", script()) as night:
        backlog = tmp_path / "backlog.jsonl"
        rows = [{"id": name, "title": NASTY, "description": NASTY} for name in ("ISS-1", "ISS-2")]
        backlog.write_text("\n".join(map(json.dumps, rows)))
        typed = [
            ("import", "--jsonl", str(backlog)),
            ("plan",),
            ("show", "SOL-ISS-1-1"),
            ("show", "SOL-ISS-1-1", "--format", "md"),
            ("approve", "SOL-ISS-1-1"),
            ("run",),
            ("status",),
            ("issues",),
            ("report",),
        ]
        for words in typed:
            ended = night.run(*words)
            assert ended.code != 70, ended.err
            assert not INVISIBLE.search(ended.out + ended.err), words

        folder = night.root / ".workflow"
        written = [*folder.glob("plans/*.md"), folder / "report.md", folder / "report.json"]
        assert len(written) == 3
        for path in written:
            assert not INVISIBLE.search(path.read_text()), path.name
        report = (folder / "report.md").read_text()
        assert "&lt;!-- hidden" in report
        assert "<!--" not in report
        assert "![x]" not in report
