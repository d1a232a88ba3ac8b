"""Hands on the results documents: what counts, what is put back, what starts from them alone."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from pipeline.rehearsal.script import ReplySpec, Script
from pipeline.rehearsal.scripting import any_issue
from pipeline.rehearsal.view import RequestView
from tests.builders import git
from tests.e2e.night import Night

DOCUMENTS = ("planning-results.json", "execution-results.json")


def rewrite(root: Path, name: str, keep: Callable[[dict[str, object]], bool]) -> None:
    """Rewrite a document as `jq` would: every layout lost, only the kept records in it."""
    path = root / ".workflow" / name
    document = json.loads(path.read_text())
    kept = [record for record in document["results"] if keep(record)]
    assert len(kept) == len(document["results"]) - 1
    copy = path.with_name("edited.tmp")
    copy.write_text(json.dumps(document | {"results": kept}, indent=2) + "\n")
    copy.replace(path)


def remove_plan(root: Path, solution_id: str) -> None:
    rewrite(root, DOCUMENTS[0], lambda record: record["solution_id"] != solution_id)


def meanwhile(agent: str, issue: str, act: Callable[[], None]) -> Script:
    """Return the script of `any_issue` that calls `act` once, when one turn's first call comes."""
    script = any_issue()
    done: list[bool] = []

    def reply(view: RequestView) -> ReplySpec:
        if (view.agent, view.issue_id, view.call) == (agent, issue, 0) and not done:
            done.append(True)
            act()
        return script.reply(view)

    return Script.from_function(reply)


def plans(night: Night) -> dict[str, str]:
    """Return solution id -> state of its plan, as the document says it."""
    return {
        str(record["solution_id"]): str(plan["state"])
        for record in night.planned()
        if isinstance(plan := record["plan"], dict)
    }


def landed(night: Night) -> list[object]:
    return [r["solution_id"] for r in night.executed() if r["status"] == "completed"]


def test_a_plan_that_was_deleted_while_nothing_ran_is_planned_again_and_no_other(
    tmp_path: Path,
) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1", "ISS-2", "ISS-3")
        night.run("plan")
        night.run("approve", "SOL-ISS-2-1", "SOL-ISS-3-1")

        remove_plan(night.root, "SOL-ISS-2-1")
        ended = night.run("run")

        assert ended.code == 3
        assert "removed by hand from planning: ISS-2 is done again" in ended.err
        assert plans(night) == {
            "SOL-ISS-1-1": "pending",
            "SOL-ISS-2-2": "pending",
            "SOL-ISS-3-1": "approved",
        }
        assert landed(night) == ["SOL-ISS-3-1"]
        asked = [one.request_id for one in night.requests("planner") if one.call == 0]
        assert asked == ["ISS-1.1", "ISS-2.1", "ISS-3.1", "ISS-2.2"]


