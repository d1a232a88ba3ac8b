"""A night that stands still where somebody wants to look: models that answer when they may."""

import threading

from pipeline.rehearsal.faults import Fault
from pipeline.rehearsal.script import Script
from pipeline.rehearsal.scripting import (
    PASSES,
    any_issue,
    execute,
    finish_task,
    plan,
    read,
    run_command,
    task,
    write,
)
from pipeline.rehearsal.view import RequestView
from tests.e2e.night import Night

Call = tuple[str, str, int]
"""Agent, issue, and which call of the turn (0 is its first)."""

PATIENCE_S = 60
HIDDEN = "\x1b[31m\u202e"
"""What the title of a plan holds besides its words."""


class Held:
    """Weather in which some calls wait until they are let go, and a quota may be used up."""

    def __init__(self, *calls: Call, quota: Call | None = None) -> None:
        self._gates = {call: threading.Event() for call in calls}
        self._quota = quota

    def __call__(self, view: RequestView) -> Fault | None:
        """Hold the call while its gate is closed."""
        call = (view.agent, view.issue_id, view.call)
        if call in self._gates:
            assert self._gates[call].wait(PATIENCE_S), f"nobody let {call} go"
        if call == self._quota:
            self._quota = None
            return Fault("status", status=429, headers={"retry-after": "8040"})
        return None

    def let_go(self, call: Call) -> None:
        """Let a call be answered."""
        self._gates[call].set()


THINKS: Call = ("planner", "ISS-2", 1)
WORKS: Call = ("executor", "ISS-1", 2)
SPENT: Call = ("executor", "ISS-3", 1)

TITLES = {
    "ISS-1": "Read dates with a time zone",
    "ISS-2": "Count words without their punctuation",
    "ISS-3": "Say in which line of the input the first word that cannot be counted stands",
}


def script() -> Script:
    """Return what the agents do."""
    tests = [PASSES]
    parse = task("T1", files={"dates.py": "create"}, title="Parse the offset", tests=tests)
    show = task("T2", files={"show.py": "create"}, title="Show it", tests=tests)
    edits = [write("dates.py", "ZONE = 1\n"), finish_task("T1"), write("show.py", "ZONE = 1\n")]
    looks = [read("app.py"), run_command("git log --oneline")]
    return (
        plan("ISS-1", tasks=[parse, show], title=f"Read dates{HIDDEN} with a time zone")
        + execute("ISS-1", edits=edits, finish=["T2"])
        + plan("ISS-2", files={"work/ISS-2.txt": "create"}, before=looks)
        + any_issue()
    )


def fill(night: Night) -> None:
    """Put the issues into the backlog."""
    for issue_id, title in TITLES.items():
        assert night.run("add", title, "--id", issue_id).code == 0
