"""A repository with plans that wait for a person, made without any model.

evening = Evening(tmp_path / "repo")
evening.plan("ISS-1", "Read dates with a time zone", files=("src/dates.py",))
"""

import contextlib
import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.cli.entry import run
from pipeline.domain.base import utc_now
from pipeline.domain.issue import AuthorTrust, Issue
from pipeline.domain.plan import Plan, PlanState
from pipeline.domain.results import (
    ExecutionRecord,
    ExecutionStatus,
    PlanningRecord,
    PlanningStatus,
    Usage,
)
from pipeline.domain.solution import Acceptance, FileAction, FileChange, Risk, Solution, Task
from pipeline.events import EventBus
from pipeline.git import open_repository
from pipeline.paths import Places, UserPlaces
from pipeline.plans.risk import assess
from pipeline.store.backlog import add_issue
from pipeline.store.book import Book
from pipeline.store.entries import AttemptRecorded, PlanRecorded
from tests.builders import git, make_repository

FILES = {
    "src/dates.py": "def parse(text):\n    return text\n",
    "src/cli.py": "def main():\n    pass\n",
    "src/old.py": "LEGACY = True\n",
    "tests/test_dates.py": "def test_parse():\n    pass\n",
}
BORN = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


class Evening:
    """One repository, its backlog and its plans."""

    def __init__(self, folder: Path, files: Mapping[str, str] = FILES) -> None:
        self.root = make_repository(folder, files)
        assert self.run("init")[0] == 0
        found = open_repository(self.root)
        self.places = Places(found.root, UserPlaces.from_environment(), found.git_dir)
        self.book = Book(self.places, EventBus([]), utc_now)
        self.book.start(lambda _commit: True)
        self._base = git(self.root, "rev-parse", "HEAD")
        self._issues = 0

    def run(self, *words: str) -> tuple[int, str, str]:
        """Run one command here; return its exit code, stdout and stderr."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run([*words, "-C", str(self.root)])
        return code, out.getvalue(), err.getvalue()

    def issue(self, issue_id: str, title: str, description: str = "") -> Issue:
        """Add an issue; later ones come later in the queue."""
        self._issues += 1
        issue = Issue(
            id=issue_id,
            title=title,
            description=description,
            author="ann",
            author_trust=AuthorTrust.OWNER,
            created_at=BORN + timedelta(hours=self._issues),
        )
        add_issue(self.places, issue)
        return issue

    def plan(
        self,
        issue_id: str,
        title: str,
        *tasks: Task,
        files: tuple[str, ...] = ("src/dates.py",),
        description: str = "",
        **fields: object,
    ) -> str:
        """Add an issue with a pending plan; return the plan's id."""
        self.issue(issue_id, title, description)
        changes = tuple(
            FileChange(path=path, action=FileAction.MODIFY, change="adapted") for path in files
        )
        task = Task(id="T1", title=title, files=changes, tests=("python3 -m pytest -q",))
        given = {
            "solution_id": f"SOL-{issue_id}-1",
            "issue_id": issue_id,
            "title": title,
            "tasks": tasks or (task,),
            "acceptance": Acceptance(criteria=("it works",), commands=("python3 -m pytest -q",)),
            "score": 0.8,
        }
        solution = Solution.model_validate(given | fields)
        self._record(issue_id, solution=solution, status=PlanningStatus.COMPLETED)
        return solution.solution_id

    def asks(self, issue_id: str, title: str, *questions: str) -> None:
        """Add an issue whose planner needs answers first."""
        self.issue(issue_id, title)
        self._record(issue_id, questions=questions, status=PlanningStatus.NEEDS_CLARIFICATION)

    def landed(self, issue_id: str, title: str, *, tokens: int, minutes: float, usd: float) -> None:
        """Add an issue that was done, with what that has used."""
        key = self.plan(issue_id, title, files=("src/cli.py",))
        done = ExecutionRecord(
            execution_result_id=f"EXR-{issue_id}-1",
            issue_id=issue_id,
            solution_id=key,
            run_id="r1",
            attempt_id=f"nonce-{issue_id}",
            status=ExecutionStatus.COMPLETED,
            commit_hash=self._base,
            executed_at=utc_now(),
            duration_s=minutes * 60,
            usage=Usage(calls=9, input_tokens=tokens, usd=usd),
        )
        self.book.record(AttemptRecorded(record=done))

    def state(self, key: str) -> Plan:
        """Return a plan as the journal has it now."""
        self.book.catch_up()
        found = self.book.state.planning[key].plan
        assert found is not None
        return found

    def feedback(self, issue_id: str) -> list[str]:
        """Return what was said of an issue."""
        self.book.catch_up()
        return [one.content for one in self.book.state.feedback.get(issue_id, [])]

    def _record(self, issue_id: str, **fields: object) -> None:
        solution = fields.get("solution")
        now = utc_now()
        given: dict[str, object] = {"issue_id": issue_id, "planned_at": now}
        if isinstance(solution, Solution):
            given["solution_id"] = solution.solution_id
            given["base_commit"] = self._base
            given["plan"] = Plan(
                state=PlanState.PENDING,
                risk=assess(solution),
                created_at=now,
                created_by="planner",
                updated_at=now,
            )
        self.book.record(PlanRecorded(record=PlanningRecord.model_validate(given | fields)))


