"""The report as one HTML page: it works offline, on a phone, by keyboard, and without a script.

    header     the first sentence, how it ended
    main       at a glance: landed, needs you, cost | what to type next
               landed, needs you, parked, turned down, failed, not started
               worth a second look | what it cost | the run
    footer     when it was written, from what

Its policy forbids everything but its own style sheet, which is named by its hash: even markup that
slipped through could load and run nothing.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path

from pipeline.observe.report.cards import groups
from pipeline.observe.report.costs import costs
from pipeline.observe.report.facts import Report
from pipeline.observe.report.glance import glance
from pipeline.observe.report.markdown import ending
from pipeline.observe.report.markup import Html, join, sentence, tag
from pipeline.observe.report.small_print import concerns, small_print
from pipeline.observe.report.words import beside, clock

REHEARSAL = "This was a rehearsal against the stand-in model server."


def to_html(report: Report, where: str = "") -> str:
    """Render the report; `where` leads from the page to `.workflow/`, for its links."""
    body = tag(
        "body",
        tag("a", "Skip to the issues", class_="skip", href="#issues"),
        _header(report),
        tag(
            "main",
            glance(report),
            groups(report, where),
            concerns(report, where),
            costs(report),
            small_print(report, where),
        ),
        _footer(report, where),
    )
    return f"<!doctype html>\n{tag('html', _head(report), body, lang='en')}\n"


@cache
def style() -> str:
    """Return the page's style sheet."""
    return (Path(__file__).parent / "style.css").read_text("utf-8")


def policy() -> str:
    """Return the page's Content-Security-Policy."""
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _head(report: Report) -> Html:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy()),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", f"Report: {report.headline}"),
        tag("link", rel="icon", href="data:,"),
        tag("style", Html(style())),
    )


def _header(report: Report) -> Html:
    run = f"Report of run {report.run_id}" if report.run_id else "Report"
    said = ending(report.ending)
    return tag(
        "header",
        tag("p", run, class_="kicker"),
        tag("h1", report.headline),
        tag("p", sentence(said)) if said else None,
        tag("p", REHEARSAL, class_="quiet") if report.rehearsal else None,
    )


def _footer(report: Report, where: str) -> Html:
    documents = ("planning-results.json", "execution-results.json", "report.json", "report.md")
    links = [join((" ", tag("a", name, href=beside(name, where)))) for name in documents]
    return tag(
        "footer",
        tag(
            "p",
            f"Written at {clock(report.written_at)} from the records; ",
            tag("code", "pipeline report --format html"),
            " makes it again. Times are UTC.",
        ),
        tag("p", "Beside it:", links),
    )
