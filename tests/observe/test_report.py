"""What the report says of a night: the first sentence, the numbers, and text of others as text."""

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from pipeline.domain.group import Group
from pipeline.domain.results import Usage
from pipeline.observe.report.bars import SHOWN, bars
from pipeline.observe.report.cards import MEANS
from pipeline.observe.report.facts import Check, Ending, Report, Standstill
from pipeline.observe.report.headline import SAYS, headline, outcome
from pipeline.observe.report.markdown import ending, to_markdown
from pipeline.observe.report.markup import Html, tag
from pipeline.observe.report.page import to_html
from pipeline.observe.report.steps import commits
from tests.observe.facts import AT, entry, full, report

HOSTILE = [
    "<script>alert(1)</script>",
    "</title></style></script><img src=x onerror=alert(1)>",
    "\"' onclick='alert(1)' x=\"",
    "![x](http://evil.example/x.png) [sign in](javascript:alert(1))",
    "<!-- hidden --> <details><summary>",
    "`; rm -rf ~` | # head\n\n# another\n- [x] done\n```\n",
    "\x1b[31mred\x1b[0m \u202eevil\u202c zero\u200bwidth \ud800 \x00",
    "javascript:alert(1)",
    "//evil.example/x",
    "&lt;script&gt; &#60;b&#62;",
]
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\u200b-\u200f\ud800]")


class Seen(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((name, dict(attributes)))


def shape(page: str) -> list[str]:
    """Return the tags but those that backticks and lines of a change make."""
    return [name for name, _ in Seen(page).tags if name not in ("code", "span")]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_others_is_text_in_the_page(text: str) -> None:
    page = to_html(full(text))
    plain = to_html(full("x"))

    assert shape(page) == shape(plain)
    for _, attributes in Seen(page).tags:
        assert not [key for key in attributes if key.startswith("on")]
        links = [str(attributes[key]) for key in ("href", "src") if key in attributes]
        assert all(link.startswith(("#", "./")) or link == "data:," for link in links)
    assert not INVISIBLE.search(page)


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_others_is_text_in_the_markdown(text: str) -> None:
    markdown = to_markdown(full(text))
    tokens = MarkdownIt("commonmark").parse(markdown)
    inner = [one for token in tokens for one in token.children or ()]

    assert not [one for one in (*tokens, *inner) if one.type.startswith(("html", "image"))]
    targets = [str(one.attrGet("href")) for one in inner if one.type == "link_open"]
    assert [target for target in targets if not target.startswith("./")] == []
    heads = [token.tag for token in tokens if token.type == "heading_open"]
    plain = MarkdownIt("commonmark").parse(to_markdown(full("x")))
    assert heads == [token.tag for token in plain if token.type == "heading_open"]
    assert not INVISIBLE.search(markdown)


def test_only_what_was_made_by_tag_is_markup() -> None:
    inner = tag("b", "1 < 2")
    assert tag("p", "a & b", inner, None, ["x", [tag("br")]], class_='no"te', hidden=True) == (
        '<p class="no&quot;te" hidden>a &amp; b<b>1 &lt; 2</b>x<br></p>'
    )
    assert isinstance(inner, Html)


def test_every_group_has_its_words() -> None:
    assert set(SAYS) == set(MEANS) == set(Group)


LANDED, FAILED, PARKED, WAITS = Group.LANDED, Group.FAILED, Group.PARKED, Group.NEEDS_YOU


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ({}, "The backlog is empty: nothing was asked for, and nothing was done."),
        ({LANDED: [entry(), entry("B")]}, "Everything landed: 2 issues."),
        ({FAILED: [entry(), entry("B")]}, "Nothing landed: all 2 issues failed."),
        ({FAILED: [entry()]}, "Nothing landed: the only issue failed."),
        (
            {FAILED: [entry(attempts=1)], PARKED: [entry("B"), entry("C")]},
            "Nothing landed: 1 failed, 2 are parked.",
        ),
        (
            {LANDED: [entry(), entry("Z", earlier=True)], WAITS: [entry("B")]},
            "1 of 2 issues landed; 1 needs you. 1 had landed before.",
        ),
        (
            {LANDED: [entry(earlier=True), entry("B", earlier=True)]},
            "Nothing was left to do: all 2 issues had landed before.",
        ),
        (
            {Group.NOT_STARTED: [entry()], Group.TURNED_DOWN: [entry("B")]},
            "Nothing was carried out: 1 was turned down, 1 is left.",
        ),
    ],
)
def test_the_first_sentence_says_what_came_of_it(
    groups: dict[Group, list[object]], said: str
) -> None:
    whole = report(groups)  # type: ignore[arg-type]
    assert headline(whole.groups) == said
    assert f"<h1>{said}</h1>" in to_html(whole)
    assert to_markdown(whole).startswith(f"# Report\n\n**{said}**\n")


def test_what_landed_before_is_a_line_with_its_branch() -> None:
    old = entry("Z", earlier=True, commit="0123456789abcdef", branch="pipeline/R0", reason="x")
    markdown = to_markdown(report({LANDED: [entry(), old]}))  # type: ignore[arg-type]
    assert "\n### Z" not in markdown
    assert f"\nBefore this run:\n\n- Z: {old.title} (`0123456789 on pipeline/R0`)\n" in markdown
    assert "0123456789 on pipeline/R0" in to_html(report({LANDED: [old]}))  # type: ignore[arg-type]