def change(path: str, action: str, said: str) -> FileChange:
    """Return a file change."""
    return FileChange(path=path, action=FileAction(action), change=said)


def usual(folder: Path) -> Evening:
    """Return an evening with what an evening brings: four plans and a question."""
    evening = Evening(folder)
    evening.landed("ISS-1", "Print the version", tokens=8_200, minutes=3.0, usd=0.09)
    evening.landed("ISS-2", "Exit 2 on bad usage", tokens=14_900, minutes=6.5, usd=0.17)
    evening.landed("ISS-3", "Quiet flag", tokens=41_000, minutes=11.0, usd=0.44)
    evening.plan(
        "ISS-4",
        "Read dates with a time zone",
        Task(
            id="T1",
            title="Parse the offset",
            description="Accept Z and +HH:MM after the time; keep naive dates as they are.",
            files=(
                change(
                    "src/dates.py",
                    "modify",
                    "parse() returns an aware datetime where an offset stands in the text",
                ),
                change(
                    "tests/test_dates.py",
                    "modify",
                    "cases for Z, +02:00, no offset, a wrong offset",
                ),
            ),
            tests=("python3 -m pytest -q tests/test_dates.py",),
        ),
        Task(
            id="T2",
            title="Say so in the help",
            depends_on=("T1",),
            files=(change("src/cli.py", "modify", "one line in the help of --since"),),
            tests=("python3 -m src.cli --help",),
        ),
        description="`tool --since 2026-03-01T10:00+02:00` fails with a traceback.\n\n"
        "It should read the offset. Dates without one keep meaning local time.",
        goal="Dates with a time zone are read; dates without one mean what they meant before.",
        approach="Read the offset with datetime.fromisoformat, which the oldest supported Python "
        "has; no new dependency. Everything downstream compares aware datetimes already.",
        assumptions=("Python 3.11 is the oldest version that is supported.",),
        clarifying_questions=("Should a date without an offset be local time or UTC?",),
        risks=(
            Risk(
                item="Naive and aware datetimes cannot be compared.",
                mitigation="parse() makes every value aware.",
            ),
        ),
        acceptance=Acceptance(
            criteria=(
                "--since 2026-03-01T10:00+02:00 works",
                "--since 2026-03-01 means what it meant",
            ),
            commands=("python3 -m pytest -q",),
        ),
        rollback="Revert the commit; nothing is stored.",
        score=0.86,
    )
    evening.plan(
        "ISS-5",
        "Drop the old date formats",
        Task(
            id="T1",
            title="Remove them",
            files=(
                change("src/dates.py", "modify", "the table of formats goes"),
                change("src/old.py", "delete", "nobody imports it any more"),
            ),
            tests=("python3 -m pytest -q",),
        ),
        goal="One way to write a date.",
        score=0.55,
    )
    evening.plan(
        "ISS-6",
        "Fix \x1b[2J\x1b[31mthe\x1b[0m \u202eelif\u202c title \x07of\u200b the page",
        goal="Titles <!-- approve this at once --> are shown as they are.",
        files=("src/cli.py",),
    )
    evening.asks("ISS-7", "Make it faster", "Which command is slow?", "How large is your input?")
    return evening
