"""A plan as a living ExecPlan: a newcomer can carry it out from this file alone (seed 003).

The headings stand in their order whatever is known; the only checklist is Progress. The same
records give the same bytes, and `pipeline execplan lint` finds nothing, whatever others wrote.
"""

import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.domain.counting import counted
from pipeline.domain.issue import Issue
from pipeline.domain.plan import Plan
from pipeline.domain.results import PlanningRecord
from pipeline.domain.solution import FileAction, Solution, Task
from pipeline.plans.execplan.skeleton import LIVING, SECTIONS
from pipeline.plans.living import decisions, outcomes, progress, revision_notes, surprises
from pipeline.plans.openings import openings
from pipeline.plans.prose import code, line_of, prose, sentence
from pipeline.plans.sanitize import clean
from pipeline.store.files import write_whole
from pipeline.store.past import NOTHING, Past
from pipeline.store.secret_forms import without_forms

SLUG_LENGTH = 40

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


def plan_path(folder: Path, record: PlanningRecord) -> Path:
    """Return where the plan's Markdown lies: `<date>_<solution id>_<slug>.md` below `folder`."""
    title = record.solution.title if record.solution else ""
    words = re.findall(r"[a-z0-9]+", clean(title, one_line=True).lower())
    slug = "-".join(words)[:SLUG_LENGTH].strip("-") or "plan"
    return folder / f"{record.planned_at:%Y-%m-%d}_{record.key}_{slug}.md"


def render_plan(record: PlanningRecord, issue: Issue | None = None, past: Past = NOTHING) -> str:
    """Return the plan's ExecPlan; `past` is what happened to it so far.

    Raises ValueError for a record without a plan.
    """
    solution, plan = record.solution, record.plan
    if solution is None or plan is None:
        raise ValueError(f"{record.key} holds no plan")
    contents: tuple[Iterable[str], ...] = (
        _purpose(solution, issue),
        progress(record, solution, plan, past),
        surprises(past),
        decisions(record, solution, plan, past),
        outcomes(past),
        _context(record, solution),
        _work(solution),
        _steps(record, solution),
        _acceptance(solution),
        _recovery(solution),
        _artifacts(solution),
        _interfaces(plan, issue),
    )
    blocks = [f"# {line_of(solution.title) or record.key}", LIVING, KEEPER]
    for heading, content in zip(SECTIONS, contents, strict=True):
        blocks += [f"## {heading}", *content]
    blocks += ["---", *revision_notes(record, plan, past)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def keep_plan(
    folder: Path, record: PlanningRecord, issue: Issue | None, past: Past = NOTHING
) -> None:
    """Write the plan's ExecPlan to its file below `folder`; a record without a plan has none.

    A key that somebody wrote into the issue does not get into it.
    """
    if record.solution is not None and record.plan is not None:
        text = without_forms(render_plan(record, issue, past))
        write_whole(plan_path(folder, record), text.encode(), sweep=False)


def _purpose(solution: Solution, issue: Issue | None) -> Iterator[str]:
    yield prose(solution.goal) or line_of(solution.title) or "The issue says it."
    if issue is not None:
        yield f"It solves issue {issue.id}, {line_of(issue.title)!r}. The issue says:"
        yield code(issue.description.strip() or issue.title)


def _context(record: PlanningRecord, solution: Solution) -> Iterator[str]:
    yield f"The plan was made by reading the repository at commit {record.base_commit}."
    for path in solution.paths:
        changes = [c for task in solution.tasks for c in task.files if c.path == path]
        words = " and ".join(dict.fromkeys(ACTION_WORDS[c.action] for c in changes))
        said = " ".join(c.change for c in changes if c.change)
        yield f"`{line_of(path)}` {words}{f': {sentence(said)}' if said else '.'}"
    if solution.assumptions:
        assumed = "; ".join(line_of(one).removesuffix(".") for one in solution.assumptions)
        yield f"It assumes: {assumed}."
    if solution.clarifying_questions:
        yield f"It leaves open: {' '.join(line_of(one) for one in solution.clarifying_questions)}"


def _work(solution: Solution) -> Iterator[str]:
    yield prose(solution.approach) or "The milestones say it."
    for task in solution.tasks:
        yield f"### Milestone {task.id}: {line_of(task.title)}"
        after = f" It follows {', '.join(task.depends_on)}." if task.depends_on else ""
        yield (prose(task.description) or sentence(task.title)) + after
        yield _proof(task)


def _proof(task: Task) -> str:
    if not task.tests:
        return "It has no test of its own; the acceptance below proves it."
    return "It is proven when these commands exit with 0:\n\n" + code("\n".join(task.tests))


def _steps(record: PlanningRecord, solution: Solution) -> Iterator[str]:
    yield "Work in the repository's root. The pipeline does this by itself; by hand, begin with:"
    yield code(f"git switch --create {record.key} {record.base_commit or 'HEAD'}")
    for task in solution.tasks:
        for step in task.steps:
            lines = f" (lines {step.line_range[0]}-{step.line_range[1]})" if step.line_range else ""
            action = f": {line_of(step.action)}" if step.action else ""
            kind = step.type.replace("_", " ")
            yield f"In {task.id}, {kind} `{line_of(step.target)}`{lines}{action}"
            if step.command:
                yield code(step.command)
            if step.content:
                yield code(step.content)
        if not task.steps:
            changes = ", ".join(f"{c.action} `{line_of(c.path)}`" for c in task.files)
            yield f"For {task.id}, {changes or 'see its milestone'}."
        if task.tests:
            yield f"Then see that {task.id} works:"
            yield code("\n".join(task.tests))
    yield "When everything below is accepted, make it one commit:"
    title = shlex.quote(clean(solution.title, one_line=True) or record.key)
    yield code(f"git add --all\ngit commit --message {title}")


def _acceptance(solution: Solution) -> Iterator[str]:
    for criterion in solution.acceptance.criteria:
        yield prose(criterion)
    if solution.acceptance.commands:
        yield "Run these commands in the repository's root and expect each to exit with 0:"
        yield code("\n".join(solution.acceptance.commands))
    yield "The project's own tests must pass on exactly the tree that is committed."
    for risk in solution.risks:
        yield f"A risk: {line_of(risk.item)} {line_of(risk.mitigation)}".rstrip()


def _recovery(solution: Solution) -> Iterator[str]:
    yield RECOVERY
    yield "By hand, `git restore --staged --worktree .` goes back to the last commit."
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
    found = [
        f"{', '.join(f'`{glob}`' for glob in one.globs)} ({one.why})"
        for one in openings(plan.opened)
    ]
    yield f"Besides the files above the work may touch {'; '.join(found) or 'nothing else'}."
    if plan.grants:
        names = ", ".join(f"`{line_of(name)}`" for name in plan.grants)
        yield f"It asks for these privileges, which its approval grants: {names}."
    money = f", ${plan.budget.usd:.2f}" if plan.budget.usd is not None else ""
    minutes = counted(plan.budget.minutes, "minute")
    yield (f"It may spend {plan.budget.tokens:,} tokens{money} and {minutes}, in mode {plan.mode}.")
