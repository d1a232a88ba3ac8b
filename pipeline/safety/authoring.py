"""Plans that a person writes: the first of an issue, or their own edit of one that is there.

They pass the same checks as an agent's, get the next id, and wait for a decision like any other.
"""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pipeline.domain.issue import Issue
from pipeline.domain.plan import PlanState
from pipeline.domain.results import PlanningRecord, PlanningStatus
from pipeline.domain.solution import Solution
from pipeline.domain.wording import short, what_is_wanted
from pipeline.errors import PipelineError
from pipeline.git import head_commit
from pipeline.plans.drafting import envelope, judged, record_plan
from pipeline.plans.rounds import BY_USER
from pipeline.safety.decisions import NEW_ISSUE, Desk
from pipeline.safety.policy import require_owner
from pipeline.store.run_info import alive

Content = Solution | Mapping[str, object]
"""A solution, or its fields by name as `planning-results.json` has them; its ids are not needed."""

IDS = ("solution_id", "issue_id")
"""What names a solution; given by the pipeline, whatever the content says."""

SAME_TEXT_WAITS = frozenset({PlanState.PENDING, PlanState.APPROVED})
"""States in which the same text again makes no other plan."""


class PlanRefused(PipelineError):
    """Raised when a text cannot be a plan; `problems` has a line with its place for each reason."""

    def __init__(self, name: str, problems: Sequence[str]) -> None:
        first, more = problems[0], len(problems) - 1
        rest = f" (and {more} more)" if more else ""
        super().__init__(f"no plan for {name}: {first}{rest}")
        self.problems = tuple(problems)


def create(desk: Desk, issue_id: str, content: Content) -> PlanningRecord:
    """Record a person's plan of an issue, pending; it supersedes the one before it.

    Raises `PlanRefused` for a text that cannot be a plan, `PipelineError` where the issue is done,
    or an agent is at work on it.
    """
    with desk.book.alone():
        issue = desk.issue(issue_id)
        _require_free(desk, issue)
        return _record(desk, issue, _solution(desk, issue, _fields(content)))


def update(desk: Desk, solution_id: str, changes: Content) -> PlanningRecord:
    """Record a person's own edit of an issue's current plan as the next plan, pending.

    Fields that `changes` does not name stay. A plan that waits or is approved, and would come out
    the same, stays as it is and is returned. Raises as `create` does.
    """
    with desk.book.alone():
        before = desk.current(desk.find(solution_id), "edit")
        if before.solution is None or before.plan is None:
            raise PipelineError(f"{before.key} holds no plan that could be edited")
        issue = desk.issue(before.issue_id)
        _require_free(desk, issue)
        fields = before.solution.model_dump(mode="json") | dict(_fields(changes))
        solution = _solution(desk, issue, fields)
        same = solution.model_copy(update={"solution_id": before.key}) == before.solution
        if same and before.plan.state in SAME_TEXT_WAITS:
            return before
        return _record(desk, issue, solution, minutes=before.plan.budget.minutes)


def _require_free(desk: Desk, issue: Issue) -> None:
    """Raise when the issue is done, an agent works on it, or somebody else decides here."""
    require_owner(desk.places.user.state)
    state, verb = desk.book.state, f"cannot plan {issue.id}"
    if issue.closed:
        raise PipelineError(f"{verb}: it is closed; `pipeline issues reopen {issue.id}`")
    if state.landed(issue.id) is not None:
        raise PipelineError(f"{verb}: it has landed; {NEW_ISSUE}")
    if state.open_attempt is not None and state.open_attempt.issue_id == issue.id:
        raise PipelineError(f"{verb}: {state.open_attempt.solution_id} is being executed")
    planning = state.open_planning
    if planning is not None and planning.issue_id == issue.id and alive(desk.places):
        raise PipelineError(f"{verb}: the Planning agent works on it now; try again later")


def _fields(content: Content) -> Mapping[str, object]:
    return content.model_dump(mode="json") if isinstance(content, Solution) else content


def _solution(desk: Desk, issue: Issue, fields: Mapping[str, object]) -> Solution:
    """Return the checked fields as the issue's next solution."""
    own = {
        "solution_id": desk.book.state.next_solution_id(issue.id),
        "issue_id": issue.id,
    }
    meant = fields.get("issue_id", issue.id)
    if meant != issue.id:
        raise PlanRefused(issue.id, [f"issue_id: is {meant!r}: this is the text of another issue"])
    try:
        solution = Solution.model_validate({**fields, **own})
    except ValidationError as error:
        lines = [_in_words(one) for one in error.errors(include_url=False)]
        raise PlanRefused(issue.id, lines) from error
    if strangers := list(_strangers(fields, solution.model_dump(mode="json"))):
        raise PlanRefused(issue.id, strangers)
    return solution


def _record(
    desk: Desk, issue: Issue, solution: Solution, *, minutes: int | None = None
) -> PlanningRecord:
    """Check a solution like an agent's, and make it the issue's current plan."""
    state, base, now = desk.book.state, _base(desk), desk.now()
    checked = judged(
        solution,
        issue=issue,
        state=state,
        settings=desk.settings,
        trees=desk.gate.trees,
        base=base,
        places=desk.book.places,
    )
    if checked.errors:
        raise PlanRefused(issue.id, checked.errors)
    record = PlanningRecord(
        issue_id=issue.id,
        solution_id=solution.solution_id,
        status=PlanningStatus.COMPLETED,
        solution=solution,
        planned_at=now,
        attempt=state.next_planning_attempt(issue.id),
        base_commit=base,
        plan=envelope(
            solution,
            settings=desk.settings,
            created_by=f"{BY_USER}{desk.approver.name}",
            now=now,
            minutes=minutes,
            warnings=checked.warnings,
        ),
        rehearsal=desk.settings.rehearsal,
    )
    before = state.current(issue.id)
    if before is not None:
        desk.gate.withdraw(before)
    record_plan(desk.book, desk.bus, record, issue, desk.settings)
    if not desk.patient:
        desk.book.flush()
    return desk.book.state.planning[record.key]


def _base(desk: Desk) -> str:
    """Return the commit that the plan is made on: the open run's tip, else HEAD."""
    run = desk.book.state.run
    if run is None:
        return head_commit(desk.repo)
    tip = desk.gate.tip(desk.book.state)
    if tip is None:
        raise PipelineError(
            f"the run's branch {run.branch!r} is gone: restore it from `git reflog`, "
            "or start another run with `pipeline run --new`"
        )
    return tip


def _in_words(error: ErrorDetails) -> str:
    """Return one line: the place as validation writes it, the value, what is wanted."""
    place = _place(error["loc"])
    if error["type"] == "missing":
        return f"{place}: is missing"
    return f"{place}: is {short(error['input'])}: {what_is_wanted(error)}"


def _place(parts: Sequence[str | int]) -> str:
    """Return a place in JSON: `tasks[0].files[1].path`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.removeprefix(".")


def _strangers(given: object, known: object, place: str = "") -> Iterator[str]:
    """Yield a line for each field that is none: a mistyped name must not lose its value."""
    if isinstance(given, Mapping) and isinstance(known, Mapping):
        for name, value in given.items():
            where = f"{place}.{name}".removeprefix(".")
            if name not in known:
                yield f"{where}: there is no such field; there are {', '.join(known)}"
            else:
                yield from _strangers(value, known[name], where)
    elif isinstance(given, list | tuple) and isinstance(known, list):
        for number, (value, own) in enumerate(zip(given, known, strict=False)):
            yield from _strangers(value, own, f"{place}[{number}]")
