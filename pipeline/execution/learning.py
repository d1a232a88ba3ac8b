"""What an agent may keep of a turn: the lessons that evidence holds up, new ones alone."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pipeline.agents.agent import Agent
from pipeline.agents.lessons import kept_lessons, known_lessons, proposed_lessons, seen_to_pass
from pipeline.domain.issue import AuthorTrust
from pipeline.domain.solution import Lesson
from pipeline.execution.site import Site
from pipeline.git import list_files


@dataclass(frozen=True)
class Learned:
    """What is kept for later turns, and what a person is asked about."""

    kept: tuple[Lesson, ...] = ()
    proposed: tuple[Lesson, ...] = ()


def learned(
    site: Site,
    agent: Agent,
    lessons: Iterable[Lesson],
    *,
    author: AuthorTrust,
    commit: str,
    passed: Collection[str] = (),
) -> Learned:
    """Return what the agent may keep of `lessons`; paths have to exist at `commit`.

    Commands have to be among `passed`, which were seen to exit with 0 in the turn itself, or have
    passed in one of the newest attempts.
    """
    offered = tuple(lessons)
    if not offered:
        return Learned()
    state = site.book.state
    attempts = [state.execution[key] for key in state.newest_attempts if key in state.execution]
    kept = kept_lessons(
        offered,
        author=author,
        exists=frozenset(list_files(site.repo, commit)).__contains__,
        passed=seen_to_pass(attempts).union(passed),
        known=known_lessons(agent.memory, agent.ledger),
    )
    return Learned(kept, proposed_lessons(offered, author=author))
