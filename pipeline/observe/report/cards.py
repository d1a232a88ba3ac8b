"""The issues of the page, group by group: each with evidence, price and the next command."""

from collections.abc import Iterator, Sequence

from pipeline.domain.counting import counted
from pipeline.domain.group import Group
from pipeline.observe.report.bars import is_full
from pipeline.observe.report.entry import PLAN
from pipeline.observe.report.facts import Check, Diff, FileDiff, ReportEntry
from pipeline.observe.report.facts import Report as Facts
from pipeline.observe.report.glance import anchor
from pipeline.observe.report.markdown import tested
from pipeline.observe.report.markup import Html, join, sentence, tag
from pipeline.observe.report.words import (
    beside,
    clock,
    commit,
    duration,
    heading,
    lines,
    money,
    place,
)

MEANS: dict[Group, str] = {
    Group.LANDED: "Tested commits on the run's branch.",
    Group.NEEDS_YOU: "Plans to decide on, questions to answer, plans whose ground has moved.",
    Group.PARKED: "Set aside, blocked, or stopped by something that will pass.",
    Group.TURNED_DOWN: "Plans that were rejected.",
    Group.FAILED: "Tried and not landed, or taken back; the branch is as if nobody had tried.",
    Group.NOT_STARTED: "Never begun, or interrupted: the next run goes on with it.",
}

WIDE = frozenset({"Tests", "Kept as"})
"""What has a line of its own, below what is a word or two."""
FOLDED = 10
"""So many issues in a line each are in sight; more of them unfold."""


def groups(report: Facts, where: str) -> Html:
    """Return all groups that have issues, with links to each; `where` leads to `.workflow/`."""
    found = [(group, report.groups[group]) for group in Group if report.groups[group]]
    links = (
        tag("li", tag("a", f"{heading(group)} {len(entries):,}", href=f"#{anchor(group)}"))
        for group, entries in found
    )
    return tag(
        "div",
        tag("nav", tag("ul", links), aria_label="Groups of issues") if found[1:] else None,
        (_group(group, entries, where) for group, entries in found),
        id="issues",
        tabindex=-1,
    )


def _group(group: Group, entries: Sequence[ReportEntry], where: str) -> Html:
    full = [one for one in entries if is_full(one)]
    brief = [one for one in entries if not is_full(one)]
    name = anchor(group)
    return tag(
        "section",
        tag("h2", heading(group), tag("span", f" {len(entries):,}", class_="count"), id=name),
        tag("p", MEANS[group], class_="quiet"),
        (_card(one, where) for one in full),
        _list(brief, folded=bool(full) or len(brief) > FOLDED) if brief else None,
        aria_labelledby=name,
        class_=f"group {group.replace(' ', '-')}",
    )


def _list(entries: Sequence[ReportEntry], *, folded: bool) -> Html:
    rows = tag("ul", map(_row, entries), class_="brief")
    if not folded:
        return rows
    said = "landed before this run" if entries[0].earlier else "of which nothing else is known"
    return tag("details", tag("summary", f"{len(entries):,} {said}"), rows)


def _row(entry: ReportEntry) -> Html:
    said = place(entry.commit, entry.branch)
    where = f" ({said})" if said else ""
    why = f": {entry.reason}" if entry.reason else ""
    return tag("li", tag("b", entry.issue_id), " ", tag("bdi", entry.title), f"{where}{why}")


def _card(entry: ReportEntry, where: str) -> Html:
    name = f"issue-{entry.issue_id}"
    return tag(
        "article",
        tag("h3", tag("span", entry.issue_id, class_="id"), " ", tag("bdi", entry.title), id=name),
        tag("p", sentence(entry.reason), class_="reason") if entry.reason else None,
        tag("ul", (tag("li", sentence(note)) for note in entry.notes), class_="notes")
        if entry.notes
        else None,
        _claim(entry),
        tag("dl", _facts(entry, where)),
        _checks(entry, where),
        _diff(entry.diff, entry.issue_id),
        _links(entry, where),
        _command("What it had done, into a folder:", entry.kept.command if entry.kept else None),
        _command("What the agents did:", entry.conversation),
        _command("Next:", entry.next),
        aria_labelledby=name,
    )


