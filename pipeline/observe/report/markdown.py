"""The report as Markdown: for a terminal, a mail, an issue; it reads well unrendered too."""

from collections.abc import Iterable, Iterator

from pipeline.domain.counting import counted
from pipeline.observe.report.bars import bars
from pipeline.observe.report.concerns import KINDS
from pipeline.observe.report.facts import (
    Check,
    Diff,
    Ending,
    Link,
    Report,
    ReportEntry,
)
from pipeline.observe.report.words import (
    beside,
    capital,
    clock,
    clock_of,
    commit,
    duration,
    heading,
    money,
    place,
    stood_still,
)
from pipeline.plans.prose import code_span, line_of
from pipeline.store.balance import in_words

BLOCKS = 20
"""So many blocks long is the bar of the dearest issue."""
FULL = "█"
NO_NEXT = 12
"""So many of the commands to type next are listed; each issue has its own too."""


def to_markdown(report: Report, where: str = "") -> str:
    """Render the report; `where` leads from the text to `.workflow/`, for its links."""
    parts = (
        _head(report),
        _next(report),
        *(_group(name, entries, where) for name, entries in report.groups.items() if entries),
        _concerns(report),
        _costs(report),
        _run(report, where),
    )
    return "\n".join(line for part in parts for line in part).rstrip() + "\n"


def _head(report: Report) -> Iterator[str]:
    yield from ("# Report", "", f"**{report.headline}**", "")
    if said := ending(report.ending):
        yield from (line_of(said), "")
    if report.rehearsal:
        yield from ("This was a rehearsal against the stand-in model server.", "")
    for said in (*report.holds, *report.remarks):
        yield from (line_of(capital(said)), "")


def ending(found: Ending) -> str:
    """Return how the last process came to its end, as a sentence; empty when nobody knows."""
    if found.how == "unknown":
        return ""
    when = f" at {clock(found.at)}" if found.at else ""
    code = "" if found.exit_code is None else f" (exit code {found.exit_code})"
    said = {
        "working": "A run is at work here now; this is how far it is.",
        "ended": f"The last command ended{when}{code}: {found.said}.",
        "closed": f"The run was closed{when}: {found.said}.",
        "killed": f"The process that worked was killed; its last sign is of {clock(found.at)}: "
        f"{found.said}."
        if found.at
        else f"The process that worked was killed: {found.said}.",
    }
    return said[found.how]


def _next(report: Report) -> Iterator[str]:
    if report.next:
        yield from ("## What to type next", "")
        for one in report.next[:NO_NEXT]:
            yield f"- {line_of(one.why)}: {code_span(one.command)}"
        if (more := len(report.next) - NO_NEXT) > 0:
            yield f"- and {counted(more, 'command')} more, each with its issue below"
        yield ""


def _group(name: str, entries: Iterable[ReportEntry], where: str) -> Iterator[str]:
    yield from (f"## {heading(name)}", "")
    shown = list(entries)
    for entry in shown:
        if not entry.earlier:
            yield from _entry(entry, where)
    if before := [entry for entry in shown if entry.earlier]:
        yield from ("Before this run:", "")
        for entry in before:
            yield f"- {entry.issue_id}: {line_of(entry.title)}{_place(entry)}"
        yield ""


def _place(entry: ReportEntry) -> str:
    said = place(entry.commit, entry.branch)
    return f" ({code_span(said)})" if said else ""


def _entry(entry: ReportEntry, where: str) -> Iterator[str]:
    yield from (f"### {entry.issue_id}: {line_of(entry.title)}", "")
    yield from (f"- {said}" for said in _facts(entry, where))
    yield ""


def _facts(entry: ReportEntry, where: str) -> Iterator[str]:
    if entry.solution_id:
        risk = f" ({entry.risk} risk)" if entry.risk else ""
        tries = f", {counted(entry.attempts, 'attempt')}" if entry.attempts > 1 else ""
        yield f"Plan {entry.solution_id}{risk}{tries}"
    if entry.reason:
        yield line_of(entry.reason)
    if entry.commit:
        size = f"{changed(entry.diff)}: " if entry.diff else ""
        yield f"Commit {commit(entry.commit)}: {size}{line_of(', '.join(entry.files))}"
    if tests := tested(entry):
        yield f"Tests {tests}"
        yield from (_failed(one) for one in _deciding(entry.tests_after) if not one.passed)
    yield from map(line_of, entry.notes)
    if entry.claim and entry.claim.contradicts and entry.claim.summary:
        yield f"The agent says: {line_of(entry.claim.summary)}"
    if entry.tokens:
        took = f"; the last attempt took {duration(entry.seconds)}" if entry.seconds else ""
        yield f"Cost: {money(entry.usd)}, {entry.tokens:,} tokens{took}"
    if entry.kept:
        yield f"What it had done is kept as {code_span(entry.kept.ref)}"
        yield f"Into a folder: {code_span(entry.kept.command)}"
    if entry.links:
        yield f"Read on: {_read(entry.links, where)}"
    if entry.conversation:
        yield f"What the agents did: {code_span(entry.conversation)}"
    if entry.next:
        yield f"Next: {code_span(entry.next)}"


