"""Plans that share a file, and approvals that nobody gave."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import orjson

from pipeline.domain.plan import Plan, PlanState
from pipeline.rehearsal.script import ReplySpec, Script
from pipeline.rehearsal.scripting import any_issue, any_issue_adds
from pipeline.rehearsal.view import RequestView
from pipeline.store.entries import PlanChanged
from pipeline.store.line import make_line
from tests.builders import git
from tests.e2e.hands import commit_on_branch
from tests.e2e.night import Night

ISSUES = tuple(f"ISS-{number}" for number in range(1, 6))
SHARED = any_issue_adds("CHANGELOG.md")


def with_a_hand(agent: str, issue: str, act: Callable[[], None]) -> Script:
    """Return the script of all issues that calls `act` when one turn's first call comes."""

    def reply(view: RequestView) -> ReplySpec:
        if (view.agent, view.issue_id, view.call) == (agent, issue, 0):
            act()
        return SHARED.reply(view)

    return Script.from_function(reply)


def commits_of(night: Night) -> list[str]:
    """Return what the commits' trailers name, oldest first; `-` for a commit by hand."""
    form = "--format=-%(trailers:key=Solution-Id,valueonly,separator=%x2C)"
    lines = git(night.root, "log", "--reverse", form, f"main..{night.branch}").splitlines()
    return [line.removeprefix("-") or line for line in lines]


def states(night: Night) -> dict[str, str]:
    return {
        str(record["solution_id"]): str(plan["state"])
        for record in night.planned()
        if isinstance(plan := record["plan"], dict)
    }


