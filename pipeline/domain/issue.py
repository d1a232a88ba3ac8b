"""An issue: one entry of the backlog, one line of `.workflow/issues/issues.jsonl`."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, StringConstraints

from pipeline.domain.base import Id, Noun, Time

COMPLETED = "completed"
"""The `status` of an issue that is done without a plan."""


class AuthorTrust(StrEnum):
    """How far the author of an issue is trusted, as GitHub's author association says it."""

    OWNER = "owner"
    MEMBER = "member"
    CONTRIBUTOR = "contributor"
    NONE = "none"


class Feedback(Noun):
    """Something learned about an issue after it was filed, for the next plan of it."""

    type: Literal["failure", "clarification", "rejection", "changes", "drift", "comment"]
    stage: Literal["new", "plan", "gate", "execute"]
    content: str
    created_at: Time
    author: str | None = None
    """Who said it, where it is a comment from elsewhere."""
    author_trust: AuthorTrust | None = None
    """How far they are trusted; None: it was said here, by who may decide."""


class Issue(Noun):
    """One entry of the backlog."""

    id: Id
    title: Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
    description: str = Field("", validation_alias=AliasChoices("description", "context"))
    priority: int = Field(3, ge=1, le=5)
    """1 is critical, 5 is trivial."""
    depends_on: tuple[Id, ...] = ()
    labels: tuple[str, ...] = Field((), validation_alias=AliasChoices("labels", "tags"))
    source: str = "text"
    source_url: str | None = None
    author: str | None = None
    author_trust: AuthorTrust = AuthorTrust.NONE
    feedback: tuple[Feedback, ...] = ()
    test_commands: tuple[str, ...] = ()
    created_at: Time | None = None
    status: str | None = None
    """Only `completed` is read: done before this pipeline saw it, or closed by a person."""
    closed_reason: str | None = None
    imported: dict[str, str] | None = None
    """Field -> digest of what the issue's source said of it when it was last taken over."""

    @property
    def closed(self) -> bool:
        """Tell whether the issue came in as already done, or was closed here."""
        return self.status == COMPLETED

    @property
    def least_trust(self) -> AuthorTrust:
        """Return how far the least trusted one of its author and who commented is trusted."""
        said = (one.author_trust for one in self.feedback if one.author_trust is not None)
        return max((self.author_trust, *said), key=list(AuthorTrust).index)


class IssueState(StrEnum):
    """Where an issue stands: seed 004's states, and two for what cannot go on by itself."""

    REGISTERED = "registered"
    PLANNING = "planning"
    PLANNED = "planned"
    EXECUTING = "executing"
    COMPLETED = "completed"
    FAILED = "failed"
    BLOCKED = "blocked"
    PARKED = "parked"
