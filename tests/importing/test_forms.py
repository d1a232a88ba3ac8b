"""Each form, on a fixture of real shape: what its issues become, and that twice is once."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.domain.issue import AuthorTrust, Issue
from pipeline.errors import PipelineError
from pipeline.paths import Places
from pipeline.store.backlog import load_issues
from pipeline.store.importing.batch import Batch, Document
from pipeline.store.importing.entering import enter, with_trust
from pipeline.store.importing.forms import FORMS
from pipeline.store.importing.github_json import (
    MOST_COMMENTS,
    MOST_OF_A_COMMENT,
    read_github_json,
)
from pipeline.store.importing.markdown import read_markdown, slug
from tests.importing.fixtures import GIVEN, bring_in
from tests.store import builders as make


@pytest.fixture
def places(scratch: Path) -> Places:
    return make.places_in(scratch)


def by_id(places: Places) -> dict[str, Issue]:
    return {issue.id: issue for issue in load_issues(places)}


def markdown(*texts: str) -> Batch:
    names = [f"{number}.md" for number in range(1, len(texts) + 1)]
    return read_markdown([Document(*pair) for pair in zip(names, texts, strict=True)])


def ids(batch: Batch) -> list[str]:
    return [one.issue.id for one in batch.incoming]


def test_every_form_has_a_fixture() -> None:
    assert {form for form, _ in GIVEN.values()} == set(FORMS)


@pytest.mark.parametrize("name", GIVEN)
def test_importing_twice_changes_nothing_twice(places: Places, name: str) -> None:
    first = bring_in(places, name)
    once = places.issues_file.read_bytes()
    second = bring_in(places, name)

    assert first.added
    assert first.added == second.unchanged
    assert (second.added, second.changed) == ((), ())
    assert places.issues_file.read_bytes() == once


@pytest.mark.parametrize("name", ["origin", "origin, recognised"])
def test_the_origin_systems_fields_come_along(places: Places, name: str) -> None:
    bring_in(places, name)

    cookie, totals, python, export = by_id(places).values()
    assert cookie.description.startswith("## Problem\nAfter `POST /logout`")
    assert "Where: src/auth/session.py:88\n\nSuggested fix: delete the row" in cookie.description
    assert "Affected components: auth, api" in cookie.description
    assert "Wanted: test strategy integration, regression scope affected" in cookie.description
    assert (cookie.labels, cookie.priority) == (("bug", "auth"), 2)
    assert (cookie.source, cookie.source_url) == (
        "github",
        "https://github.com/acme/shop/issues/311",
    )
    assert [(one.type, one.stage) for one in totals.feedback] == [
        ("failure", "execute"),
        ("clarification", "plan"),
    ]
    assert (python.closed, totals.closed) == (True, False)
    assert export.depends_on == ("ISS-20260129-002",)


@pytest.mark.parametrize("status", ["completed", "closed", "done", "resolved"])
def test_what_was_done_there_is_done_here(places: Places, status: str) -> None:
    line = f'{{"id": "A", "title": "a", "status": "{status}", "created_at": null}}'

    enter(places, FORMS["origin-jsonl"].read([Document("in", line)]))

    assert by_id(places)["A"].closed


def test_github_over_rest_says_what_the_author_is(places: Places) -> None:
    report = bring_in(places, "github rest")

    cart, money = by_id(places).values()
    assert report.skipped == ("GH-313", "GH-290")
    assert (cart.author, cart.author_trust) == ("mira-k", AuthorTrust.MEMBER)
    assert (cart.priority, cart.depends_on) == (2, ("GH-312",))
    assert (money.author_trust, money.description) == (AuthorTrust.OWNER, "")


def test_comments_are_feedback_with_author_and_trust(places: Places) -> None:
    bring_in(places, "gh list")

    said = by_id(places)["GH-314"].feedback
    assert [(one.type, one.author, one.author_trust) for one in said] == [
        ("comment", "owner-of-acme", AuthorTrust.OWNER),
        ("comment", "passer-by", AuthorTrust.NONE),
    ]
    assert by_id(places)["GH-314"].least_trust is AuthorTrust.NONE


def test_only_the_newest_comments_come_along_and_a_note_says_so() -> None:
    comments = ",".join(
        f'{{"body": "{n}", "createdAt": "2026-03-01T10:{n:02}:00Z"}}' for n in range(30)
    )

    batch = read_github_json(
        [Document("in", f'[{{"number": 1, "title": "a", "comments": [{comments}]}}]')]
    )

    said = [one.content for one in batch.incoming[0].issue.feedback]
    assert said == [str(n) for n in range(10, 10 + MOST_COMMENTS)]
    assert batch.notes == ("GH-1 has 30 comments: the newest 20 come along",)


def test_a_long_comment_is_cut() -> None:
    comment = f'{{"body": "{"x" * 9000}", "createdAt": "2026-03-01T10:00:00Z"}}'
    text = f'[{{"number": 1, "title": "a", "comments": [{comment}]}}]'

    batch = read_github_json([Document("in", text)])

    assert len(batch.incoming[0].issue.feedback[0].content) < MOST_OF_A_COMMENT + 10


@pytest.mark.parametrize("pages", ["[{0}][{1}]", "[{0}]\n[{1}]", "[[{0}], [{1}]]"])
def test_pages_of_github_count_as_one_list(pages: str) -> None:
    text = pages.format('{"number": 1, "title": "a"}', '{"number": 2, "title": "b"}')

    assert ids(read_github_json([Document("in", text)])) == ["GH-1", "GH-2"]


def test_a_markdown_file_is_an_issue_for_each_heading(places: Places) -> None:
    bring_in(places, "markdown file")

    cart, export, basket = by_id(places).values()
    assert (cart.id, cart.title) == ("SHOP-1", "Round cart totals half to even")
    assert (cart.priority, cart.labels, cart.author) == (2, ("bug", "money"), "mira-k")
    assert cart.test_commands == ("python -m pytest tests/test_cart.py", "ruff check shop")
    assert cart.description.startswith("Invoices do already:")
    assert "## This is no heading" in cart.description
    assert cart.description.endswith("`shop/cart.py`")
    assert (cart.depends_on, export.depends_on) == ((), ("SHOP-1", "GH-312"))
    assert export.labels == ("shop",)
    assert export.created_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert (basket.id, basket.closed) == ("empty-the-basket-at-logout", True)


def test_a_folder_of_markdown_is_read_file_by_file(places: Places) -> None:
    bring_in(places, "markdown folder")

    found = by_id(places)
    assert list(found) == ["CLOCK-1", "CLOCK-2", "say-the-time-zone", "leap-seconds"]
    assert found["CLOCK-1"].title == "The clock test fails at midnight"
    assert found["CLOCK-1"].labels == ("tests", "flaky")
    assert "## Seen" in found["CLOCK-1"].description
    assert found["CLOCK-1"].depends_on == ("CLOCK-2",)
    assert found["CLOCK-2"].description == "Every function that needs the time takes a `now`."
    assert found["say-the-time-zone"].depends_on == ("CLOCK-1",)


def test_a_word_with_a_colon_is_text_when_it_is_no_key() -> None:
    batch = markdown("## A\nNote: this is text\n", "## B\nAfter: the dust has settled\n")

    assert [one.issue.description for one in batch.incoming] == [
        "Note: this is text",
        "After: the dust has settled",
    ]
    assert batch.incoming[1].depends_on == ()


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm(places: Places, scratch: Path) -> None:
    path = scratch / "w.md"
    path.write_bytes(b"\xef\xbb\xbf## A\r\nid: A-1\r\n\r\ntext\r\nmore\r\n")

    form = FORMS["markdown"]
    enter(places, form.read([Document("w.md", path.read_text(encoding="utf-8-sig"))]))

    assert by_id(places)["A-1"].description == "text\nmore"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Fix it", "fix-it"),
        ("Fix: the *thing* (again)!", "fix-the-thing-again"),
        ("Füge es hinzu", "fuge-es-hinzu-[0-9a-f]{8}"),
        ("修正日期", "[0-9a-f]{8}"),
    ],
)
def test_an_id_is_made_of_the_title(title: str, name: str) -> None:
    assert re.fullmatch(name, slug(title))


def test_long_titles_that_begin_alike_have_different_ids() -> None:
    first, second = (slug(f"{'word ' * 20}{end}") for end in ("one", "two"))

    assert first != second
    assert max(len(first), len(second)) < 64


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["text alone\n"], "'1.md' holds no issue: begin each one with '## Title'"),
        (["## A\npriority: urgent\n"], "'1.md' line 2: priority is 'urgent': write 1"),
        (["## A\npriorty: 2\n"], "'1.md' line 2: 'priorty' is no key, did you mean 'priority'?"),
        (["---\nprio: 2\n---\n## A\n"], "'1.md' line 2: 'prio' is no key, did you mean"),
        (["---\nid: A\n"], "'1.md' line 1: the front matter has no end"),
        (["## A\nid: a b\n"], "'1.md' line 1: id is 'a b': use letters, digits"),
        (["##  \n\ntext\n"], "'1.md' line 1: the title is empty"),
        (["## A\n\n## A\n"], "'1.md' line 3: issue 'a' is there already ('1.md' line 1)"),
        (["## A\n", "## A\n"], "'2.md' line 1: issue 'a' is there already ('1.md' line 1)"),
        (["## A\nstatus: half\n"], "'1.md' line 2: status is 'half': write one of completed"),
        (["## A\ncreated: soon\n"], "'1.md' line 1: created_at is 'soon': "),
    ],
)
def test_wrong_markdown_is_named_by_file_and_line(texts: Sequence[str], says: str) -> None:
    with pytest.raises(PipelineError) as caught:
        markdown(*texts)

    assert str(caught.value).startswith(says)
    assert str(caught.value).endswith("nothing was imported")
    assert "\n" not in str(caught.value)


def test_trust_can_be_said_for_a_source_that_does_not_say_it(places: Places) -> None:
    batch = with_trust(markdown("## A\n"), AuthorTrust.OWNER)

    enter(places, batch)
    again = enter(places, markdown("## A\n"))

    assert by_id(places)["a"].author_trust is AuthorTrust.OWNER
    assert again.changed == ()