def test_five_plans_that_touch_one_file_land_in_one_run(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", SHARED) as night:
        night.add(*ISSUES)
        night.run("plan")
        night.approve_all()

        ended = night.run("run")

        assert ended.code == 0, ended.err
        assert commits_of(night) == [f"SOL-{issue}-1" for issue in ISSUES]
        changes = git(night.root, "show", f"{night.branch}:CHANGELOG.md")
        assert changes.split() == ["#", "Changes", *reversed(ISSUES)]


def test_a_foreign_commit_between_two_runs_makes_the_rest_stale(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", SHARED) as night:
        night.add(*ISSUES)
        night.run("plan")
        night.approve_all()
        night.run("execute", "SOL-ISS-1-1", "SOL-ISS-2-1")
        commit_on_branch(night.root, night.branch, {"CHANGELOG.md": "# Changes\nmine\n"})

        ended = night.run("execute")

        assert "stale: changed since the plan was made: CHANGELOG.md" in ended.err
        assert commits_of(night) == ["SOL-ISS-1-1", "SOL-ISS-2-1", "-"]
        rest = ISSUES[2:]
        assert {states(night)[f"SOL-{issue}-1"] for issue in rest} == {"stale"}
        assert ended.code == 3
        assert "waiting for a decision" not in ended.err
        assert "pipeline approve" not in ended.out
        report = night.run("report").out
        assert "## Needs you" in report
        assert all(f"Next: `pipeline plan {issue}`" in report for issue in rest)

        assert night.run("plan").code == 3
        for issue in rest:
            assert states(night)[f"SOL-{issue}-1"] == "superseded"
            assert states(night)[f"SOL-{issue}-2"] == "pending"
            (again,) = [one for one in night.requests("planner") if one.request_id == f"{issue}.2"]
            assert b"changed since the plan was made: CHANGELOG.md" in orjson.dumps(again.body)

        night.approve_all()
        assert night.run("run").code == 0
        assert git(night.root, "show", f"{night.branch}:CHANGELOG.md").split() == [
            *("#", "Changes"),
            *reversed(rest),
            "mine",
        ]


def test_a_foreign_commit_during_a_run_makes_the_rest_stale(tmp_path: Path) -> None:
    root = tmp_path / "repo"

    def act() -> None:
        branch = git(root, "for-each-ref", "--format=%(refname:short)", "refs/heads/pipeline/")
        commit_on_branch(root, branch, {"CHANGELOG.md": "# Changes\nmine\n"})

    with Night(root, with_a_hand("executor", "ISS-2", act)) as night:
        night.add("ISS-1", "ISS-2", "ISS-3")
        night.run("plan")
        night.approve_all()

        ended = night.run("run")

        assert ended.code == 3, ended.err
        assert commits_of(night) == ["SOL-ISS-1-1", "-"]
        assert states(night) == {
            "SOL-ISS-1-1": "approved",
            "SOL-ISS-2-1": "superseded",
            "SOL-ISS-3-1": "superseded",
            "SOL-ISS-2-2": "pending",
            "SOL-ISS-3-2": "pending",
        }


def append_decision(night: Night, forge: Callable[[dict[str, PlanChanged]], PlanChanged]) -> None:
    """Append what `forge` makes of the decisions so far (solution id -> the last one).

    The line's sequence number and hash chain are those that the pipeline itself would write.
    """
    path = night.root / ".workflow" / "journal.jsonl"
    raw = path.read_bytes()
    lines = [orjson.loads(line) for line in raw.splitlines()]
    decisions = {
        line["data"]["solution_id"]: PlanChanged.model_validate(line["data"])
        for line in lines
        if line["kind"] == "plan_changed"
    }
    last = lines[-1]
    line = make_line(
        forge(decisions),
        seq=last["seq"] + 1,
        at=datetime.fromisoformat(last["at"]),
        prev=last["hash"],
        offset=len(raw),
    )
    path.write_bytes(raw + line.raw)


def pending_plan(night: Night, solution_id: str) -> Plan:
    (record,) = [one for one in night.planned() if one["solution_id"] == solution_id]
    return Plan.model_validate(record["plan"])


def nothing_runs(night: Night, solution_id: str, reason: str) -> None:
    """Assert that `run` sends the plan back to the gate for this reason."""
    ended = night.run("run")
    assert ended.code == 3, ended.err
    assert f"{solution_id}  waits again: {reason}" in " ".join(ended.err.split("\n"))
    assert states(night)[solution_id] == "pending"
    assert night.requests("executor") == []
    assert night.commits() == []
    assert night.run("run").code == 3
    assert night.requests("executor") == []


def test_an_approval_that_is_not_signed_does_not_count(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")
        night.run("plan")
        plan = pending_plan(night, "SOL-ISS-1-1")
        night.approve_all()

        def forge(decisions: dict[str, PlanChanged]) -> PlanChanged:
            genuine = decisions["SOL-ISS-1-1"]
            assert genuine.plan.approval is not None
            approval = genuine.plan.approval.model_copy(update={"mac": "0" * 64})
            forged = plan.model_copy(update={"state": PlanState.APPROVED, "approval": approval})
            return genuine.model_copy(update={"plan": forged})

        append_decision(night, forge)

        nothing_runs(
            night,
            "SOL-ISS-1-1",
            "its approval is not signed with this user's key for this repository",
        )


def test_an_approval_that_was_copied_to_another_plan_does_not_count(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1", "ISS-2")
        night.run("plan")
        night.run("approve", "SOL-ISS-1-1")

        def forge(decisions: dict[str, PlanChanged]) -> PlanChanged:
            genuine = decisions["SOL-ISS-1-1"]
            plan = pending_plan(night, "SOL-ISS-2-1")
            update = {"state": PlanState.APPROVED, "approval": genuine.plan.approval}
            return genuine.model_copy(
                update={"solution_id": "SOL-ISS-2-1", "plan": plan.model_copy(update=update)}
            )

        append_decision(night, forge)
        night.run("reject", "SOL-ISS-1-1", "--reason", "only the copy is left")

        nothing_runs(
            night,
            "SOL-ISS-2-1",
            "its approval is not signed with this user's key for this repository",
        )


def test_an_approval_does_not_cover_a_text_that_was_changed_after_it(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")
        night.run("plan")
        night.approve_all()

        def forge(decisions: dict[str, PlanChanged]) -> PlanChanged:
            genuine = decisions["SOL-ISS-1-1"]
            wider = genuine.plan.model_copy(update={"may_touch": ("**",)})
            return genuine.model_copy(update={"plan": wider})

        append_decision(night, forge)

        nothing_runs(night, "SOL-ISS-1-1", "its text or terms are not the ones that were approved")
