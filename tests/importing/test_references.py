"""Words that make a dependency, and words that make none."""

from pathlib import Path

import pytest

from pipeline.domain.issue import Issue
from pipeline.store.backlog import add_issue, load_issues
from pipeline.store.importing.batch import Document
from pipeline.store.importing.entering import enter
from pipeline.store.importing.github_json import read_github_json
from pipeline.store.importing.lines import read_lines
from pipeline.store.importing.references import Names, references
from tests.store import builders as make

KNOWN = Names(["GH-12", "GH-13", "ISS-003", "dates-before-1970"])
HOME = "https://github.com/acme/shop/issues/1"


def found(text: str) -> list[str | None]:
    return [KNOWN.find(one.words, source_url=HOME) for one in references(text)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("depends on #12", ["GH-12"]),
        ("Depends on: #12, #13", ["GH-12", "GH-13"]),
        ("**Depends on:** #12 #13", ["GH-12", "GH-13"]),
        ("Blocked by #12, #13 and ISS-3.", ["GH-12", "GH-13", "ISS-003"]),
        ("to be done after ISS-3, then", ["ISS-003", None]),
        ("It depends on GH-12.", ["GH-12"]),
        ("waits for issue #13", ["GH-13"]),
        ("requires [#12](https://example.com), [#13](x)", ["GH-12", "GH-13"]),
        ("depends on `#12`", ["GH-12"]),
        ("depends on acme/shop#12", ["GH-12"]),
        ("depends on https://github.com/acme/shop/issues/12", ["GH-12"]),
        ("depends on dates-before-1970", ["dates-before-1970"]),
        ("Depends on:\r\n- #12\r\n- [ ] #13\r\n- [x] #14\r\n", ["GH-12", "GH-13"]),
        ("blocked by\n\n* #12\n* #13\n\nand more", ["GH-12", "GH-13"]),
    ],
)
def test_words_make_dependencies(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "see also #12",
        "fixes #12",
        "no longer blocked by #12",
        "this is not blocked by #12",
        "it doesn't depend on #12",
        "<!-- depends on #12 -->",
        "~~depends on #12~~",
        "> depends on #12",
        "write `depends on #12` into the text",
        "```\ndepends on #12\n```",
        "depends on other/project#12",
        "after lunch",
        "after utf-8",
    ],
)
def test_other_words_make_none(text: str) -> None:
    assert [one for one in found(text) if one] == []


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "text",
    [
        "[" * 65_000,
        "`" + " " * 65_000,
        "after " + "\n" * 65_000,
        "after " + "a-" * 32_000 + "/",
        "~~" * 32_000,
        "<!--" * 16_000,
        "after #1" + ", #1" * 16_000,
        "after a/" * 9_000,
    ],
    ids=lambda text: text[:10],
)
def test_a_hostile_text_takes_no_time(text: str) -> None:
    assert len(list(references(text))) <= 20_000


def test_what_is_not_there_is_noted_and_holds_nothing_up(scratch: Path) -> None:
    places = make.places_in(scratch)
    text = '[{"number": 1, "title": "a", "body": "depends on #2, #3, #4", "html_url": "x"},'
    text += '{"number": 2, "title": "b"}, {"number": 3, "title": "c", "state": "closed"}]'

    report = enter(places, read_github_json([Document("in", text)]))

    assert load_issues(places)[0].depends_on == ("GH-2",)
    assert report.notes == (
        "GH-1 says 'depends on' #4, which is neither in the backlog nor in this import: "
        "no dependency",
    )


def test_the_backlog_counts_as_well_as_the_import(scratch: Path) -> None:
    places = make.places_in(scratch)
    add_issue(places, make.issue("ISS-003"))

    enter(
        places, read_lines([Document("in", '{"id": "A", "title": "a", "context": "after ISS-3"}')])
    )

    assert load_issues(places)[1].depends_on == ("ISS-003",)


def test_an_explicit_dependency_is_never_dropped(scratch: Path) -> None:
    places = make.places_in(scratch)

    enter(places, read_lines([Document("in", '{"id": "A", "title": "a", "depends_on": ["B"]}')]))

    assert load_issues(places) == [Issue.model_validate(load_issues(places)[0].model_dump())]
    assert load_issues(places)[0].depends_on == ("B",)


def test_nothing_waits_for_itself(scratch: Path) -> None:
    places = make.places_in(scratch)

    enter(
        places, read_lines([Document("in", '{"id": "A-1", "title": "a", "context": "after A-1"}')])
    )

    assert load_issues(places)[0].depends_on == ()