def _failed(one: Check) -> str:
    ended = "did not end" if one.timed_out else f"exit {one.exit_code}"
    return f"{one.stage}: {code_span(one.command)}: {ended} ({one.seconds:.1f} s)"


def _read(links: Iterable[Link], where: str) -> str:
    return ", ".join(f"[{one.label}]({beside(one.path, where)})" for one in links)


def changed(diff: Diff) -> str:
    """Return how much a commit changed: `+12 -3 in 2 files`."""
    return f"+{diff.added:,} -{diff.deleted:,} in {counted(len(diff.files), 'file')}"


def tested(entry: ReportEntry) -> str:
    """Return how the tests ended before and after, as far as that is recorded."""
    both = (("before", entry.tests_before), ("after", entry.tests_after))
    return "; ".join(f"{when}: {_outcome(_deciding(checks))}" for when, checks in both if checks)


def _deciding(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """Return the last run of each command: one that failed may have run again on the same tree."""
    return tuple({(one.stage, one.task_id, one.command): one for one in checks}.values())


def _outcome(checks: tuple[Check, ...]) -> str:
    """Return how commands ended: `all 2 commands passed (3 and 12 tests)`, `1 of 3 failed`."""
    counts = f" ({_ran(checks)})" if any(one.tests for one in checks) else ""
    failed = sum(not one.passed for one in checks)
    if failed:
        return f"{failed} of {len(checks)} failed{counts}"
    return f"passed{counts}" if len(checks) == 1 else f"all {len(checks)} commands passed{counts}"


def _ran(checks: tuple[Check, ...]) -> str:
    """Return how many tests ran, command by command: several may run the same ones.

    `12 tests`, `12 tests each`, `3 and 12 tests`; `12 tests in 1 of them`, where the others say
    nothing.
    """
    numbers = [one.tests for one in checks if one.tests]
    if len(set(numbers)) == 1:
        said = counted(numbers[0], "test") + (" each" if len(numbers) > 1 else "")
    else:
        *others, last = (f"{number:,}" for number in numbers)
        said = f"{', '.join(others)} and {last} tests"
    some = f" in {len(numbers)} of them" if len(numbers) < len(checks) else ""
    return f"{said}{some}"


def _concerns(report: Report) -> Iterator[str]:
    found = {kind: [one for one in report.concerns if one.kind == kind] for kind in KINDS}
    if any(found.values()):
        yield from ("## Worth a second look", "")
        for kind, concerns in found.items():
            if concerns:
                yield from (f"{KINDS[kind].heading}:", "")
                yield from (f"- {one.issue_id}: {line_of(one.text)}" for one in concerns)
                yield ""


def _costs(report: Report) -> Iterator[str]:
    rows = bars(report)
    yield from ("## What it cost", "", bill(report), "")
    for said in in_words(report.budget):
        yield from (capital(said), "")
    if rows:
        yield from ("Each issue's share of the bill, ever:", "")
        yield from ("| issue | cost | tokens | |", "|---|---:|---:|---|")
        for row in rows:
            bar = FULL * round(BLOCKS * (row.planning + row.execution))
            yield f"| {row.label} | {money(row.usd)} | {row.tokens:,} | {bar} |"
        yield ""


def bill(report: Report) -> str:
    """Return what the run's model calls came to, as a sentence."""
    usage = report.usage
    return (
        f"Model calls: {usage.calls}; {money(usage.usd)}; {usage.metered_tokens:,} tokens, "
        f"and {usage.cache_read_tokens:,} read from the cache."
    )


def _run(report: Report, where: str) -> Iterator[str]:
    yield from ("## The run", "")
    if report.run_id:
        base = f", from {commit(report.base_commit)}" if report.base_commit else ""
        yield from (f"Run {report.run_id} on branch {code_span(report.branch or '')}{base}.", "")
    if report.opened_at:
        yield f"Opened at {clock(report.opened_at)}, worked on for {duration(report.worked_s)}."
        yield ""
    yield from (f"Sandbox: {report.sandbox}.", "")
    if report.transcripts:
        yield from (f"Transcripts: {_read(report.transcripts, where)}.", "")
    for one in report.quota_pauses:
        until = f", until {clock_of(one.until)}" if one.until else ""
        over = f"; it went on at {clock(one.over_at)}" if one.over_at else ""
        yield from (
            f"Quota of {line_of(one.provider)} used up at {clock(one.at)}{until}{over}.",
            "",
        )
    for still in report.standstills:
        yield from (f"{line_of(stood_still(still))}.", "")
    yield f"Written at {clock(report.written_at)}; `pipeline report` makes it again."
