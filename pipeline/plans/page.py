"""What a reviewer reads before a decision: one plan on one page, 80 columns, everything in it.

All text is shown as it stands, without Markdown: an HTML comment is as visible as the rest.
"""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from pipeline.domain.issue import Issue
from pipeline.domain.plan import Approval, Plan
from pipeline.domain.results import PlanningRecord
from pipeline.domain.solution import FileAction, Solution, Step, Task
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


def plan_page(
    record: PlanningRecord, issue: Issue | None = None, *, notes: Sequence[str] = ()
) -> str:
    """Return the page of one plan; `notes` are lines of its own (drift, conflicts, cost)."""
    solution, plan = record.solution, record.plan
    if solution is None or plan is None:
        return "\n".join(_without_plan(record)) + "\n"
    lines = [
        *_wrapped(solution.title),
        "",
        *_labelled("plan", f"{record.key} for {record.issue_id}{_issue_title(issue)}"),
        *_labelled("state", _state(plan)),
        *_labelled("risk", plan.risk.level),
        *(line for reason in plan.risk.reasons for line in _item(reason)),
        *_labelled("base", record.base_commit or "none"),
        *(line for note in notes for line in _labelled("note", note)),
        *_section("Goal", solution.goal),
        *_section("Approach", solution.approach),
        *_tasks(solution),
        *_list("Accepted when", solution.acceptance.criteria),
        *_commands("Acceptance commands", solution.acceptance.commands),
        *_list("Risks", [_risk(one.item, one.mitigation) for one in solution.risks]),
        *_list("Assumptions", solution.assumptions),
        *_list("Questions", solution.clarifying_questions),
        *_section("Rollback", solution.rollback),
        *_terms(solution, plan),
        *_approval(plan.approval),
    ]
    return "\n".join(lines).rstrip() + "\n"


def moment(when: datetime) -> str:
    """Return a time as people read it: `2026-11-21 02:29Z`."""
    return f"{when:%Y-%m-%d %H:%M}Z"


def _without_plan(record: PlanningRecord) -> Iterator[str]:
    yield from _wrapped(f"{record.issue_id}: {record.status.replace('_', ' ')}")
    if record.error:
        yield from _labelled("reason", record.error)
    yield from _list("Questions", record.questions)


def _issue_title(issue: Issue | None) -> str:
    return f": {issue.title}" if issue else ""


def _state(plan: Plan) -> str:
    deferred = ", deferred" if plan.deferred else ""
    return f"{plan.state}{deferred}" + (f": {plan.state_reason}" if plan.state_reason else "")


def _tasks(solution: Solution) -> Iterator[str]:
    for task in solution.tasks:
        yield ""
        yield from _wrapped(f"{task.id}  {task.title}{_after_tasks(task)}")
        if task.description:
            yield from _wrapped(task.description, "    ")
        for change in task.files:
            said = f": {change.change}" if change.change else ""
            yield from _wrapped(
                f"{SIGNS[change.action]} {change.path} ({change.action}){said}", "    ", "      "
            )
        for step in task.steps:
            yield from _wrapped(f"* {_step(step)}", "    ", "      ")
            if step.content:
                yield from (f"      | {line}" for line in _verbatim(step.content))
        for command in task.tests:
            yield from _command("test", command)


def _after_tasks(task: Task) -> str:
    return f" (after {', '.join(task.depends_on)})" if task.depends_on else ""


def _step(step: Step) -> str:
    said = [step.type, step.target, step.action]
    if step.line_range:
        said.append(f"lines {step.line_range[0]} to {step.line_range[1]}")
    if step.command:
        said.append(f"$ {step.command}")
    return "  ".join(part for part in said if part)


def _terms(solution: Solution, plan: Plan) -> Iterator[str]:
    budget = plan.budget
    money = f", ${budget.usd:.2f}" if budget.usd is not None else ""
    yield ""
    yield from _labelled("budget", f"{budget.tokens:,} tokens{money}, {budget.minutes} minutes")
    if solution.tasks and budget.tokens / len(solution.tasks) > 5 * TASK_TOKENS:
        each = budget.tokens // len(solution.tasks)
        yield from _labelled(
            "", f"warning: {each:,} tokens a task are much; {TASK_TOKENS:,} are usual"
        )
    yield from _labelled("mode", plan.mode)
    yield from _labelled("may touch", ", ".join(plan.may_touch) or "nothing besides its files")
    if plan.grants:
        yield from _labelled("grants", ", ".join(plan.grants))
    if plan.after and plan.approval is None:
        yield from _labelled("after", ", ".join(one.solution_id for one in plan.after))


def _approval(approval: Approval | None) -> Iterator[str]:
    if approval is None:
        return
    yield ""
    who = f"{approval.approver} (uid {approval.uid}, {approval.role})"
    yield from _labelled("approved", f"by {who} at {moment(approval.decided_at)}")
    yield from _labelled("expires", moment(approval.expires_at))
    if approval.after:
        yield from _labelled("after", ", ".join(one.solution_id for one in approval.after))
    if approval.comment:
        yield from _labelled("comment", approval.comment)


def _risk(item: str, mitigation: str) -> str:
    return f"{item} Mitigation: {mitigation}" if mitigation else item


def _section(title: str, body: str) -> Iterator[str]:
    if body.strip():
        yield from ("", title)
        yield from _wrapped(body, "  ")


def _list(title: str, items: Iterable[str]) -> Iterator[str]:
    shown = [item for item in items if item.strip()]
    if shown:
        yield from ("", title)
        yield from (line for item in shown for line in _wrapped(f"- {item}", "  ", "    "))


def _commands(title: str, commands: Iterable[str]) -> Iterator[str]:
    shown = list(commands)
    if shown:
        yield from ("", title)
        yield from (line for command in shown for line in _command("", command))


def _command(kind: str, command: str) -> Iterator[str]:
    """Show a command whole, line by line, never wrapped: it runs exactly like this."""
    label = f"{kind} $ " if kind else "$ "
    for line in _verbatim(command):
        yield f"    {label}{line}"
        label = " " * len(label)


def _labelled(label: str, body: str) -> list[str]:
    return _wrapped(f"{label:<{LABEL}}{clean(body, one_line=True)}", "", " " * LABEL)


def _item(body: str) -> list[str]:
    return _wrapped(f"- {body}", " " * LABEL, " " * (LABEL + 2))


def _verbatim(text: str) -> list[str]:
    return clean(text).split("\n")


def _wrapped(text: str, first: str = "", rest: str | None = None) -> list[str]:
    """Return `text` cleaned and wrapped, its own line ends kept."""
    lines: list[str] = []
    for paragraph in clean(text).strip().split("\n"):
        indent = first if not lines else (first if rest is None else rest)
        lines += textwrap.wrap(
            paragraph,
            WIDTH,
            initial_indent=indent,
            subsequent_indent=first if rest is None else rest,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return lines