def test_a_plan_that_is_deleted_during_a_run_is_planned_again_and_no_other(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    script = meanwhile("executor", "ISS-1", lambda: remove_plan(root, "SOL-ISS-3-1"))
    with Night(root, script) as night:
        night.add("ISS-1", "ISS-2", "ISS-3", "ISS-4")
        night.run("plan")
        night.run("approve", "SOL-ISS-1-1", "SOL-ISS-2-1", "SOL-ISS-3-1")

        ended = night.run("run")

        assert ended.code == 3
        assert ended.err.count("removed by hand") == 1
        assert "restored" not in ended.err
        assert plans(night) == {
            "SOL-ISS-1-1": "approved",
            "SOL-ISS-2-1": "approved",
            "SOL-ISS-4-1": "pending",
            "SOL-ISS-3-2": "pending",
        }
        assert landed(night) == ["SOL-ISS-1-1", "SOL-ISS-2-1"]


def test_the_plan_of_an_attempt_under_way_is_restored_and_said(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    script = meanwhile("executor", "ISS-1", lambda: remove_plan(root, "SOL-ISS-1-1"))
    with Night(root, script) as night:
        night.add("ISS-1")
        night.run("plan")
        night.approve_all()

        ended = night.run("run")

        assert ended.code == 0
        assert ended.err.count("restored in planning") == 1
        assert "removed by hand" not in ended.err
        assert plans(night) == {"SOL-ISS-1-1": "approved"}
        assert landed(night) == ["SOL-ISS-1-1"]


def test_records_of_what_has_landed_are_restored_and_said(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1", "ISS-2")
        night.run("plan")
        night.run("approve", "SOL-ISS-1-1")
        night.run("run")
        before = [night.planned(), night.executed()]

        remove_plan(night.root, "SOL-ISS-1-1")
        rewrite(night.root, DOCUMENTS[1], lambda record: False)
        ended = night.run("run")

        assert ended.code == 3
        assert "SOL-ISS-1-1" in ended.err
        assert "restored in planning: " in ended.err
        assert "restored in execution: " in ended.err
        assert [night.planned(), night.executed()] == before
        assert len(night.commits()) == 1


def test_a_deleted_record_of_a_failed_attempt_means_retry(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue("work/{issue_id}.txt")) as night:
        night.add("ISS-1")
        night.run("plan")
        night.approve_all()
        (night.root / ".workflow" / "config.toml").write_text("[limits]\ncalls_per_turn = 1\n")
        assert night.run("run").code == 4
        (night.root / ".workflow" / "config.toml").write_text("")
        assert night.run("run").code == 4

        rewrite(night.root, DOCUMENTS[1], lambda record: False)

        assert night.run("run").code == 0
        assert [r["execution_result_id"] for r in night.executed()] == ["EXR-ISS-1-2"]


def carried_to_a_fresh_clone(night: Night, folder: Path) -> None:
    """Clone the repository with its run branch, and copy nothing but the two documents."""
    git(folder.parent, "clone", "-q", str(night.root), str(folder))
    documents = [night.root / ".workflow" / name for name in DOCUMENTS]
    night.root = folder
    assert night.run("init").code == 0
    for document in documents:
        shutil.copy(document, folder / ".workflow")


def test_the_two_documents_alone_start_a_fresh_clone(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1", "ISS-2", "ISS-3")
        night.run("plan")
        night.run("approve", "SOL-ISS-1-1")
        night.run("run")
        night.run("approve", "SOL-ISS-2-1")
        asked = len(night.stand_in.requests)

        carried_to_a_fresh_clone(night, tmp_path / "elsewhere")
        ended = night.run("run")

        assert ended.code == 3, ended.err
        assert "nothing to do; what is left waits for you: `pipeline review`" in ended.err
        assert len(night.stand_in.requests) == asked
        assert plans(night) == {
            "SOL-ISS-1-1": "pending",
            "SOL-ISS-2-1": "pending",
            "SOL-ISS-3-1": "pending",
        }
        assert [r["plan"]["approval"] for r in night.planned()] == [None] * 3  # type: ignore[index]
        assert night.states() == {"ISS-1": "completed", "ISS-2": "planned", "ISS-3": "planned"}
        assert night.run("approve", "SOL-ISS-1-1").code == 1


def test_what_was_carried_over_goes_on_from_there(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1", "ISS-2")
        night.run("plan")
        night.run("approve", "SOL-ISS-1-1")
        night.run("run")
        carried_to_a_fresh_clone(night, tmp_path / "elsewhere")
        night.add("ISS-1", "ISS-2")

        assert night.run("approve", "SOL-ISS-2-1").code == 0
        assert night.run("run").code == 0

        assert landed(night) == ["SOL-ISS-1-1", "SOL-ISS-2-1"]
        assert night.commits() == ["do what ISS-2 asks for"]


def test_a_lost_journal_is_started_from_the_documents(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1", "ISS-2")
        night.run("plan")
        night.run("approve", "SOL-ISS-1-1")
        night.run("run")
        night.run("approve", "SOL-ISS-2-1")
        (night.root / ".workflow" / "journal.jsonl").unlink()

        assert night.run("run").code == 3
        assert night.states() == {"ISS-1": "completed", "ISS-2": "planned"}
        assert night.run("approve", "SOL-ISS-2-1").code == 0
        assert night.run("run").code == 0
        assert landed(night) == ["SOL-ISS-1-1", "SOL-ISS-2-1"]


def test_a_deleted_document_is_rendered_again(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1", "ISS-2")
        night.run("plan")
        night.run("approve", "SOL-ISS-1-1")
        night.run("run")
        before = [night.planned(), night.executed()]
        for name in DOCUMENTS:
            (night.root / ".workflow" / name).unlink()

        assert night.run("run").code == 3
        assert [night.planned(), night.executed()] == before


def test_a_document_of_garbage_is_kept_aside_and_rendered_again(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")
        night.run("plan")
        before = night.planned()
        document = night.root / ".workflow" / DOCUMENTS[0]
        document.write_text("{ no JSON")

        ended = night.run("run")

        assert ended.code == 3
        assert night.planned() == before
        (kept,) = document.parent.glob(f"{document.name}.edited-*")
        assert kept.read_text() == "{ no JSON"
        assert kept.name in ended.err
