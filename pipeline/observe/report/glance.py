"""The first screen: what landed, what needs me, what did it cost, and what to type next."""

from pipeline.domain.counting import counted
from pipeline.domain.group import Group
from pipeline.observe.report.facts import Action, Report
from pipeline.observe.report.markup import Html, sentence, tag
from pipeline.observe.report.steps import DECIDE, commits
from pipeline.observe.report.words import capital, duration, heading, lines, money

SHOWN = 6
"""So many commands are in sight; the others unfold."""


def glance(report: Report) -> Html:
    """Return the three answers and the commands of the morning."""
    return tag(
        "section",
        tag("h2", "At a glance", id="glance", class_="unseen"),
        tag("div", _landed(report), _needs_you(report), _cost(report), class_="tiles"),
        _said(report),
        _next(report.next),
        aria_labelledby="glance",
    )


def anchor(group: str) -> str:
    """Return the id of a group's heading."""
    return f"group-{group.replace(' ', '-')}"


def _tile(kind: str, name: str, number: str, *lines: str | Html | None) -> Html:
    return tag(
        "div",
        tag("h3", name),
        tag("p", number, class_="number"),
        tag("ul", (tag("li", line) for line in lines if line)),
        class_=f"tile {kind}",
    )


def _landed(report: Report) -> Html:
    totals = report.totals
    size = f"{lines(totals.added, totals.deleted)} lines in {counted(totals.files, 'file')}"
    return _tile(
        "landed",
        "Landed",
        f"{totals.landed:,}",
        f"of {counted(totals.issues - totals.landed_earlier, 'issue')}",
        f"{commits(totals.commits, totals.unproven)}, {size}" if totals.commits else None,
        f"{totals.landed_earlier:,} more had landed before" if totals.landed_earlier else None,
    )


def _needs_you(report: Report) -> Html:
    others = (Group.FAILED, Group.PARKED, Group.TURNED_DOWN, Group.NOT_STARTED)
    entries = report.groups[Group.NEEDS_YOU]
    waiting = len(entries)
    plans = sum((one.next or "").startswith(DECIDE) for one in entries)
    return _tile(
        "needs-you",
        "Needs you",
        f"{waiting:,}",
        None if waiting else "no plan waits for a decision",
        f"{counted(plans, 'plan')} to decide on" if plans else None,
        f"{counted(waiting - plans, 'issue')} to answer or plan again" if waiting > plans else None,
        *(
            tag("a", f"{len(found):,} {heading(group).lower()}", href=f"#{anchor(group)}")
            for group in others
            if (found := report.groups[group])
        ),
    )


def _cost(report: Report) -> Html:
    usage = report.usage
    run = report.budget.get("run", {})
    money_share, _tokens = run.get("usd"), run.get("tokens")
    cap = money_share.get("cap") if isinstance(money_share, dict) else None
    limit = f"of at most {money(cap)}" if isinstance(cap, int | float) else None
    return _tile(
        "cost",
        "Cost",
        money(usage.usd),
        limit,
        f"{counted(usage.metered_tokens, 'token')} in {counted(usage.calls, 'model call')}",
        f"{duration(report.worked_s)} of work" if report.worked_s else None,
    )


def _said(report: Report) -> Html | None:
    """Return what holds the run up and what else has to be known."""
    lines = [capital(said) for said in (*report.holds, *report.remarks)]
    return (
        tag("ul", (tag("li", sentence(line)) for line in lines), class_="remarks")
        if lines
        else None
    )


def _next(actions: tuple[Action, ...]) -> Html | None:
    if not actions:
        return None
    first, more = actions[:SHOWN], actions[SHOWN:]
    rest = tag("summary", f"{counted(len(more), 'command')} more")
    return tag(
        "div",
        tag("h3", "What to type next"),
        _commands(first),
        tag("details", rest, _commands(more)) if more else None,
        class_="next",
    )


def _commands(actions: tuple[Action, ...]) -> Html:
    rows = (
        tag("li", tag("span", one.why, class_="why"), " ", tag("code", one.command))
        for one in actions
    )
    return tag("ul", rows, class_="commands")
