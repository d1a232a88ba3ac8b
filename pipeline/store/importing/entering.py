"""A batch into the backlog: what is new is appended, what differs is told and nothing else.

What an issue's source said is kept as a digest for each field. So an issue that a person has edited
here counts as changed only when its source says something else than the last time.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson

from pipeline.domain.issue import AuthorTrust, Issue
from pipeline.errors import PipelineError
from pipeline.paths import Places
from pipeline.store.backlog import append_issues, load_issues, locked
from pipeline.store.backlog_edit import change_lines
from pipeline.store.importing.batch import NOTHING, Batch, Incoming
from pipeline.store.importing.references import Names, meant, named_in

COMPARED = (
    "title",
    "description",
    "priority",
    "depends_on",
    "labels",
    "source_url",
    "author",
    "author_trust",
    "feedback",
    "test_commands",
    "status",
)
"""Fields in which an issue can change at its source, in the order in which they are named."""

DIGEST_CHARS = 12


@dataclass(frozen=True)
class Change:
    """An issue of the backlog of which its source says something else now."""

    before: Issue
    after: Issue
    """As it would be with what the source says; what was edited here alone stays."""
    fields: tuple[str, ...]

    @property
    def id(self) -> str:
        """Return the issue's id."""
        return self.before.id


@dataclass(frozen=True)
class ImportReport:
    """What an import did, by issue id, and what it found."""

    added: tuple[str, ...]
    unchanged: tuple[str, ...]
    changed: tuple[Change, ...]
    """The backlog still has them as they were: `take_over` changes that."""
    skipped: tuple[str, ...] = ()
    """Closed issues and pull requests."""
    notes: tuple[str, ...] = ()


def enter(places: Places, batch: Batch) -> ImportReport:
    """Append the issues that are new, and tell about the others; doing it twice adds nothing."""
    with locked(places):
        there = {issue.id: issue for issue in load_issues(places)}
        names = Names([*there, *(one.issue.id for one in batch.incoming)])
        closed = Names(batch.skipped)
        settled = [_settled(one, names, closed) for one in batch.incoming]
        new = [_as_imported(one) for one, _ in settled if one.issue.id not in there]
        append_issues(places, new)
    known = [(there[one.issue.id], one) for one, _ in settled if one.issue.id in there]
    changes = [change for old, one in known if (change := _change(old, one)) is not None]
    differing = {change.id for change in changes}
    return ImportReport(
        added=tuple(issue.id for issue in new),
        unchanged=tuple(old.id for old, _ in known if old.id not in differing),
        changed=tuple(changes),
        skipped=batch.skipped,
        notes=(*batch.notes, *(note for _, notes in settled for note in notes)),
    )


def take_over(places: Places, changes: Sequence[Change]) -> None:
    """Write what the sources say into the backlog, for exactly these issues."""
    expected = {change.id: change.before for change in changes}
    values = {change.id: _new_values(change) for change in changes}

    def refuse_others(issues: Sequence[Issue]) -> None:
        now = {issue.id: issue for issue in issues}
        for name, before in expected.items():
            if now.get(name) != before:
                raise PipelineError(f"{name} was changed meanwhile: import again")

    change_lines(places, values, check=refuse_others)


def with_trust(batch: Batch, trust: AuthorTrust) -> Batch:
    """Return the batch with the trust of the authors of whom their source says nothing."""

    def trusted(one: Incoming) -> Incoming:
        if "author_trust" in one.issue.model_fields_set:
            return one
        issue = one.issue.model_copy(update={"author_trust": trust})
        return replace(one, issue=issue, unsaid=one.unsaid - {"author_trust"})

    return replace(batch, incoming=tuple(trusted(one) for one in batch.incoming))


def _settled(one: Incoming, names: Names, closed: Names) -> tuple[Incoming, list[str]]:
    """Return the issue with the dependencies that its words name, and what is to be said of it."""
    issue, url = one.issue, one.issue.source_url
    found = list(issue.depends_on)
    notes: list[str] = []
    for words in one.depends_on:
        name = names.find(words, source_url=url) or meant(words, source_url=url)
        if name is None:
            notes.append(f"{issue.id} depends on {words}, which is of another repository: left out")
        else:
            found.append(name)
            if names.find(name) is None:
                notes.append(f"{issue.id} depends on {name}, which is not in the backlog: blocked")
    named, missing = named_in(issue.description, names, source_url=url)
    found += named
    notes += [
        f"{issue.id} says {one.verb!r} {one.words}, which is neither in the backlog nor in this "
        "import: no dependency"
        for one in missing
        if not closed.find(one.words, source_url=url)
    ]
    depends_on = tuple(dict.fromkeys(name for name in found if name != issue.id))
    try:
        settled = Issue.model_validate({**_values(issue), "depends_on": depends_on})
    except ValueError as error:
        raise PipelineError(
            f"{issue.id} depends on {', '.join(depends_on)}: write ids: {NOTHING}"
        ) from error
    return replace(one, issue=settled), list(dict.fromkeys(notes))


def _values(issue: Issue) -> dict[str, object]:
    return {name: getattr(issue, name) for name in issue.model_fields_set}


def _as_imported(one: Incoming) -> Issue:
    said = {name: _digest(one.issue, name) for name in COMPARED if name not in one.unsaid}
    return one.issue.model_copy(update={"imported": said})


def _change(old: Issue, one: Incoming) -> Change | None:
    new, known = one.issue, old.imported or {}
    said = {name: _digest(new, name) for name in COMPARED if name not in one.unsaid}
    fields = tuple(
        name
        for name, digest in said.items()
        if getattr(old, name) != getattr(new, name) and known.get(name) != digest
    )
    if not fields:
        return None
    update = {name: getattr(new, name) for name in fields} | {"imported": known | said}
    return Change(old, old.model_copy(update=update), fields)


def _new_values(change: Change) -> dict[str, object]:
    values = change.after.model_dump(mode="json")
    return {name: values[name] for name in (*change.fields, "imported")}


def _digest(issue: Issue, name: str) -> str:
    value = issue.model_dump(mode="json", include={name})[name]
    return hashlib.sha256(orjson.dumps(value)).hexdigest()[:DIGEST_CHARS]
