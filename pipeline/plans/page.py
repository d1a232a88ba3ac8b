"""What a reviewer reads before a decision: one plan on one page, everything in it.

All text is shown as it stands, without Markdown: an HTML comment is as visible as the rest.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice

from pipeline.domain.base import here
from pipeline.domain.counting import counted
from pipeline.domain.issue import Issue
from pipeline.domain.plan import Approval, Plan
from pipeline.domain.results import PlanningRecord
from pipeline.domain.solution import FileAction, Solution, Step, Task
from pipeline.plans.layout import Block, Style, layout
from pipeline.plans.openings import openings
from pipeline.plans.preview import Kind, Read, nothing_to_read, preview
from pipeline.plans.privileges import who_grants
from pipeline.plans.sanitize import clean

WIDTH = 80
LABEL = 11
TASK_TOKENS = 20_000
"""Above this estimate per task the reviewer is warned (seed 000's step limit)."""

SIGNS: dict[FileAction, str] = {
    FileAction.CREATE: "+",
    FileAction.MODIFY: "~",
    FileAction.DELETE: "-",
}

PREVIEW: dict[Kind, Style] = {
    "head": "quiet",
    "old": "warn",
    "new": "code",
    "same": "text",
    "text": "code",
}
PIECE = 500
"""So many lines of a preview are laid out at once."""

EMPTY = Block("")


@dataclass(frozen=True)
class Note:
    """Something about a plan that its text does not say: its cost, its neighbours, its ground."""

    label: str
    """At most nine letters."""
    text: str
    warns: bool = False


def plan_page(
    record: PlanningRecord,
    issue: Issue | None = None,
    *,
    notes: Sequence[Note] = (),
    read: Read = nothing_to_read,
) -> str:
    """Return the page of one plan, 80 columns wide."""
    return as_text(plan_blocks(record, issue, notes=notes, read=read))


def as_text(blocks: Iterable[Block]) -> str:
    """Return blocks as text, 80 columns wide."""
    return "\n".join(row.text for row in layout(blocks, WIDTH)).rstrip() + "\n"


def plan_blocks(
    record: PlanningRecord,
    issue: Issue | None = None,
    *,
    notes: Sequence[Note] = (),
    read: Read = nothing_to_read,
) -> Iterator[Block]:
    """Yield the page of one plan, of any width; `notes` stand near its top.

    `read`: the files at the plan's base, for what its steps would change in them.
    """
    solution, plan = record.solution, record.plan
    if solution is None or plan is None:
        yield from _without_plan(record, issue)
        return
    yield Block(solution.title, style="title")
    yield EMPTY
    yield _labelled("plan", f"{record.key} for {record.issue_id}{_issue_title(issue, solution)}")
    yield _labelled("state", _state(plan), "warn" if plan.state_reason else "text")
    yield _labelled("risk", plan.risk.level, "warn" if plan.risk.level.rank > 1 else "text")
    yield from (_item(reason) for reason in plan.risk.reasons)
    yield from _privileges(solution)
    for n, warning in enumerate(plan.warnings):
        yield _labelled("warnings" if n == 0 else "", warning, "warn")
    for note in notes:
        yield _labelled(note.label, note.text, "warn" if note.warns else "text")
    yield from _section("Goal", solution.goal)
    yield from _section("Approach", solution.approach)
    yield from _tasks(solution, read)
    yield from _list("Accepted when", solution.acceptance.criteria)
    yield from _commands("Acceptance commands", solution.acceptance.commands)
    yield from _list("Risks", (_risk(one.item, one.mitigation) for one in solution.risks))
    yield from _unsure(solution)
    yield from _section("Rollback", solution.rollback)
    yield from _terms(record, solution, plan)
    yield from _approval(plan.approval)


def issue_blocks(issue: Issue) -> Iterator[Block]:
    """Yield the page of an issue: what was asked for, by whom, and what was said of it since."""
    yield Block(issue.title, style="title")
    yield EMPTY
    yield _labelled("issue", issue.id)
    who = issue.author or "unknown"
    yield _labelled("author", f"{who} ({issue.author_trust})")
    yield _labelled("priority", f"{issue.priority} (1 is critical, 5 trivial)")
    if issue.source_url:
        yield _labelled("from", issue.source_url)
    if issue.depends_on:
        yield _labelled("after", ", ".join(issue.depends_on))
    if issue.labels:
        yield _labelled("labels", ", ".join(issue.labels))
    yield EMPTY
    yield Block(issue.description or "(it has no description)")
    for said in issue.feedback:
        by = f" by {said.author}" if said.author else ""
        yield EMPTY
        yield Block(f"{said.type}{by}, {here(said.created_at)}", style="head")
        yield Block(said.content, "  ")


def moment(when: datetime) -> str:
    """Return a time as files have it for people: `2026-11-21 02:29Z`."""
    return f"{when:%Y-%m-%d %H:%M}Z"


def approver_of(approval: Approval) -> str:
    """Return who approved a plan: a name, or the rule that did it in somebody's name."""
    if approval.rule is None:
        return approval.approver
    return f"the rule {approval.rule!r} for {approval.approver}"


def _without_plan(record: PlanningRecord, issue: Issue | None) -> Iterator[Block]:
    if issue is not None:
        yield Block(issue.title, style="title")
        yield EMPTY
    yield Block(
        f"{record.issue_id}: {record.status.replace('_', ' ')}", style="text" if issue else "title"
    )
    if record.error:
        yield _labelled("reason", record.error)
    yield from _list("Questions", record.questions)


def _issue_title(issue: Issue | None, solution: Solution) -> str:
    """Return the issue's title where it says something that the plan's does not."""
    return f": {issue.title}" if issue and issue.title.strip() != solution.title.strip() else ""


def _state(plan: Plan) -> str:
    deferred = ", deferred" if plan.deferred else ""
    return f"{plan.state}{deferred}" + (f": {plan.state_reason}" if plan.state_reason else "")


def _tasks(solution: Solution, read: Read) -> Iterator[Block]:
    for task in solution.tasks:
        yield EMPTY
        yield Block(f"{task.id}  {task.title}{_after_tasks(task)}", style="head")
        if task.description:
            yield Block(task.description, "    ")
        for change in task.files:
            said = f": {change.change}" if change.change else ""
            style: Style = "warn" if change.action is FileAction.DELETE else "text"
            sign = SIGNS[change.action]
            yield Block(
                f"{sign} {change.path} ({change.action}){said}", "    ", "      ", style=style
            )
        for step in task.steps:
            yield Block(f"* {_step(step)}", "    ", "      ")
            yield from _preview(step, read)
        yield from (_command("test", command) for command in task.tests)


def _preview(step: Step, read: Read) -> Iterator[Block]:
    """Show what a step carries, in pieces: a reader of the first page waits for no others."""
    for kind, lines in groupby(preview(step, read), key=lambda line: line.kind):
        while piece := [line.text for line in islice(lines, PIECE)]:
            yield Block("\n".join(piece), "      | ", style=PREVIEW[kind], verbatim=True)


def _after_tasks(task: Task) -> str:
    return f" (after {', '.join(task.depends_on)})" if task.depends_on else ""


def _step(step: Step) -> str:
    said = [step.type, step.target, step.action]
    if step.line_range:
        said.append(f"lines {step.line_range[0]} to {step.line_range[1]}")
    if step.command:
        said.append(f"$ {step.command}")
    return "  ".join(part for part in said if part)


def _privileges(solution: Solution) -> Iterator[Block]:
    """Yield each operation that an approval would grant, who may grant it, and what it is for."""
    for n, asked in enumerate(solution.privileges):
        said = f"{asked.operation} {asked.target}".strip()
        text = f"{said} (needs {who_grants(asked.operation)}): {asked.reason}"
        yield _labelled("grants" if n == 0 else "", text, "warn")


def _unsure(solution: Solution) -> Iterator[Block]:
    yield from _list("Assumptions", solution.assumptions)
    yield from _list("Questions", solution.clarifying_questions, "warn")
    if solution.score:
        yield EMPTY
        yield _labelled("sure", f"{solution.score:.0%}, by the planner's own judgement")


def _terms(record: PlanningRecord, solution: Solution, plan: Plan) -> Iterator[Block]:
    budget = plan.budget
    money = f", ${budget.usd:.2f}" if budget.usd is not None else ""
    yield EMPTY
    yield _labelled(
        "budget", f"{budget.tokens:,} tokens{money}, {counted(budget.minutes, 'minute')}"
    )
    if solution.tasks and budget.tokens / len(solution.tasks) > 5 * TASK_TOKENS:
        each = budget.tokens // len(solution.tasks)
        warning = f"warning: {each:,} tokens a task are much; {TASK_TOKENS:,} are usual"
        yield _labelled("", warning, "warn")
    yield _labelled("mode", plan.mode)
    found = [f"{one.why}: {', '.join(one.globs)}" for one in openings(plan.opened)]
    for n, text in enumerate(found or ["nothing besides its files"]):
        yield _labelled("may touch" if n == 0 else "", text)
    yield _labelled("base", record.base_commit or "none")
    if plan.after and plan.approval is None:
        yield _labelled("after", ", ".join(one.solution_id for one in plan.after))


def _approval(approval: Approval | None) -> Iterator[Block]:
    if approval is None:
        return
    yield EMPTY
    who = f"{approver_of(approval)} (uid {approval.uid}, {approval.role})"
    yield _labelled("approved", f"by {who} at {here(approval.decided_at)}")
    yield _labelled("expires", here(approval.expires_at))
    if approval.after:
        yield _labelled("after", ", ".join(one.solution_id for one in approval.after))
    if approval.comment:
        yield _labelled("comment", approval.comment)


def _risk(item: str, mitigation: str) -> str:
    return f"{item} Mitigation: {mitigation}" if mitigation else item


def _section(title: str, body: str) -> Iterator[Block]:
    if body.strip():
        yield EMPTY
        yield Block(title, style="head")
        yield Block(body, "  ")


def _list(title: str, items: Iterable[str], style: Style = "text") -> Iterator[Block]:
    shown = [item for item in items if item.strip()]
    if shown:
        yield EMPTY
        yield Block(title, style="head")
        yield from (Block(f"- {item.strip()}", "  ", "    ", style=style) for item in shown)


def _commands(title: str, commands: Iterable[str]) -> Iterator[Block]:
    shown = list(commands)
    if shown:
        yield EMPTY
        yield Block(title, style="head")
        yield from (_command("", command) for command in shown)


def _command(kind: str, command: str) -> Block:
    """Show a command whole, line by line, never wrapped: it runs exactly like this."""
    label = f"    {kind} $ " if kind else "    $ "
    return Block(command, label, " " * len(label), style="code", verbatim=True)


def _labelled(label: str, body: str, style: Style = "text") -> Block:
    text = f"{label:<{LABEL}}{clean(body, one_line=True)}"
    if not label:
        return Block(text.strip(), " " * LABEL, style=style)
    return Block(text, "", " " * LABEL, style=style)


def _item(body: str) -> Block:
    return Block(f"- {body}", " " * LABEL, " " * (LABEL + 2))
