"""The story that is killed: four issues from a backlog to landed commits.

ISS-A runs out of quota, then fails its task's test once; ISS-B depends on it and changes its file;
ISS-C is rejected; after two solutions there is a checkpoint; the plan of ISS-D is removed by hand,
the first attempt at the next one fails for good, and a person asks for another.
"""

from dataclasses import dataclass
from typing import Literal

from pipeline.rehearsal.faults import Fault, rate_limited
from pipeline.rehearsal.script import Script
from pipeline.rehearsal.scripting import edit, execute, finish_task, plan, read, run_command, write
from tests.kill.story import Story

PROJECT = {
    "README.md": "# A small project\n",
    "notes.txt": "one\n",
    "check.sh": "grep -q one notes.txt\n",
}
TEST_COMMAND = "sh check.sh"
SETTINGS = {"PIPELINE_TESTS_COMMAND": TEST_COMMAND, "PIPELINE_GATE_CHECKPOINT_EVERY": "2"}
"""What is set in the environment of every command."""

ISSUES: dict[str, tuple[str, ...]] = {
    "ISS-A": ("--priority", "1"),
    "ISS-B": ("--depends-on", "ISS-A"),
    "ISS-C": (),
    "ISS-D": ("--priority", "5"),
}
"""Issue id -> further words of `pipeline add`."""

Phase = Literal["init", "plan", "gate", "execute"]

EDIT = "edit"
"""Not a command: a person's hand on planning-results.json."""


@dataclass(frozen=True)
class Step:
    """One command of the story, the phase it belongs to, and what it ends with."""

    phase: Phase
    words: tuple[str, ...]
    code: int = 0
    faults: tuple[Fault, ...] = ()
    """What goes wrong at the models meanwhile."""


SET_UP = (
    Step("init", ("init",)),
    *(
        Step("init", ("add", f"do {name}", "--id", name, *options))
        for name, options in ISSUES.items()
    ),
)
OUT_OF_QUOTA = rate_limited(3600, agent="executor", issue="ISS-A", call=1, times=2)

STEPS = (
    *SET_UP,
    Step("plan", ("plan",), 3),
    Step("gate", (EDIT,)),
    Step("gate", ("approve", "SOL-ISS-A-1", "SOL-ISS-B-1")),
    Step("gate", ("reject", "SOL-ISS-C-1")),
    Step("plan", ("plan",), 3),
    Step("gate", ("approve", "SOL-ISS-D-2")),
    Step("execute", ("run",), 75, (OUT_OF_QUOTA,)),
    Step("execute", ("run",), 3),
    Step("gate", ("confirm",)),
    Step("execute", ("run",), 4),
    Step("gate", ("retry", "ISS-D")),
    Step("execute", ("run",)),
)
"""The whole story; each command of it is killed at every point."""

NEVER_HERE = frozenset(
    {
        *("ledger_folded", "documents_adopted", "execution_refused"),
        *("turn_compacted", "cache_fell"),
        *("run_paused", "run_continued", "run_stopped"),
        *("rollback_begun", "rolled_back", "rollback_dropped"),
    }
)
"""Kinds of lines that the story has not: 40 issues, a lost journal, a plan named in vain, a turn
that is too long, a cache that fails, a person who pauses or stops it; and rollbacks, which are
killed at each of their points in
`tests/execution/test_rollback.py`."""

STATES = {"ISS-A": "completed", "ISS-B": "completed", "ISS-C": "parked", "ISS-D": "completed"}
"""Where it ends."""


def script() -> Script:
    """Return what both agents say; the same request always gets the same answer."""
    return (
        plan(
            "ISS-A",
            files={"a.txt": "create"},
            tests=["grep -qx right a.txt"],
            before=[read("notes.txt"), run_command("cat README.md")],
        )
        + execute(
            "ISS-A",
            edits=[write("a.txt", "wrong\n"), finish_task("T1"), write("a.txt", "right\n")],
        )
        + plan("ISS-B", files={"a.txt": "modify"}, tests=["grep -qx more a.txt"])
        + execute("ISS-B", edits=[edit("a.txt", "right\n", "right\nmore\n")])
        + plan("ISS-C", files={"c.txt": "create"})
        + plan("ISS-D", files={"d.txt": "create"})
        + execute(
            "ISS-D",
            edits=[write("d.txt", "half\n")],
            finish=(),
            number=1,
            status="failed",
            tests_passed=False,
            reason="There is no way to do it.",
        )
        + execute("ISS-D", edits=[write("d.txt", "whole\n")])
    )


STORY = Story(
    project=PROJECT,
    settings=SETTINGS,
    set_up=tuple(step.words for step in SET_UP),
    script=script,
    states=STATES,
    refused="SOL-ISS-C-",
    retried="ISS-D",
)
