"""What deserves a second look, whatever group its issue is in: one row a kind.

A kind says what it is called and how it is found in the record of an attempt.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipeline.domain.counting import counted
from pipeline.domain.results import ExecutionRecord
from pipeline.observe.report.facts import Concern
from pipeline.observe.report.words import line
from pipeline.plans.standing import Standing

Found = Iterator[tuple[str, str | None]]
"""What is said, and where to read on (relative to `.workflow/`)."""


@dataclass(frozen=True)
class Kind:
    """One kind of concern."""

    heading: str
    find: Callable[[ExecutionRecord], Found]


def _contradiction(attempt: ExecutionRecord) -> Found:
    if attempt.claim is not None and attempt.claim.contradicts:
        yield f"the agent {attempt.claim.contradicts}", None


def _quarantine(attempt: ExecutionRecord) -> Found:
    if attempt.quarantine:
        yield f"unplanned changes set aside in .workflow/{attempt.quarantine}", attempt.quarantine


def _weaker_tests(attempt: ExecutionRecord) -> Found:
    for one in attempt.verification.weaker_tests:
        yield str(one), None


def _asks(attempt: ExecutionRecord) -> Found:
    if attempt.held is not None:
        names = ", ".join(attempt.held.paths)
        yield f"waits for a decision, with what the plan lacks: {names}", None


def _change(attempt: ExecutionRecord) -> Found:
    for one in attempt.findings:
        yield str(one), None


def _flaky(attempt: ExecutionRecord) -> Found:
    for name in attempt.verification.flaky:
        yield f"failed and passed on the same tree: {name}", None


def _failed_before(attempt: ExecutionRecord) -> Found:
    for name in attempt.verification.failed_before:
        yield f"fails, as it did before the change: {name}", None


def _own_commits(attempt: ExecutionRecord) -> Found:
    if made := attempt.ignored_commits:
        said = f"{counted(made, 'commit')} made in the workspace ignored"
        yield f"{said}: the pipeline makes its own", None


def _undone(attempt: ExecutionRecord) -> Found:
    if attempt.rollback is not None:
        yield f"taken back by commit {attempt.rollback.commit[:10]}", None


def _recovered(attempt: ExecutionRecord) -> Found:
    if attempt.recovered:
        yield "adopted from git after a crash", None


def _reserve(attempt: ExecutionRecord) -> Found:
    if attempt.verification.note:
        yield attempt.verification.note, None


KINDS: dict[str, Kind] = {
    "contradiction": Kind("The agent's word against the evidence", _contradiction),
    "quarantine": Kind("Unplanned changes that were set aside", _quarantine),
    "asks": Kind("Changes that wait for your word", _asks),
    "weaker_tests": Kind("Tests that say less than before", _weaker_tests),
    "flaky": Kind("Flaky tests", _flaky),
    "failed_before": Kind("Tests that failed before, too", _failed_before),
    "change": Kind("What changed besides text", _change),
    "own_commits": Kind("Commits of agents that were ignored", _own_commits),
    "undone": Kind("Taken back", _undone),
    "recovered": Kind("Adopted from git after a crash", _recovered),
    "reserve": Kind("What qualifies the evidence", _reserve),
}
"""The kinds in the order in which they are shown."""


def notes_of(attempt: ExecutionRecord | None) -> list[str]:
    """Return what qualifies the outcome of an attempt, one line each."""
    if attempt is None:
        return []
    return [line(text) for kind in KINDS.values() for text, _ in kind.find(attempt)]


def concerns_of(row: Standing) -> Iterator[Concern]:
    """Yield what deserves a second look about an issue."""
    if row.attempt is None:
        return
    for name, kind in KINDS.items():
        for text, link in kind.find(row.attempt):
            yield Concern(kind=name, issue_id=row.issue.id, text=line(text), link=link)
