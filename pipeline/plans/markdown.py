"""A plan as a living ExecPlan: a newcomer can carry it out from this file alone (seed 003).

The thirteen headings stand in their order whatever is known; the only checklist is Progress. The
same records give the same bytes. What others wrote is escaped: it can neither hide nor make
headings, checklists or images.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pipeline.domain.issue import Issue
from pipeline.domain.plan import Plan, PlanState
from pipeline.domain.results import ExecutionRecord, ExecutionStatus, PlanningRecord
from pipeline.domain.solution import FileAction, Solution, Task
from pipeline.plans.page import approver_of, moment
from pipeline.plans.sanitize import clean
from pipeline.store.files import write_whole

SLUG_LENGTH = 40

LIVING = (
    "This ExecPlan is a living document. The sections `Progress`, `Surprises & Discoveries`, "
    "`Decision Log`, and `Outcomes & Retrospective` must be kept up to date as work proceeds."
)
KEEPER = (
    "The pipeline keeps it up to date, in the form that OpenAI's PLANS.md describes; words of your "
    "own belong into `pipeline request-changes`, because this file is written again."
)
RECOVERY = (
    "Every attempt starts from a clean workspace at the run branch's tip, so it can be repeated "
    "safely; an attempt that fails leaves the branch as it was."
)

ACTION_WORDS: dict[FileAction, str] = {
    FileAction.CREATE: "is created",
    FileAction.MODIFY: "is modified",
    FileAction.DELETE: "is deleted",
}

HTML = re.compile(r"<(?=[!/?A-Za-z])")
ENTITY = re.compile(r"&(?=#?\w{1,32};)")
LINE_START = re.compile(
    r"(?m)^([ \t]*(?:(?:[-*+]|\d+[.)])[ \t]+)*)(#|```|~~~|\[|=+[ \t]*$|-+[ \t]*$)"
)


def plan_path(folder: Path, record: PlanningRecord) -> Path:
    """Return where the plan's Markdown lies: `<date>_<solution id>_<slug>.md` below `folder`."""
    title = record.solution.title if record.solution else ""
    words = re.findall(r"[a-z0-9]+", clean(title, one_line=True).lower())
    slug = "-".join(words)[:SLUG_LENGTH].strip("-") or "plan"
    return folder / f"{record.planned_at:%Y-%m-%d}_{record.key}_{slug}.md"


