"""The backlog survives people, imports and bad lines."""

from pathlib import Path

import pytest

from pipeline.domain.issue import AuthorTrust
from pipeline.errors import PipelineError
from pipeline.store.backlog import add_issue, load_issues
from tests.store import builders as make


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
