"""A night whose second solution is undone afterwards, as people and programs see it."""

from pathlib import Path

from pipeline.cli.entry import run
from pipeline.rehearsal.scripting import edit, execute, plan, write
from tests.builders import git
from tests.e2e.night import PROJECT, Night, untouched

A, B, C = "SOL-ISS-A-1", "SOL-ISS-B-1", "SOL-ISS-C-1"

SCRIPT = (
    plan("ISS-A", files={"a.txt": "create"}, tests=["grep -qx a a.txt"])
    + execute("ISS-A", edits=[write("a.txt", "a\n")])
    + plan("ISS-B", files={"b.txt": "create", "README.md": "modify"}, title="write b")
    + execute("ISS-B", edits=[write("b.txt", "b\n"), edit("README.md", "small project", "project")])
    + plan("ISS-C", files={"c.txt": "create"})
    + execute("ISS-C", edits=[write("c.txt", "c\n")])
)


def record_of(night: Night, solution_id: str) -> dict[str, object]:
    return next(one for one in night.executed() if one["solution_id"] == solution_id)


def statuses(night: Night) -> list[object]:
    return [one["status"] for one in night.executed()]


def test_the_second_of_three_on_other_files_is_undone_and_everything_says_so(
    tmp_path: Path,
) -> None:
    with Night(tmp_path / "repo", SCRIPT) as night:
        night.add("ISS-A", "ISS-B", "ISS-C")
        assert night.run("plan").code == 3
        night.approve_all()
        assert night.run("run").code == 0
        before, branch = git(night.root, "rev-parse", night.branch), night.branch
        with untouched(night.root):
            ended = night.run("rollback", B, "--reason", "it hides b")
        assert ended.code == 0, ended.err

        tip = git(night.root, "rev-parse", branch)
        _tree_is_tested_and_history_kept(night, before, tip)
        _records_are_true(night, tip)
        _everything_says_so(night)
        _both_agents_are_told(night)
        _it_is_planned_anew_with_the_reason(night)


def _both_agents_are_told(night: Night) -> None:
    for role in ("planner", "executor"):
        shown = night.run("agents", "show", role).out
        assert f"ISS-B ({B}) was rolled back after it had landed: it hides b" in shown


def _tree_is_tested_and_history_kept(night: Night, before: str, tip: str) -> None:
    assert git(night.root, "rev-parse", f"{tip}^") == before
    names = git(night.root, "ls-tree", "-r", "--name-only", tip).splitlines()
    assert set(names) == {*PROJECT, "a.txt", "c.txt"}
    assert git(night.root, "show", f"{tip}:README.md") == PROJECT["README.md"].strip()
    subjects = night.commits()
    assert len(subjects) == 4
    assert subjects[-1] == "roll back: write b"


def _records_are_true(night: Night, tip: str) -> None:
    record = record_of(night, B)
    undone = record["rollback"]
    assert isinstance(undone, dict)
    assert (record["status"], undone["commit"], undone["reason"]) == (
        "rolled_back",
        tip,
        "it hides b",
    )
    seen = undone["verification"]
    assert seen["tree"] == git(night.root, "rev-parse", f"{tip}^{{tree}}")
    assert seen["all_tests_passed"] is True
    assert [(one["stage"], one["exit_code"]) for one in seen["commands"]] == [("suite", 0)]
    trailers = git(night.root, "log", "-1", "--format=%(trailers:only,unfold)", tip)
    assert trailers.splitlines() == [
        "Issue-Id: ISS-B",
        f"Solution-Id: {B}",
        f"Pipeline-Run: {record['run_id']}",
        f"Rolls-Back: {record['attempt_id']}",
        f"Attempt-Id: {undone['attempt_id']}",
    ]
    assert statuses(night) == ["completed", "rolled_back", "completed"]
    assert night.states() == {"ISS-A": "completed", "ISS-B": "failed", "ISS-C": "completed"}


def _everything_says_so(night: Night) -> None:
    report = night.run("report", "--json").json
    assert isinstance(report, dict)
    (failed,) = report["groups"]["failed"]
    assert (failed["issue_id"], failed["reason"]) == ("ISS-B", "rolled back: it hides b")
    assert failed["notes"][0].startswith("taken back by commit ")
    assert failed["next"].startswith("pipeline retry ISS-B")
    assert report["next"][0]["why"] == "look at 2 tested commits, and 2 of what was taken back"
    shown = report["next"][0]["command"].removeprefix("git log --stat ")
    assert git(night.root, "rev-list", "--count", shown) == "4", "as many as it says"
    assert "what landed, and what was taken back: git log" in night.run("run").out
    assert "rolled back: it hides b" in night.run("status").out
    (page,) = (night.root / ".workflow" / "plans").glob("*SOL-ISS-B-1*")
    markdown = page.read_text()
    assert "Rolled back: it had landed, and was undone." in markdown
    assert "until commit" in markdown
    assert "Rationale: it hides b." in markdown
    assert run(["execplan", "lint", str(page), "--json"]) == 0
    assert '"roll back"' in night.run("audit", "show", "--json").out
    proof = night.run("audit", "verify")
    assert (proof.code, f"{B} by " in proof.out) == (0, True)
    assert "it was rolled back: `pipeline retry ISS-B`" in proof.out
    assert ", 0 in force\n" in proof.out


def _it_is_planned_anew_with_the_reason(night: Night) -> None:
    assert "not executed: it was rolled back" in night.run("execute", B).err
    again = night.run("retry", "ISS-B", "--json")
    assert again.json == {"issue_id": "ISS-B", "again": "plan"}
    assert night.run("plan").code == 3
    assert "it landed and was rolled back: it hides b" in str(night.requests("planner")[-1].body)
    night.approve_all()
    assert night.run("run").code == 0
    assert statuses(night) == ["completed", "rolled_back", "completed", "completed"]
    newest = str(record_of(night, "SOL-ISS-B-2")["branch"])
    assert git(night.root, "show", f"{newest}:b.txt") == "b"
