"""What `pipeline run` does when there is nothing to do."""

from pathlib import Path

from pipeline.rehearsal.scripting import any_issue
from tests.e2e.night import Night


def test_running_again_when_everything_has_landed_opens_no_other_run(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")
        night.run("plan")
        night.approve_all()
        assert night.run("run").code == 0
        branch, journal = night.branch, (night.root / ".workflow/journal.jsonl").read_bytes()

        assert night.run("run").code == 0
        assert night.run("plan").code == 0

        assert night.branch == branch
        assert (night.root / ".workflow/journal.jsonl").read_bytes() == journal


def test_a_run_asked_for_by_name_is_opened_all_the_same(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")
        night.run("plan")
        night.approve_all()
        night.run("run")

        assert night.run("run", "--new").code == 0

        assert len(night.branch.splitlines()) == 2
