"""Decisions that come from another process while a run works."""

from pathlib import Path

import orjson
import pytest

from pipeline.app.books import open_book
from pipeline.app.meanwhile import TAKEN_UP
from pipeline.app.patience import Timing
from pipeline.app.project import open_project
from pipeline.app.working import make_work
from pipeline.domain.issue import AuthorTrust
from pipeline.domain.wanted import Wanted
from pipeline.events import EventBus
from pipeline.execution.single import Execution, TakenBack
from pipeline.phases.init import init
from pipeline.proc import never
from pipeline.rehearsal.script import ReplySpec, Script
from pipeline.rehearsal.scripting import any_issue
from pipeline.rehearsal.view import RequestView
from pipeline.safety.gate import Cleared
from pipeline.store.journal import no_probe
from pipeline.store.run_file import hold
from tests.e2e.live import live
from tests.e2e.night import Night
from tests.observe.watched import Held


class Meanwhile:
    """Types a command in another process when the executor is first asked."""

    def __init__(self, root: Path, *words: str) -> None:
        self.script = Script.from_function(self._reply)
        self.night: Night | None = None
        self.document_before = b""
        self.document_after = b""
        self.code: int | None = None
        self.document = root / ".workflow" / "planning-results.json"
        self._words = words

    def _reply(self, view: RequestView) -> ReplySpec:
        if view.agent == "executor" and self.code is None:
            assert self.night is not None
            self.document_before = self.document.read_bytes()
            with self.night.process(*self._words) as process:
                process.communicate(timeout=60)
            self.code = process.returncode
            self.document_after = self.document.read_bytes()
        return any_issue().reply(view)


def test_a_plan_that_is_approved_during_a_run_is_carried_out_by_it(tmp_path: Path) -> None:
    meanwhile = Meanwhile(tmp_path / "repo", "approve", "SOL-ISS-2-1")
    with Night(tmp_path / "repo", meanwhile.script) as night:
        meanwhile.night = night
        night.add("ISS-1", "ISS-2")
        night.run("plan")
        night.run("approve", "SOL-ISS-1-1")

        assert night.run("run").code == 0

        assert meanwhile.code == 0
        assert night.states() == {"ISS-1": "completed", "ISS-2": "completed"}
        assert len(night.commits()) == 2


def test_a_run_that_only_plans_takes_up_no_approval(tmp_path: Path) -> None:
    held = Held(("planner", "ISS-3", 0))
    with Night(tmp_path / "repo", any_issue(), faults=held) as night:
        night.add("ISS-1", "ISS-2", "ISS-3")
        with live(night, "plan") as run:
            run.until("planning: do ISS-3")
            approved = night.run("approve", "SOL-ISS-1-1")
            sent_back = night.run("request-changes", "SOL-ISS-2-1", "smaller")
            held.let_go(("planner", "ISS-3", 0))
            assert run.ended().code == 3

        last = approved.out.splitlines()[-1]
        assert last == "next: pipeline run, when the run at work has ended"
        assert sent_back.out == f"sent back SOL-ISS-2-1; {TAKEN_UP}\n"
        assert "SOL-ISS-2-2" in night.run("status").out


def test_only_the_process_that_works_renders_the_documents(tmp_path: Path) -> None:
    meanwhile = Meanwhile(tmp_path / "repo", "approve", "SOL-ISS-2-1")
    with Night(tmp_path / "repo", meanwhile.script) as night:
        meanwhile.night = night
        night.add("ISS-1", "ISS-2")
        night.run("plan")
        night.run("approve", "SOL-ISS-1-1")
        night.run("run")

        assert meanwhile.document_after == meanwhile.document_before
        header = orjson.loads(meanwhile.document.read_bytes())
        assert header["journal_seq"] > orjson.loads(meanwhile.document_before)["journal_seq"]


def test_a_plan_that_is_rejected_during_a_run_is_not_carried_out(tmp_path: Path) -> None:
    meanwhile = Meanwhile(tmp_path / "repo", "reject", "SOL-ISS-2-1", "--reason", "no")
    with Night(tmp_path / "repo", meanwhile.script) as night:
        meanwhile.night = night
        night.add("ISS-1", "ISS-2")
        night.run("plan")
        night.approve_all()

        night.run("run")

        assert night.states() == {"ISS-1": "completed", "ISS-2": "parked"}
        assert len(night.commits()) == 1


def test_a_plan_that_is_rejected_right_after_the_gate_has_cleared_it_is_not_begun(
    tmp_path: Path,
) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")
        night.run("plan")
        night.approve_all()
        project, bus = open_project(night.root, {}), EventBus()
        with hold(project.places) as held:
            book = open_book(project, bus)
            work = make_work(
                project, book, held, bus=bus, stop=never, probe=no_probe, timing=Timing()
            )
            init(work, Wanted())
            plan = book.state.planning["SOL-ISS-1-1"]
            cleared = work.gate.check(plan, book.state, work.tip())
            assert isinstance(cleared, Cleared)

            assert night.run("reject", plan.key, "--reason", "no").code == 0

            execution = Execution(work, lambda: pytest.fail("an agent was asked"))
            with pytest.raises(TakenBack):
                execution.carry_out(cleared, lambda *_: "", AuthorTrust.OWNER)
            assert not book.state.execution
            assert "attempt_begun" not in project.places.journal.read_text()


def test_the_plan_that_is_being_carried_out_cannot_be_taken_back(tmp_path: Path) -> None:
    meanwhile = Meanwhile(tmp_path / "repo", "reject", "SOL-ISS-1-1", "--reason", "no")
    with Night(tmp_path / "repo", meanwhile.script) as night:
        meanwhile.night = night
        night.add("ISS-1")
        night.run("plan")
        night.approve_all()

        assert night.run("run").code == 0
        assert meanwhile.code == 1


def test_an_issue_that_is_added_during_a_run_is_planned_by_it(tmp_path: Path) -> None:
    meanwhile = Meanwhile(tmp_path / "repo", "add", "do ISS-2", "--id", "ISS-2")
    with Night(tmp_path / "repo", meanwhile.script) as night:
        meanwhile.night = night
        night.add("ISS-1")
        night.run("plan")
        night.approve_all()

        assert night.run("run").code == 3
        assert night.states() == {"ISS-1": "completed", "ISS-2": "planned"}
