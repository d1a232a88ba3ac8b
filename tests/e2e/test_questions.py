"""Questions of the Planning agent: they wait for a person, and go on with the answers."""

from pathlib import Path

from pipeline.rehearsal.scripting import any_issue, needs_clarification, turn
from tests.e2e.night import Night

QUESTION = "Which date format is wanted?"
ASKS = turn("planner", "ISS-1", needs_clarification(QUESTION), number=1) + any_issue()


def last_request_text(night: Night) -> str:
    """Return the words of the newest planning request."""
    return str(night.requests("planner")[-1].body)


def test_questions_end_with_3_and_say_how_to_answer(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", ASKS) as night:
        night.add("ISS-1", "ISS-2")

        ended = night.run("plan")

        assert ended.code == 3
        assert night.states() == {"ISS-1": "parked", "ISS-2": "planned"}
        report = night.run("report").out
        assert QUESTION in report
        assert 'pipeline retry ISS-1 --feedback "your answers"' in report
        assert QUESTION in night.run("status").out
        night.approve_all()
        assert night.run("run").code == 3


def test_the_next_turn_has_the_questions_and_the_answers(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", ASKS) as night:
        night.add("ISS-1")
        night.run("plan")

        assert night.run("retry", "ISS-1", "--feedback", "ISO-8601 of course").code == 0
        assert night.run("plan").code == 3

        said = last_request_text(night)
        assert QUESTION in said
        assert "ISO-8601 of course" in said
        assert night.states() == {"ISS-1": "planned"}
        assert [one["solution_id"] for one in night.planned()] == [None, "SOL-ISS-1-1"]