def render_plan(
    record: PlanningRecord,
    issue: Issue | None = None,
    attempts: Sequence[ExecutionRecord] = (),
) -> str:
    """Return the plan's ExecPlan; `attempts` are the records of its execution, oldest first.

    Raises ValueError for a record without a plan.
    """
    solution, plan = record.solution, record.plan
    if solution is None or plan is None:
        raise ValueError(f"{record.key} holds no plan")
    sections: dict[str, Iterable[str]] = {
        "Purpose / Big Picture": _purpose(solution, issue),
        "Progress": _progress(record, solution, plan, attempts),
        "Surprises & Discoveries": _surprises(attempts),
        "Decision Log": _decisions(record, solution, plan),
        "Outcomes & Retrospective": _outcomes(attempts),
        "Context and Orientation": _context(record, solution),
        "Plan of Work": _work(solution),
        "Concrete Steps": _steps(solution),
        "Validation and Acceptance": _acceptance(solution),
        "Idempotence and Recovery": _recovery(solution),
        "Artifacts and Notes": _artifacts(solution),
        "Interfaces and Dependencies": _interfaces(plan, issue),
    }
    blocks = [f"# {_line(solution.title)}", LIVING, KEEPER]
    for heading, content in sections.items():
        blocks += [f"## {heading}", *content]
    blocks += ["---", _revision(record, plan)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def keep_plan(
    folder: Path,
    record: PlanningRecord,
    issue: Issue | None,
    attempts: Sequence[ExecutionRecord] = (),
) -> None:
    """Write the plan's ExecPlan to its file below `folder`; a record without a plan has none.

    It is whole at every instant, and not waited for: `pipeline show --format md` makes it again
    from the journal.
    """
    if record.solution is not None and record.plan is not None:
        text = render_plan(record, issue, attempts)
        write_whole(plan_path(folder, record), text.encode())


def prose(text: str) -> str:
    """Return text of others as Markdown that shows all of it and is nothing but paragraphs."""
    plain = ENTITY.sub("&amp;", clean(text).strip())
    plain = HTML.sub("&lt;", plain).replace("![", r"!\[")
    plain = LINE_START.sub(lambda found: f"{found[1]}\\{found[2]}", plain)
    return "\n".join(line.lstrip() if line[:4].isspace() else line for line in plain.split("\n"))


def code(text: str) -> str:
    """Return text of others as an indented block, shown letter by letter."""
    return "\n".join(f"    {line}".rstrip() for line in clean(text).split("\n"))


def _line(text: str) -> str:
    return prose(clean(text, one_line=True))


def _sentence(text: str) -> str:
    line = _line(text)
    return line if line.endswith((".", "!", "?")) or not line else f"{line}."


def _purpose(solution: Solution, issue: Issue | None) -> Iterator[str]:
    yield prose(solution.goal) or _line(solution.title)
    if issue is not None:
        yield f"It solves issue {issue.id}, {_line(issue.title)!r}. The issue says:"
        yield code(issue.description.strip() or issue.title)


def _progress(
    record: PlanningRecord, solution: Solution, plan: Plan, attempts: Sequence[ExecutionRecord]
) -> Iterator[str]:
    items = [f"- [x] ({moment(record.planned_at)}) Planned as {record.key}."]
    if plan.approval:
        when = moment(plan.approval.decided_at)
        items.append(f"- [x] ({when}) Approved by {_line(approver_of(plan.approval))}.")
    elif plan.state in (PlanState.REJECTED, PlanState.STALE, PlanState.SUPERSEDED):
        items.append(f"- [x] ({moment(plan.updated_at)}) The plan became {plan.state}.")
    else:
        items.append("- [ ] Approved.")
    last = attempts[-1] if attempts else None
    done = {task.id for task in last.tasks if task.status == "completed"} if last else set()
    when = f"({moment(last.executed_at)}) " if last else ""
    for task in solution.tasks:
        mark, at = ("x", when) if task.id in done else (" ", "")
        items.append(f"- [{mark}] {at}{task.id}: {_line(task.title)}")
    landed = last is not None and last.status is ExecutionStatus.COMPLETED
    items.append(f"- [x] {when}Landed as one tested change." if landed else "- [ ] Landed.")
    yield "\n".join(items)


def _surprises(attempts: Sequence[ExecutionRecord]) -> Iterator[str]:
    found = False
    for attempt in attempts:
        if attempt.error:
            found = True
            yield f"Observation: attempt {attempt.attempt} failed ({attempt.failure_class})."
            yield f"Evidence: {_line(attempt.error)}"
        if attempt.quarantine:
            found = True
            yield "Observation: changes outside the plan were set aside."
            yield f"Evidence: the patch is kept at `{_line(attempt.quarantine)}`."
    if not found:
        yield "None so far."


def _decisions(record: PlanningRecord, solution: Solution, plan: Plan) -> Iterator[str]:
    yield (
        f"Decision: carry the issue out in {len(solution.tasks)} tasks, risk {plan.risk.level}. "
        f"Rationale: {_sentence(solution.approach) or 'none was given.'} "
        f"Date/Author: {moment(record.planned_at)}, {_line(plan.created_by)}."
    )
    if plan.risk.reasons:
        yield f"The risk comes from: {'; '.join(_line(one) for one in plan.risk.reasons)}."
    if plan.approval:
        given = plan.approval
        said = _sentence(given.comment) or "none was given."
        yield (
            f"Decision: approved as {given.role}, until {moment(given.expires_at)}. "
            f"Rationale: {said} "
            f"Date/Author: {moment(given.decided_at)}, {_line(approver_of(given))}."
        )
    elif plan.state_reason:
        yield (
            f"Decision: the plan is {plan.state}. Rationale: {_sentence(plan.state_reason)} "
            f"Date/Author: {moment(plan.updated_at)}, the pipeline."
        )


def _outcomes(attempts: Sequence[ExecutionRecord]) -> Iterator[str]:
    if not attempts:
        yield "Not carried out yet."
        return
    last = attempts[-1]
    if last.status is ExecutionStatus.COMPLETED:
        yield (
            f"Attempt {last.attempt} landed at {moment(last.executed_at)} as commit "
            f"{last.commit_hash} on {_line(last.branch or 'its branch')}."
        )
    else:
        state = last.status.replace("_", " ")
        yield f"Attempt {last.attempt} ended {state} at {moment(last.executed_at)}."
    if last.claim and last.claim.summary:
        yield f"The agent says: {prose(last.claim.summary)}"
    if last.claim and last.claim.contradicts:
        yield f"The evidence contradicts it: {_line(last.claim.contradicts)}"


def _context(record: PlanningRecord, solution: Solution) -> Iterator[str]:
    yield f"The plan was made by reading the repository at commit {record.base_commit}."
    for path in solution.paths:
        changes = [c for task in solution.tasks for c in task.files if c.path == path]
        words = " and ".join(dict.fromkeys(ACTION_WORDS[c.action] for c in changes))
        said = " ".join(c.change for c in changes if c.change)
        yield f"`{_line(path)}` {words}{f': {_sentence(said)}' if said else '.'}"
    if solution.assumptions:
        yield f"It assumes: {'; '.join(_line(one) for one in solution.assumptions)}."
    if solution.clarifying_questions:
        yield f"It leaves open: {' '.join(_line(one) for one in solution.clarifying_questions)}"


def _work(solution: Solution) -> Iterator[str]:
    yield prose(solution.approach)
    for task in solution.tasks:
        yield f"### Milestone {task.id}: {_line(task.title)}"
        after = f" It follows {', '.join(task.depends_on)}." if task.depends_on else ""
        yield (prose(task.description) or _sentence(task.title)) + after
        yield _proof(task)


def _proof(task: Task) -> str:
    if not task.tests:
        return "It has no test of its own; the acceptance below proves it."
    return "It is proven when these commands exit with 0:\n\n" + code("\n".join(task.tests))


def _steps(solution: Solution) -> Iterator[str]:
    yield "Work in the repository's root. The pipeline makes the commit."
    for task in solution.tasks:
        for step in task.steps:
            lines = f" (lines {step.line_range[0]}-{step.line_range[1]})" if step.line_range else ""
            action = f": {_line(step.action)}" if step.action else ""
            kind = step.type.replace("_", " ")
            yield f"In {task.id}, {kind} `{_line(step.target)}`{lines}{action}"
            if step.command:
                yield code(step.command)
            if step.content:
                yield code(step.content)
        if not task.steps:
            changes = ", ".join(f"{c.action} `{_line(c.path)}`" for c in task.files)
            yield f"For {task.id}, {changes or 'see its milestone'}."


def _acceptance(solution: Solution) -> Iterator[str]:
    for criterion in solution.acceptance.criteria:
        yield prose(criterion)
    if solution.acceptance.commands:
        yield "Run these commands in the repository's root and expect each to exit with 0:"
        yield code("\n".join(solution.acceptance.commands))
    yield "The project's own tests must pass on exactly the tree that is committed."
    for risk in solution.risks:
        yield f"A risk: {_line(risk.item)} {_line(risk.mitigation)}".rstrip()


def _recovery(solution: Solution) -> Iterator[str]:
    yield RECOVERY
    yield prose(solution.rollback)


def _artifacts(solution: Solution) -> Iterator[str]:
    if solution.artifacts:
        yield "The work leaves these behind:"
        yield code("\n".join(solution.artifacts))
    if solution.lessons:
        yield "Worth knowing for later issues:"
        yield code("\n".join(f"{one.kind}: {one.text}" for one in solution.lessons))
    if not solution.artifacts and not solution.lessons:
        yield "None."


def _interfaces(plan: Plan, issue: Issue | None) -> Iterator[str]:
    if issue is not None and issue.depends_on:
        yield f"The issue depends on {', '.join(issue.depends_on)}, which must have landed."
    after = plan.approval.after if plan.approval else plan.after
    if after:
        names = ", ".join(one.solution_id for one in after)
        yield f"These plans may change the same files and run earlier: {names}."
    globs = ", ".join(f"`{glob}`" for glob in plan.may_touch) or "nothing else"
    yield f"Besides the files above the work may touch {globs}."
    if plan.grants:
        names = ", ".join(f"`{_line(name)}`" for name in plan.grants)
        yield f"It asks for these privileges, which its approval grants: {names}."
    money = f", ${plan.budget.usd:.2f}" if plan.budget.usd is not None else ""
    yield (
        f"It may spend {plan.budget.tokens:,} tokens{money} and {plan.budget.minutes} minutes, "
        f"in mode {plan.mode}."
    )


def _revision(record: PlanningRecord, plan: Plan) -> str:
    reason = f", because: {_sentence(plan.state_reason)}" if plan.state_reason else "."
    return (
        f"Revision note: {record.key} is planning attempt {record.attempt} of {record.issue_id} "
        f"({moment(record.planned_at)}). It is {plan.state} since {moment(plan.updated_at)}{reason}"
    )
