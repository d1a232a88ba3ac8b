"""GitHub's JSON, in either of two forms; several lists after each other (pages) count as one.

    REST          [{number, title, body, labels: [{name}], user: {login}, author_association,
                    html_url, state, created_at, pull_request?, comments: 3}]
    gh --json     [{number, title, body, labels: [{name}], author: {login}, url, state, createdAt,
                    comments: [{author: {login}, authorAssociation, body, createdAt, isMinimized}]}]

Closed issues and pull requests are skipped. Comments become feedback, the newest `MOST_COMMENTS`.
"""

import json
from collections.abc import Iterable, Sequence

import orjson
from pydantic import AliasChoices, AliasPath, Field, field_validator

from pipeline.domain.base import Noun, Time
from pipeline.domain.issue import AuthorTrust, Feedback, Issue
from pipeline.errors import PipelineError
from pipeline.store.importing.batch import (
    NOTHING,
    PRIORITIES,
    Batch,
    Document,
    Incoming,
    checked,
)

TRUST = {
    "OWNER": AuthorTrust.OWNER,
    "MEMBER": AuthorTrust.MEMBER,
    "COLLABORATOR": AuthorTrust.MEMBER,
    "CONTRIBUTOR": AuthorTrust.CONTRIBUTOR,
}
"""GitHub's author association -> how far the author is trusted; every other one: not at all."""

MOST_COMMENTS = 20
"""So many comments of an issue come along: every planning turn pays for them."""
MOST_OF_A_COMMENT = 2_000
"""Characters."""

_AUTHOR = AliasChoices(AliasPath("user", "login"), AliasPath("author", "login"))
_ASSOCIATION = AliasChoices("author_association", "authorAssociation")
_CREATED = AliasChoices("created_at", "createdAt")


class _Comment(Noun):
    body: str | None = None
    author: str | None = Field(None, validation_alias=_AUTHOR)
    association: str | None = Field(None, validation_alias=_ASSOCIATION)
    created_at: Time = Field(validation_alias=_CREATED)
    hidden: bool = Field(False, validation_alias="isMinimized")


class _GitHubIssue(Noun):
    number: int = Field(gt=0)
    title: str
    body: str | None = None
    labels: tuple[str, ...] = ()
    author: str | None = Field(None, validation_alias=_AUTHOR)
    association: str | None = Field(None, validation_alias=_ASSOCIATION)
    url: str | None = Field(None, validation_alias=AliasChoices("html_url", "url"))
    state: str = "open"
    created_at: Time | None = Field(None, validation_alias=_CREATED)
    pull_request: object | None = None
    comments: tuple[_Comment, ...] | None = None
    """None where the source says at most how many there are."""

    @field_validator("labels", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        if not isinstance(value, list):
            return value
        return [one.get("name") if isinstance(one, dict) else one for one in value]

    @field_validator("comments", mode="before")
    @classmethod
    def _not_their_number(cls, value: object) -> object:
        return None if isinstance(value, int) else value


def read_github_json(documents: Sequence[Document]) -> Batch:
    """Read lists of GitHub issues; a wrong entry is named by its number, from 1."""
    entries = [
        (f"'{one.name}' entry {number}", value)
        for one in documents
        for number, value in enumerate(_entries(one), start=1)
    ]
    return batch_of(entries)


def batch_of(entries: Iterable[tuple[str, object]]) -> Batch:
    """Return the batch of (how a message calls it, entry) pairs; the first of an id counts."""
    incoming: dict[str, Incoming] = {}
    skipped: list[str] = []
    notes: list[str] = []
    for where, value in entries:
        found = checked(where, _GitHubIssue.model_validate, value)
        one = checked(where, _incoming, found)
        if found.pull_request is not None or found.state.lower() == "closed":
            skipped.append(one.issue.id)
        elif one.issue.id not in incoming:
            incoming[one.issue.id] = one
            notes += _left_out(one.issue.id, found)
    return Batch(tuple(incoming.values()), tuple(dict.fromkeys(skipped)), tuple(notes))


def _incoming(found: _GitHubIssue) -> Incoming:
    issue = Issue(
        id=f"GH-{found.number}",
        title=found.title,
        description=found.body or "",
        priority=_priority(found.labels),
        labels=found.labels,
        source="github",
        source_url=found.url,
        author=found.author,
        author_trust=_trust(found.association),
        feedback=tuple(_feedback(one) for one in _kept(found)),
        created_at=found.created_at,
    )
    unsaid = {"status"}
    if found.association is None:
        unsaid.add("author_trust")
    if found.comments is None:
        unsaid.add("feedback")
    return Incoming(issue, unsaid=frozenset(unsaid))


def _priority(labels: tuple[str, ...]) -> int:
    names = (label.lower().removeprefix("priority:").strip() for label in labels)
    return min((PRIORITIES[name] for name in names if name in PRIORITIES), default=3)


def _trust(association: str | None) -> AuthorTrust:
    return TRUST.get((association or "").upper(), AuthorTrust.NONE)


def _said(found: _GitHubIssue) -> list[_Comment]:
    comments = found.comments or ()
    return [one for one in comments if (one.body or "").strip() and not one.hidden]


def _kept(found: _GitHubIssue) -> list[_Comment]:
    return sorted(_said(found), key=lambda one: one.created_at)[-MOST_COMMENTS:]


def _left_out(issue_id: str, found: _GitHubIssue) -> list[str]:
    count = len(_said(found))
    if count <= MOST_COMMENTS:
        return []
    return [f"{issue_id} has {count} comments: the newest {MOST_COMMENTS} come along"]


def _feedback(comment: _Comment) -> Feedback:
    content = (comment.body or "").strip()
    if len(content) > MOST_OF_A_COMMENT:
        content = f"{content[:MOST_OF_A_COMMENT]} […]"
    return Feedback(
        type="comment",
        stage="new",
        content=content,
        created_at=comment.created_at,
        author=comment.author,
        author_trust=_trust(comment.association),
    )


def _entries(document: Document) -> list[object]:
    lists = _lists(document)
    if lists and all(isinstance(page, list) for page in lists):
        found = [value for page in lists if isinstance(page, list) for value in page]
        if found and all(isinstance(page, list) for page in found):
            return [value for page in found if isinstance(page, list) for value in page]
        return found
    raise PipelineError(f"'{document.name}' is no JSON list of issues: {NOTHING}")


def _lists(document: Document) -> list[object]:
    """Return the JSON documents of a text: one, or page after page as `gh api --paginate` does."""
    try:
        return [orjson.loads(document.text)]
    except orjson.JSONDecodeError as error:
        if pages := _pages(document.text):
            return pages
        raise PipelineError(
            f"'{document.name}' is no JSON ({error.msg}, line {error.lineno}, "
            f"column {error.colno}): {NOTHING}"
        ) from error


def _pages(text: str) -> list[object]:
    """Return JSON documents that follow each other; nothing when one of them is broken."""
    decoder, pages, place = json.JSONDecoder(), list[object](), 0
    text = text.strip()
    while place < len(text):
        try:
            page, place = decoder.raw_decode(text, place)
        except (json.JSONDecodeError, RecursionError):
            return []
        pages.append(page)
        while place < len(text) and text[place].isspace():
            place += 1
    return pages
