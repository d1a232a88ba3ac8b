"""Issues from elsewhere into the backlog: JSON lines, or GitHub's JSON in either of two forms.

    REST          [{number, title, body, labels: [{name}], user: {login}, author_association,
                    html_url, state, created_at, pull_request?}]
    gh --json     [{number, title, body, labels: [{name}], author: {login}, url, state,
                    createdAt, comments}]

All or nothing: one bad entry, and nothing is imported. What is in the backlog already stays as it
is; importing twice changes nothing twice.
"""

from dataclasses import dataclass

import orjson
from pydantic import AliasChoices, AliasPath, Field, ValidationError

from pipeline.domain.base import Noun, Time
from pipeline.domain.issue import AuthorTrust, Issue
from pipeline.domain.wording import first_problem
from pipeline.errors import PipelineError
from pipeline.paths import Places
from pipeline.store.backlog import (
    append_issues,
    load_issues,
    locked,
    parse_lines,
)

TRUST = {
    "OWNER": AuthorTrust.OWNER,
    "MEMBER": AuthorTrust.MEMBER,
    "COLLABORATOR": AuthorTrust.MEMBER,
    "CONTRIBUTOR": AuthorTrust.CONTRIBUTOR,
}
"""GitHub's author association -> how far the author is trusted; every other one: not at all."""

NOTHING = "nothing was imported"

PRIORITIES = {f"p{number}": number for number in range(1, 6)} | {
    "critical": 1,
    "high": 2,
    "medium": 3,
    "low": 4,
}
"""Label, in lower case and without `priority:` -> priority."""


@dataclass(frozen=True)
class ImportReport:
    """What an import did; all by issue id."""

    added: tuple[str, ...]
    unchanged: tuple[str, ...]
    changed: tuple[str, ...]
    """In the backlog with another text; the backlog's own stays."""
    skipped: tuple[str, ...] = ()
    """Closed issues and pull requests."""


_AUTHOR = AliasChoices(AliasPath("user", "login"), AliasPath("author", "login"))


class _Label(Noun):
    name: str


class _GitHubIssue(Noun):
    number: int
    title: str
    body: str | None = None
    labels: tuple[_Label | str, ...] = ()
    author: str | None = Field(
        None,
        validation_alias=AliasChoices(AliasPath("user", "login"), AliasPath("author", "login")),
    )
    association: str | None = Field(
        None, validation_alias=AliasChoices("author_association", "authorAssociation")
    )
    url: str | None = Field(None, validation_alias=AliasChoices("html_url", "url"))
    state: str = "open"
    created_at: Time | None = Field(None, validation_alias=AliasChoices("created_at", "createdAt"))
    pull_request: object | None = None


def import_jsonl(places: Places, text: str, source_name: str) -> ImportReport:
    """Import JSON lines in the backlog's own form; `PipelineError` names the bad line."""
    issues = parse_lines(text.encode(), source=source_name, advice=NOTHING)
    return _import(places, issues, skipped=())


def import_github_json(places: Places, text: str, source_name: str) -> ImportReport:
    """Import a JSON list of GitHub issues; `PipelineError` names the bad entry, from 1."""
    open_issues: dict[str, Issue] = {}
    skipped: list[str] = []
    for number, value in enumerate(_entries(text, source_name), start=1):
        try:
            found = _GitHubIssue.model_validate(value)
            issue = _to_issue(found)
        except ValidationError as error:
            raise PipelineError(
                f"'{source_name}' entry {number}: {first_problem(error)}: {NOTHING}"
            ) from error
        if found.pull_request is not None or found.state.lower() == "closed":
            skipped.append(issue.id)
        else:
            open_issues.setdefault(issue.id, issue)
    return _import(places, list(open_issues.values()), skipped=tuple(skipped))


def _import(places: Places, issues: list[Issue], *, skipped: tuple[str, ...]) -> ImportReport:
    with locked(places):
        there = {issue.id: issue for issue in load_issues(places)}
        new = [issue for issue in issues if issue.id not in there]
        append_issues(places, new)
    known = [issue for issue in issues if issue.id in there]
    return ImportReport(
        added=tuple(issue.id for issue in new),
        unchanged=tuple(issue.id for issue in known if issue == there[issue.id]),
        changed=tuple(issue.id for issue in known if issue != there[issue.id]),
        skipped=skipped,
    )


def _entries(text: str, source_name: str) -> list[object]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise PipelineError(
            f"'{source_name}' is no JSON ({error.msg}, line {error.lineno}, "
            f"column {error.colno}): {NOTHING}"
        ) from error
    if not isinstance(value, list):
        raise PipelineError(f"'{source_name}' is no JSON list of issues: {NOTHING}")
    return value


def _to_issue(found: _GitHubIssue) -> Issue:
    labels = tuple(label if isinstance(label, str) else label.name for label in found.labels)
    return Issue(
        id=f"GH-{found.number}",
        title=found.title,
        description=found.body or "",
        priority=_priority(labels),
        labels=labels,
        source="github",
        source_url=found.url,
        author=found.author,
        author_trust=TRUST.get((found.association or "").upper(), AuthorTrust.NONE),
        created_at=found.created_at,
    )


def _priority(labels: tuple[str, ...]) -> int:
    names = (label.lower().removeprefix("priority:").strip() for label in labels)
    return min((PRIORITIES[name] for name in names if name in PRIORITIES), default=3)
