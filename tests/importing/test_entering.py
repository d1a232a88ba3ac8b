"""Imports enter what is new, tell what differs, and change nothing by themselves."""

import json
from pathlib import Path

import pytest

from pipeline.domain.issue import AuthorTrust
from pipeline.errors import PipelineError
from pipeline.paths import Places
from pipeline.store.backlog import load_issues
from pipeline.store.importing.batch import Document
from pipeline.store.importing.entering import ImportReport, enter
from pipeline.store.importing.github_json import TRUST, read_github_json
from pipeline.store.importing.lines import read_lines
from tests.store import builders as make
from tests.store.test_backlog import write_backlog

REST = {
    "number": 7,
    "title": "It breaks",
    "body": "Badly.",
    "labels": [{"name": "bug"}, {"name": "P1"}],
    "user": {"login": "ann"},
    "author_association": "COLLABORATOR",
    "html_url": "https://github.com/o/r/issues/7",
    "state": "open",
    "created_at": "2026-11-20T10:00:00Z",
}
GH = {
    "number": 8,
    "title": "Add a thing",
    "body": "",
    "labels": [{"id": "x", "name": "feature"}],
    "author": {"login": "bob", "is_bot": False},
    "url": "https://github.com/o/r/issues/8",
    "state": "OPEN",
    "createdAt": "2026-11-20T11:00:00Z",
    "comments": [{"body": "please", "createdAt": "2026-11-20T12:00:00Z"}],
}


def import_jsonl(places: Places, text: str, name: str) -> ImportReport:
    return enter(places, read_lines([Document(name, text)]))


def import_github_json(places: Places, text: str, name: str) -> ImportReport:
    return enter(places, read_github_json([Document(name, text)]))


def test_a_line_edited_by_hand_survives_every_import_byte_for_byte(scratch: Path) -> None:
    mine = '{"title":"mine",   "id":"A", "note": "I keep this",\t"priority": 1}'
    path = write_backlog(scratch, mine)
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    incoming = '{"id": "A", "title": "theirs"}\n{"id": "B", "title": "b"}\n'

    first = import_jsonl(make.places_in(scratch), incoming, "in.jsonl")
    once = path.read_bytes()
    second = import_jsonl(make.places_in(scratch), incoming, "in.jsonl")

    assert path.read_text().split("\n")[0] == mine
    assert (first.added, [one.id for one in first.changed]) == (("B",), ["A"])
    assert (second.added, second.unchanged) == ((), ("B",))
    assert [one.id for one in second.changed] == ["A"]
    assert path.read_bytes() == once


def test_a_bad_incoming_line_means_that_nothing_is_imported(scratch: Path) -> None:
    path = write_backlog(scratch, '{"id": "A", "title": "a"}')
    before = path.read_bytes()

    with pytest.raises(PipelineError, match=r"'in.jsonl' line 2 is no JSON"):
        import_jsonl(make.places_in(scratch), '{"id": "B", "title": "b"}\n{oops\n', "in.jsonl")
    with pytest.raises(
        PipelineError, match=r"'gh.json' entry 2: title is missing: nothing was imported"
    ):
        import_github_json(make.places_in(scratch), json.dumps([REST, {"number": 2}]), "gh.json")
    with pytest.raises(PipelineError, match=r"'gh.json' is no JSON list"):
        import_github_json(make.places_in(scratch), "{}", "gh.json")

    assert path.read_bytes() == before


def test_both_forms_of_github_are_read(scratch: Path) -> None:
    places = make.places_in(scratch)

    report = import_github_json(places, json.dumps([REST, GH]), "gh.json")
    again = import_github_json(places, json.dumps([REST, GH]), "gh.json")

    assert report.added == again.unchanged == ("GH-7", "GH-8")
    rest, gh = load_issues(places)
    assert (rest.description, rest.labels, rest.author) == ("Badly.", ("bug", "P1"), "ann")
    assert (rest.author_trust, rest.priority) == (AuthorTrust.MEMBER, 1)
    assert (rest.source, rest.source_url) == ("github", "https://github.com/o/r/issues/7")
    assert (gh.author, gh.author_trust, gh.source_url) == ("bob", AuthorTrust.NONE, GH["url"])
    assert gh.created_at is not None


def test_pull_requests_and_closed_issues_stay_out(scratch: Path) -> None:
    entries = [REST | {"pull_request": {"url": "x"}}, GH | {"state": "CLOSED"}]

    report = import_github_json(make.places_in(scratch), json.dumps(entries), "gh.json")

    assert (report.added, report.skipped) == ((), ("GH-7", "GH-8"))
    assert load_issues(make.places_in(scratch)) == []


@pytest.mark.parametrize(
    ("association", "trust"),
    [*TRUST.items(), ("NONE", AuthorTrust.NONE), ("FIRST_TIMER", AuthorTrust.NONE)],
)
def test_trust_comes_from_the_association(
    scratch: Path, association: str, trust: AuthorTrust
) -> None:
    places = make.places_in(scratch)

    import_github_json(places, json.dumps([REST | {"author_association": association}]), "gh.json")

    assert load_issues(places)[0].author_trust is trust
