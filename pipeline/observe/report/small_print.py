"""The end of the page: what deserves a second look, and the facts of the run."""

from collections.abc import Iterator

from pipeline.observe.report.concerns import KINDS
from pipeline.observe.report.facts import Concern, Report
from pipeline.observe.report.markup import Html, join, tag
from pipeline.observe.report.words import (
    beside,
    clock,
    clock_of,
    commit,
    duration,
    stood_still,
)

PAUSE = "pause"


def concerns(report: Report, where: str) -> Html | None:
    """Return what deserves a second look, by kind; `where` leads to `.workflow/`."""
    if not report.concerns:
        return None
    found = {kind: [one for one in report.concerns if one.kind == kind] for kind in KINDS}
    return tag(
        "section",
        tag("h2", "Worth a second look", id="concerns"),
        (
            (tag("h3", KINDS[kind].heading), tag("ul", (_concern(one, where) for one in rows)))
            for kind, rows in found.items()
            if rows
        ),
        aria_labelledby="concerns",
        class_="concerns",
    )


def _concern(one: Concern, where: str) -> Html:
    more = tag("a", "look", href=beside(one.link, where)) if one.link else None
    return tag("li", tag("b", one.issue_id or ""), f" {one.text} ", more)


def small_print(report: Report, where: str) -> Html:
    """Return what is to be known of the run itself; `where` leads to `.workflow/`."""
    return tag(
        "section",
        tag("h2", "The run", id="run"),
        tag(
            "dl",
            (tag("div", tag("dt", name), tag("dd", value)) for name, value in _rows(report, where)),
            (
                tag("div", tag("dt", name), tag("dd", said), class_="wide")
                for name, said in _waits(report)
            ),
        ),
        aria_labelledby="run",
    )


def _rows(report: Report, where: str) -> Iterator[tuple[str, str | Html]]:
    if report.run_id:
        yield "Run", report.run_id
        yield "Branch", tag("code", report.branch or "")
        yield "From", tag("code", commit(report.base_commit or ""))
    if report.opened_at:
        yield "Opened", clock(report.opened_at)
        yield "Worked on", duration(report.worked_s)
    yield "Sandbox", report.sandbox
    if report.usage.model:
        yield "Models", report.usage.model
    if links := report.transcripts:
        yield (
            "Transcripts",
            join((tag("a", one.label, href=beside(one.path, where)), " ") for one in links),
        )


def _waits(report: Report) -> Iterator[tuple[str, str]]:
    """Yield when the run stood still, and why: for a vendor's quota, or because somebody asked."""
    for one in report.quota_pauses:
        until = f", until {clock_of(one.until)}" if one.until else ""
        over = f"; it went on at {clock(one.over_at)}" if one.over_at else "; it has not gone on"
        yield "Quota pause", f"{one.provider}, at {clock(one.at)}{until}{over}"
    for still in report.standstills:
        yield ("Pause" if still.how == PAUSE else "Stop"), stood_still(still)
