"""The origin system's `issues.jsonl`: one issue a line.

    {"id": "ISS-20260129-001", "title", "status": "registered|...|completed", "priority": 1..5,
     "context": "Markdown", "source": "github|text|discovery", "source_url", "tags": [],
     "extended_context": {"location": "src/a.py:12", "suggested_fix", "notes"},
     "affected_components": [], "lifecycle_requirements": {...},
     "feedback": [{"type", "stage", "content", "created_at"}], "created_at", ...}

Everything that a planner can use comes along: what has no field of its own here is written below
the context, under a heading.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import orjson
from pydantic import AliasChoices, Field

from pipeline.domain.base import Noun, Time
from pipeline.domain.issue import COMPLETED, Feedback, Issue
from pipeline.store.backlog import parse_lines
from pipeline.store.importing.batch import NOTHING, Batch, Document, Incoming

ONLY_THERE = frozenset(
    {
        "extended_context",
        "affected_components",
        "lifecycle_requirements",
        "bound_solution_id",
        "solution_count",
    }
)
"""Fields by which a line is recognised as the origin system's."""

DONE = frozenset({"completed", "closed", "done", "resolved"})

Status = Literal[
    "registered",
    "planning",
    "planned",
    "queued",
    "executing",
    "failed",
    "paused",
    "pending",
    "open",
    "completed",
    "closed",
    "done",
    "resolved",
]

DETAILS = {"location": "Where", "suggested_fix": "Suggested fix", "notes": "Notes"}
"""Part of `extended_context` -> the heading it comes under; others come under their own name."""


class _OriginIssue(Noun):
    id: str
    title: str
    status: Status = "registered"
    priority: int = 3
    context: str | None = Field(None, validation_alias=AliasChoices("context", "description"))
    depends_on: tuple[str, ...] = ()
    tags: tuple[str, ...] = Field((), validation_alias=AliasChoices("tags", "labels"))
    source: str = "text"
    source_url: str | None = None
    feedback: tuple[Feedback, ...] = ()
    extended_context: dict[str, object] | None = None
    affected_components: tuple[str, ...] = ()
    lifecycle_requirements: dict[str, object] | None = None
    created_at: Time | None = None


def read_origin(documents: Sequence[Document]) -> Batch:
    """Read lines of the origin system; its done issues come in as done."""
    incoming: list[Incoming] = []
    for one in documents:
        issues = parse_lines(one.text.encode(), source=one.name, advice=NOTHING, read=_from_origin)
        incoming += [Incoming(issue, unsaid=_unsaid(issue)) for issue in issues]
    return Batch(tuple(incoming))


def _from_origin(value: Mapping[str, object]) -> Issue:
    """Return the issue of one line; raises pydantic's error for a wrong value."""
    found = _OriginIssue.model_validate(value)
    return Issue(
        id=found.id,
        title=found.title,
        description="\n\n".join(part for part in (found.context or "", *_details(found)) if part),
        priority=found.priority,
        depends_on=found.depends_on,
        labels=found.tags,
        source=found.source,
        source_url=found.source_url,
        feedback=found.feedback,
        created_at=found.created_at,
        status=COMPLETED if found.status in DONE else None,
    )


def _details(found: _OriginIssue) -> list[str]:
    extended, wanted = found.extended_context or {}, found.lifecycle_requirements or {}
    parts = [f"{DETAILS.get(name, name)}: {_text(one)}" for name, one in extended.items() if one]
    if found.affected_components:
        parts.append(f"Affected components: {', '.join(found.affected_components)}")
    said = [f"{name.replace('_', ' ')} {_text(one)}" for name, one in wanted.items() if one]
    if said:
        parts.append(f"Wanted: {', '.join(said)}")
    return parts


def _text(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _unsaid(issue: Issue) -> frozenset[str]:
    trust = frozenset({"author", "author_trust"})
    return trust if issue.closed else trust | {"status"}
