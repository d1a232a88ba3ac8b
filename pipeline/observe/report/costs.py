"""What the run cost: a table whose last column is a picture of it, drawn from the same numbers."""

from collections.abc import Iterator

from pipeline.observe.report.bars import Bar, bars
from pipeline.observe.report.facts import Report
from pipeline.observe.report.markdown import bill
from pipeline.observe.report.markup import Html, tag
from pipeline.observe.report.words import capital, money
from pipeline.store.balance import in_words

WIDTH, HEIGHT = 100, 10
HEADS = ("Issue", "Cost", "Tokens")


def costs(report: Report) -> Html:
    """Return the section about money and tokens."""
    rows = bars(report)
    return tag(
        "section",
        tag("h2", "What it cost", id="costs"),
        tag("p", bill(report)),
        (tag("p", capital(said), class_="quiet") for said in in_words(report.budget)),
        _table(rows) if rows else None,
        aria_labelledby="costs",
    )


def _table(rows: list[Bar]) -> Html:
    heads = (tag("th", name, scope="col") for name in HEADS)
    legend = tag(
        "span",
        tag("span", "planning", class_="planning"),
        " and ",
        tag("span", "execution", class_="execution"),
        class_="legend",
    )
    return tag(
        "table",
        tag("caption", "Each issue's share of the bill, ever: ", legend),
        tag("thead", tag("tr", heads, tag("th", "Share", scope="col", class_="picture"))),
        tag("tbody", map(_row, rows)),
        class_="costs",
    )


def _row(bar: Bar) -> Html:
    name = tag("a", bar.label, href=f"#issue-{bar.issue_id}") if bar.linked else bar.label
    return tag(
        "tr",
        tag("th", name, scope="row"),
        tag("td", money(bar.usd), class_="figure"),
        tag("td", f"{bar.tokens:,}", class_="figure"),
        tag("td", _picture(bar), class_="picture"),
    )


def _picture(bar: Bar) -> Html:
    """Return the bar; its text says the shares to those who do not see it."""
    said = f"planning {bar.planning_share:.0%}, execution {1 - bar.planning_share:.0%} of it"
    return tag(
        "svg",
        tag("title", said),
        *_parts(bar),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_label=said,
    )


def _parts(bar: Bar) -> Iterator[Html]:
    first, second = round(WIDTH * bar.planning, 2), round(WIDTH * bar.execution, 2)
    yield tag("rect", x="0", y=0, width=str(first), height=HEIGHT, class_="planning")
    yield tag("rect", x=str(first), y=0, width=str(second), height=HEIGHT, class_="execution")
