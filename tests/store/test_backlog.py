"""The backlog survives people, imports and bad lines."""

import json
from pathlib import Path

import pytest

from pipeline.domain.issue import AuthorTrust
from pipeline.errors import PipelineError
from pipeline.store.backlog import add_issue, load_issues
from pipeline.store.backlog_import import TRUST, import_github_json, import_jsonl
from tests.store import builders as make

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
    "comments": [{"body": "please"}],
}


def write_backlog(root: Path, *lines: str) -> Path:
    path = make.places_in(root).issues_file
    path.parent.mkdir(parents=True)
    path.write_text("".join(line + "\n" for line in lines))
    return path


def test_no_backlog_is_no_issues(scratch: Path) -> None:
    assert load_issues(make.places_in(scratch)) == []


def test_the_least_line_and_the_aliases_are_read(scratch: Path) -> None:
    write_backlog(
        scratch,
        '{"id": "A", "title": "a"}',
        "",
        '{"id": "B", "title": "b", "context": "why", "tags": ["x"], "depends_on": ["A"]}',
    )

    a, b = load_issues(make.places_in(scratch))

    assert (a.priority, a.author_trust, a.closed) == (3, AuthorTrust.NONE, False)
    assert (b.description, b.labels, b.depends_on) == ("why", ("x",), ("A",))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"id": "B"', "is no JSON"),
        ("[1]", "is no JSON object"),
        ('{"id": "B"}', "title is missing"),
        ('{"id": "../B", "title": "b"}', "id is '../B': use letters, digits"),
        (
            '{"id": "B", "title": "b", "priority": 9}',
            "priority is 9: it must be less than or equal to 5",
        ),
        ('{"id": "A", "title": "b"}', "issue 'A' is there already (line 1)"),
    ],
)
def test_a_bad_line_is_named_with_its_number(scratch: Path, line: str, says: str) -> None:
    write_backlog(scratch, '{"id": "A", "title": "a"}', line)

    with pytest.raises(PipelineError) as caught:
        load_issues(make.places_in(scratch))

    assert "issues.jsonl' line 2" in str(caught.value)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_adding_appends_and_refuses_a_taken_id(scratch: Path) -> None:
    places = make.places_in(scratch)
    add_issue(places, make.issue("A"))
    add_issue(places, make.issue("B"))

    with pytest.raises(PipelineError, match="issue 'A' is there already"):
        add_issue(places, make.issue("A"))

    assert [issue.id for issue in load_issues(places)] == ["A", "B"]


def test_a_line_edited_by_hand_survives_every_import_byte_for_byte(scratch: Path) -> None:
    mine = '{"title":"mine",   "id":"A", "note": "I keep this",\t"priority": 1}'
    path = write_backlog(scratch, mine)
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    incoming = '{"id": "A", "title": "theirs"}\n{"id": "B", "title": "b"}\n'

    first = import_jsonl(make.places_in(scratch), incoming, "in.jsonl")
    once = path.read_bytes()
    second = import_jsonl(make.places_in(scratch), incoming, "in.jsonl")

    assert path.read_text().split("\n")[0] == mine
    assert (first.added, first.changed) == (("B",), ("A",))
    assert (second.added, second.unchanged, second.changed) == ((), ("B",), ("A",))
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