def _command(name: str, command: str | None) -> Html | None:
    if command is None:
        return None
    return tag("p", tag("span", name, class_="why"), " ", tag("code", command), class_="then")


def _claim(entry: ReportEntry) -> Html | None:
    """Return what the agent said where the pipeline saw something else."""
    said = entry.claim
    if said is None or said.contradicts is None or not said.summary:
        return None
    return tag("blockquote", tag("p", tag("b", "The agent says: "), said.summary))


def _facts(entry: ReportEntry, where: str) -> Iterator[Html]:
    """Yield name and value of what is known in a few words."""
    for name, value in _rows(entry, where):
        if value:
            wide = "wide" if name in WIDE else None
            yield tag("div", tag("dt", name), tag("dd", value), class_=wide)


def _rows(entry: ReportEntry, where: str) -> Iterator[tuple[str, str | Html | None]]:
    if entry.commit:
        yield "Commit", tag("code", commit(entry.commit))
    if entry.diff:
        size = lines(entry.diff.added, entry.diff.deleted)
        yield "Change", f"{size} in {counted(len(entry.diff.files), 'file')}"
    if entry.solution_id:
        risk = f", {entry.risk} risk" if entry.risk else ""
        plan = next((one.path for one in entry.links if one.label == PLAN), None)
        name = entry.solution_id
        link = tag("a", name, href=beside(plan, where)) if plan else name
        yield "Plan", join((link, risk))
    if entry.attempts > 1:
        yield "Attempts", str(entry.attempts)
    if entry.tokens:
        yield "Cost", f"{money(entry.usd)}, {entry.tokens:,} tokens"
    if entry.seconds:
        yield "Took", duration(entry.seconds)
    if entry.ended_at:
        yield "Ended", clock(entry.ended_at)
    yield "Tests", tested(entry)
    if entry.kept:
        yield "Kept as", tag("code", entry.kept.ref)


def _checks(entry: ReportEntry, where: str) -> Html | None:
    checks = (*entry.tests_before, *entry.tests_after)
    if not checks:
        return None
    head = ("when", "command", "outcome", "took")
    return tag(
        "details",
        tag("summary", f"{counted(len(checks), 'command')} that the pipeline ran"),
        tag(
            "table",
            tag("thead", tag("tr", (tag("th", name, scope="col") for name in head))),
            tag("tbody", (_check(one, where) for one in checks)),
        ),
    )


def _check(one: Check, where: str) -> Html:
    stage = "before" if one.stage == "baseline" else f"{one.stage} {one.task_id or ''}".strip()
    ended = "did not end" if one.timed_out else f"exit {one.exit_code}"
    said = "passed" if one.passed else ended
    seen = tag("a", said, href=beside(one.output, where)) if one.output else said
    return tag(
        "tr",
        tag("td", stage),
        tag("td", tag("code", one.command)),
        tag("td", seen, class_="good" if one.passed else "bad"),
        tag("td", duration(one.seconds), class_="figure"),
    )


def _diff(diff: Diff | None, issue_id: str) -> Html | None:
    if diff is None or not diff.files:
        return None
    return tag(
        "details",
        tag("summary", f"The change: {counted(len(diff.files), 'file')}"),
        tag("ul", map(_file, diff.files), class_="files"),
        _patch(diff.text, issue_id) if diff.text else None,
    )


def _file(one: FileDiff) -> Html:
    binary = one.added is None or one.deleted is None
    size = "binary" if binary else lines(one.added or 0, one.deleted or 0)
    return tag("li", tag("code", one.path), f" {size}")


LOOKS: dict[str, str] = {"+": "new", "-": "old", "@": "place"}


def _patch(text: str, issue_id: str) -> Html:
    rows = (tag("span", f"{line}\n", class_=LOOKS.get(line[:1])) for line in text.split("\n"))
    named = f"The change of {issue_id}"
    return tag("pre", tag("code", rows), tabindex=0, role="region", aria_label=named)


def _links(entry: ReportEntry, where: str) -> Html | None:
    found = [one for one in entry.links if one.label != PLAN]
    links = (tag("li", tag("a", one.label, href=beside(one.path, where))) for one in found)
    named = f"Read on about {entry.issue_id}"
    return tag("ul", links, class_="links", aria_label=named) if found else None
