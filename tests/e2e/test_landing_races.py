"""The branch moves in the moment in which a change is to land on it."""

from pathlib import Path

import orjson

from pipeline.app.project import open_project
from pipeline.app.working import work_through
from pipeline.domain.wanted import Wanted
from pipeline.events import EventBus
from pipeline.rehearsal.scripting import any_issue, any_issue_adds
from tests.builders import git
from tests.e2e.hands import commit_on_branch
from tests.e2e.night import PROJECT, Night
from tests.e2e.test_resume_classes import approved, outcomes

LINES = "".join(f"line {number}\n" for number in range(40))
NOTES = f"# Changes\n{LINES}last\n"


def landing(night: Night) -> dict[str, str]:
    """Return the intent of the newest landing."""
    lines = (night.root / ".workflow" / "journal.jsonl").read_bytes().splitlines()
    begun = [line["data"] for line in map(orjson.loads, lines) if line["kind"] == "landing_begun"]
    return dict(begun[-1])


def test_our_own_commit_that_is_there_already_is_adopted_and_never_made_again(
    tmp_path: Path,
) -> None:
    """A `git update-ref` that says that it failed may have moved the branch."""
    with Night(tmp_path / "repo", any_issue()) as night:
        approved(night, "ISS-1")

        def probe(point: str) -> None:
            if point == "journal:after:landing_begun":
                ref, begun = f"refs/heads/{night.branch}", landing(night)
                git(night.root, "update-ref", ref, begun["commit"], begun["expected"])

        project = open_project(night.root, {})
        code = work_through(project, Wanted(), bus=EventBus(), stop=lambda: False, probe=probe)

        assert code == 0
        (record,) = night.executed()
        assert (record["status"], record["recovered"]) == ("completed", True)
        assert record["commit_hash"] == landing(night)["commit"]
        assert night.commits() == ["do what ISS-1 asks for"]


def test_a_foreign_commit_on_its_file_keeps_a_change_from_landing_although_both_fit(
    tmp_path: Path,
) -> None:
    """Nobody signed the file as it is now, so the plan is checked again."""
    files = {**PROJECT, "CHANGELOG.md": NOTES}
    with Night(tmp_path / "repo", any_issue_adds("CHANGELOG.md"), files=files) as night:
        approved(night, "ISS-1")
        done: list[bool] = []

        def probe(point: str) -> None:
            if point == "journal:after:landing_begun" and not done:
                done.append(True)
                text = NOTES.replace("last\n", "theirs\n")
                commit_on_branch(night.root, night.branch, {"CHANGELOG.md": text})

        project = open_project(night.root, {})
        work_through(project, Wanted(), bus=EventBus(), stop=lambda: False, probe=probe)

        assert done
        assert outcomes(night)[0] == ("EXR-ISS-1-1", 1, "failed", "interrupted")
        assert night.commits() == ["by hand"]
