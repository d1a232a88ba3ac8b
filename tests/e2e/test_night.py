"""The pipeline from a backlog to landed commits, as a person types it."""

from pathlib import Path

from pipeline.rehearsal.scripting import any_issue
from tests.e2e.night import Night, untouched


def test_a_backlog_becomes_plans_then_commits(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night, untouched(night.root):
        night.add("ISS-1", "ISS-2")

        assert night.run("plan").code == 3
        assert night.commits() == []
        assert night.approve_all() == ["SOL-ISS-1-1", "SOL-ISS-2-1"]
        assert night.run("run").code == 0

        assert [record["status"] for record in night.executed()] == ["completed", "completed"]
        assert len(night.commits()) == 2
        assert night.states() == {"ISS-1": "completed", "ISS-2": "completed"}
