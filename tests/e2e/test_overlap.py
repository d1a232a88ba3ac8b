"""`run --overlap`: issues are planned while approved plans are executed, and everything holds."""

import threading
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from pipeline.rehearsal.script import ReplySpec, Script
from pipeline.rehearsal.scripting import any_issue, any_issue_adds
from pipeline.rehearsal.view import RequestView
from tests.builders import git
from tests.e2e.night import Night

ISSUES = tuple(f"ISS-{number}" for number in range(1, 5))
OVERLAP = ("run", "--overlap", "--auto-approve", "LOW")
PATIENCE_S = 30


class Meeting:
    """Holds back the execution of one issue and the planning of the next until both have begun."""

    def __init__(self, script: Script, then: Callable[[], None] = lambda: None) -> None:
        self._script = script
        self._barrier = threading.Barrier(2, action=then)
        self.met = False

    @property
    def script(self) -> Script:
        """Return the script, in which they meet once."""
        return Script.from_function(self._reply)

    def _reply(self, view: RequestView) -> ReplySpec:
        who = (view.agent, view.issue_id, view.call)
        if who in (("executor", "ISS-1", 1), ("planner", "ISS-2", 0)) and not self.met:
            self._barrier.wait(PATIENCE_S)
            self.met = True
        return self._script.reply(view)


def landed(night: Night) -> list[str]:
    """Return the issues of the run branch's commits, oldest first."""
    form = "--format=%(trailers:key=Issue-Id,valueonly,separator=%x2C)"
    return git(night.root, "log", "--reverse", form, f"main..{night.branch}").split()


def settled_usd(night: Night) -> float:
    """Return what the journal says was spent."""
    journal = (night.root / ".workflow" / "journal.jsonl").read_bytes()
    lines = [orjson.loads(line) for line in journal.splitlines()]
    return sum(one["data"]["usage"]["usd"] for one in lines if one["kind"] == "call_settled")


def lanes_left() -> list[str]:
    """Return the threads that belong to no test."""
    return [one.name for one in threading.enumerate() if one.name == "lane"]


@pytest.mark.parametrize("script", [any_issue(), any_issue_adds("CHANGELOG.md")])
def test_the_next_issue_is_planned_while_this_one_is_executed(
    tmp_path: Path, script: Script
) -> None:
    meeting = Meeting(script)
    with Night(tmp_path / "repo", meeting.script) as night:
        night.add(*ISSUES)
        rule = ("--auto-approve", "MEDIUM")

        ended = night.run("run", "--overlap", *rule)

        assert ended.code == 0, ended.err
        assert meeting.met
        assert landed(night) == list(ISSUES)
        assert len(night.executed()) == len(ISSUES)
        assert len(night.planned()) == len(ISSUES), "no plan was made twice"
        assert night.run("audit", "verify").code == 0
        assert lanes_left() == []
