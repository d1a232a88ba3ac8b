"""What validation finds: errors reach the planner with their places, warnings the reviewer."""

from pathlib import Path

from pipeline.paths import UserPlaces
from pipeline.rehearsal.scripting import plan, submit_solution, task, turn
from tests.e2e.night import TEST_COMMAND, Night

BROKEN = task(
    "T1",
    files={"../other.py": "create", "gone.py": "modify"},
    tests=["pytst -q", TEST_COMMAND],
)
BETTER = task(
    "T1",
    files={"app.py": "modify", "tests/test_app.py": "delete"},
    tests=["python3 -c 'import app'"],
)
FOUND = (
    "tasks[0].files[0].path: '../other.py' leaves the repository: stay below its root, "
    "without '..' [path-outside]",
    "tasks[0].files[1].path: 'gone.py' is not there to modify: look at the path again, "
    "or use action 'create' [file-missing]",
    "tasks[0].tests[0]: there is no program 'pytst' where commands run: use one that is there "
    "(`command -v` tells) [program-missing]",
)
WARNED = "tasks[0].files[1].path: 'tests/test_app.py' is a test, and the plan deletes it"


def test_a_plan_that_breaks_three_rules_goes_back_and_a_better_one_waits(tmp_path: Path) -> None:
    script = turn("planner", "*", submit_solution(tasks=[BROKEN]), submit_solution(tasks=[BETTER]))
    with Night(tmp_path / "repo", script) as night:
        night.add("ISS-1")
        assert night.run("plan").code == 3

        first, second = night.requests("planner")
        assert not any(line in str(first.body) for line in FOUND)
        told = str(second.body).replace("\\'", "'")
        assert [line for line in FOUND if line not in told] == []

        (record,) = night.planned()
        made = record["plan"]
        assert isinstance(made, dict)
        assert made["warnings"] == [f"{WARNED} [test-deleted]"]
        shown = " ".join(night.run("show", "ISS-1").out.split())
        assert f"warnings {WARNED} [test-deleted]" in shown


def test_three_broken_plans_are_enough(tmp_path: Path) -> None:
    script = turn("planner", "*", *[submit_solution(tasks=[BROKEN])] * 5)
    with Night(tmp_path / "repo", script) as night:
        night.add("ISS-1")
        assert night.run("plan").code == 4

        assert len(night.requests("planner")) <= 4
        (record,) = night.planned()
        assert (record["status"], record["plan"]) == ("failed", None)


def test_a_rule_that_is_off_is_shown_with_its_reason_and_what_it_would_have_said(
    tmp_path: Path,
) -> None:
    script = plan(files={"app.py": "create"})
    with Night(tmp_path / "repo", script) as night:
        config = UserPlaces.from_environment().config / "config.toml"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text('[validation.off]\nfile-exists = "a generator makes them"\n')
        night.add("ISS-1")
        assert night.run("plan").code == 3

        shown = " ".join(night.run("show", "ISS-1").out.split())
        assert "'app.py' exists by then" in shown
        assert "[file-exists, off: a generator makes them]" in shown
        assert "rule off file-exists: a generator makes them" in shown