def test_the_closing_line_counts_apart_what_had_landed_before() -> None:
    groups = {LANDED: [entry(), entry("Z", earlier=True)], WAITS: [entry("B"), entry("C")]}
    said = outcome(report(groups).groups)  # type: ignore[arg-type]
    assert said == "1 landed, 2 need you, 1 had landed before"
    assert outcome(report({}).groups) == ""


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Ending(how="unknown"), ""),
        (Ending(how="working"), "A run is at work here now"),
        (Ending(how="killed", said="carry on"), "was killed: carry on."),
        (Ending(how="ended", exit_code=5, said="the budget is spent"), "(exit code 5): the budget"),
    ],
)
def test_the_second_sentence_says_how_it_ended(found: Ending, said: str) -> None:
    assert said in ending(found)
    assert bool(ending(found)) is bool(said)


def spending(name: str, usd: float | None, tokens: int) -> object:
    used = Usage(calls=1, output_tokens=tokens, usd=usd)
    return entry(name, usd=usd, tokens=tokens, spent={"planner": used})


def test_the_dearest_issue_comes_first_and_many_share_the_last_row() -> None:
    many = [spending(f"ISS-{n}", n / 100, 10) for n in range(1, 41)]
    rows = bars(report({LANDED: many}))  # type: ignore[list-item]

    assert [row.label for row in rows] == [f"ISS-{n}" for n in range(40, 15, -1)] + ["15 others"]
    assert len(rows) == SHOWN + 1
    assert round(sum(row.usd or 0 for row in rows), 9) == round(sum(range(41)) / 100, 9)
    assert max(row.planning + row.execution for row in rows) == 1


def test_one_unknown_price_makes_it_a_picture_of_tokens() -> None:
    rows = bars(report({LANDED: [spending("A", None, 50), spending("B", 9.0, 100)]}))  # type: ignore[list-item]

    assert [(row.label, row.usd, row.planning) for row in rows] == [
        ("B", None, 1.0),
        ("A", None, 0.5),
    ]


def test_a_report_of_a_thousand_issues_is_bounded() -> None:
    waiting = [entry(f"ISS-{n}", title="t" * 80) for n in range(1000)]
    page = to_html(report({Group.NOT_STARTED: waiting}))
    assert len(page) < 400_000
    assert Report.model_validate_json(report().model_dump_json()) == report()


def test_of_a_flaky_test_the_last_run_is_told() -> None:
    ran = [
        Check(
            stage="suite", command="make test", passed=code == 0, exit_code=code, seconds=1, tests=7
        )
        for code in (1, 0)
    ]
    text = to_markdown(report({LANDED: [entry(tests_after=tuple(ran))]}))
    assert "after: passed (7 tests)" in text
    assert "exit 1" not in text


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        ([12, 12], "all 2 commands passed (12 tests each)"),
        ([3, 12], "all 2 commands passed (3 and 12 tests)"),
        ([1, 1_200, 12], "all 3 commands passed (1, 1,200 and 12 tests)"),
        ([12, None], "all 2 commands passed (12 tests in 1 of them)"),
        ([12, 12, None], "all 3 commands passed (12 tests each in 2 of them)"),
        ([1], "passed (1 test)"),
        ([None, None], "all 2 commands passed"),
    ],
)
def test_tests_that_several_commands_run_are_counted_for_each(
    tests: list[int | None], said: str
) -> None:
    ran = tuple(
        Check(stage="suite", command=f"c{n}", passed=True, exit_code=0, seconds=1, tests=number)
        for n, number in enumerate(tests)
    )
    assert f"after: {said}\n" in to_markdown(report({LANDED: [entry(tests_after=ran)]}))


@pytest.mark.parametrize(
    ("number", "unproven", "said"),
    [
        (1, 0, "1 tested commit"),
        (1, 1, "1 commit that no test speaks for"),
        (3, 1, "2 tested commits, and 1 commit that no test speaks for"),
    ],
)
def test_commits_that_no_test_speaks_for_are_counted_apart(
    number: int, unproven: int, said: str
) -> None:
    assert commits(number, unproven) == said


def test_pauses_and_stops_are_told_with_who_when_and_how_long() -> None:
    stills = [
        Standstill(how="pause", by="ann", at=AT, over_at=AT + timedelta(minutes=14), seconds=840),
        Standstill(how="stop now", by="bob", at=AT),
        Standstill(how="signal", by="", at=AT),
    ]
    made = report(standstills=stills)
    page = to_html(made)
    paused = "Paused by ann at 2026-11-21 02:30Z; it went on at 2026-11-21 02:44Z, 14 min later"
    for text in (to_markdown(made), page):
        assert paused in text
        assert "Stopped at once by bob at 2026-11-21 02:30Z; it has not gone on since" in text
        assert "Interrupted by a signal, such as Ctrl-C at 2026-11-21 02:30Z" in text
    assert page.count("<dt>Stop</dt>") == 2
