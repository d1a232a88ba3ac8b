"""The whole run that is killed at every system call: from `init` to a rollback and the report."""

from pipeline.rehearsal.script import Script
from pipeline.rehearsal.scripting import edit, execute, plan, read, run_command, write
from tests.kill.scenario import PROJECT, TEST_COMMAND
from tests.kill.story import Story

STEPS: tuple[tuple[tuple[str, ...], int], ...] = (
    (("init",), 0),
    (("add", "do ISS-A", "--id", "ISS-A", "--priority", "1"), 0),
    (("add", "do ISS-B", "--id", "ISS-B"), 0),
    (("plan",), 3),
    (("approve", "SOL-ISS-A-1", "SOL-ISS-B-1"), 0),
    (("run",), 0),
    (("rollback", "SOL-ISS-B-1"), 0),
    (("report",), 0),
)
"""The commands, and what each of them ends with."""


def script() -> Script:
    """Return what both agents say."""
    return (
        plan(
            "ISS-A",
            files={"a.txt": "create"},
            tests=["grep -qx right a.txt"],
            before=[read("notes.txt"), run_command("cat README.md")],
        )
        + execute("ISS-A", edits=[write("a.txt", "wrong\n"), edit("a.txt", "wrong", "right")])
        + plan("ISS-B", files={"b.txt": "create"}, tests=["grep -qx more b.txt"])
        + execute("ISS-B", edits=[write("b.txt", "more\n")])
    )


STORY = Story(
    project=PROJECT,
    settings={"PIPELINE_TESTS_COMMAND": TEST_COMMAND},
    set_up=tuple(words for words, _ in STEPS[:3]),
    script=script,
    states={"ISS-A": "completed", "ISS-B": "failed"},
    undone=("SOL-ISS-B-1",),
)
