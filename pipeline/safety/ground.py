"""The ground of a plan: what its files are at its base, what landed since, and what has moved.

base --- landing --- landing --- foreign commit --- tip
  |         |                                        |
  signed    left by a plan in `after`: fine          neither: drift, the plan is stale
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from pipeline.domain.plan import Approval, Earlier
from pipeline.domain.results import ExecutionRecord, PlanningRecord
from pipeline.domain.solution import Solution
from pipeline.git import (
    CommitInfo,
    Repository,
    Trees,
    changed_paths,
    commits_between,
    is_ancestor,
)
from pipeline.safety.digest import plan_digest
from pipeline.store.state import State

NAMED_PATHS = 5
STRETCHES, ANSWERS = 16, 4096
"""How many stretches of history, and how many answers about two commits, are kept."""


@dataclass(frozen=True)
class Stale:
    """The ground of the plan has moved; it goes back to planning."""

    reason: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Ground:
    """What a plan stands on: its base, the blob of each of its files there, the plans before it.

    An `Approval` has the same, signed.
    """

    base_commit: str
    files: Mapping[str, str | None]
    after: tuple[Earlier, ...]


@dataclass(frozen=True)
class Landing:
    """A completed attempt whose commits lie between base and tip."""

    solution_id: str
    commit: str
    changed: frozenset[str]


class Terrain:
    """The commits of one repository, as far as drift is concerned.

    What two commits have in common or not never changes, so each such question is asked once.
    """

    def __init__(self, repo: Repository) -> None:
        self.trees = Trees(repo)
        self._between = lru_cache(STRETCHES)(lambda base, tip: commits_between(repo, base, tip))
        self._changes = lru_cache(ANSWERS)(lambda old, new: changed_paths(repo, old, new))
        self._reaches = lru_cache(ANSWERS)(lambda tip, commit: is_ancestor(repo, commit, tip))

    def baseless(self, base: str | None) -> Stale | None:
        """Return why nothing can be told of a plan's ground: its base is not here; else None."""
        if base and self.trees.commit(base) is not None:
            return None
        return Stale(f"the commit it was made on, {base or 'none'}, is not in this repository", ())

    def holds(self, base: str | None, commit: str) -> bool:
        """Tell whether `base` reaches `commit`; no, where one of them is not in the repository."""
        known = base and self.trees.commit(base) and self.trees.commit(commit)
        return bool(known) and self._reaches(base, commit)

    def landings(
        self, state: State, ground: Approval | Ground, paths: Collection[str], tip: str
    ) -> tuple[Landing, ...]:
        """Return the solutions that landed since the base and changed one of `paths`, in order."""
        candidates = [one for one in state.landings_on(paths) if one.commit_hash]
        if not candidates:
            return ()
        return tuple(self._found(candidates, ground.base_commit, frozenset(paths), tip))

    def drift(
        self,
        solution: Solution,
        ground: Approval | Ground,
        state: State,
        landings: tuple[Landing, ...],
        tip: str,
    ) -> Stale | None:
        """Return what moved: each path is the signed blob, or one that an earlier plan left."""
        if set(solution.paths) != set(ground.files):
            return Stale("its files are not the ones that were signed", solution.paths)
        found = self.trees.blobs_at(tip, solution.paths)
        moved = {path for path, blob in found.items() if blob != ground.files[path]}
        foreseen = {earlier.solution_id: earlier.digest for earlier in ground.after}
        for landing in landings:
            if not moved or not _is_foreseen(landing, foreseen, state):
                continue
            left = sorted(moved & landing.changed)
            blobs = self.trees.blobs_at(landing.commit, left)
            moved -= {path for path in left if blobs[path] == found[path]}
        if not moved:
            return None
        paths = tuple(sorted(moved))
        return Stale(f"changed since the plan was made: {named(paths)}", paths)

    def _found(
        self, candidates: list[ExecutionRecord], base: str, wanted: frozenset[str], tip: str
    ) -> Iterator[Landing]:
        commits = self._between(base, tip)
        for commit in reversed(commits):
            for record in candidates:
                if _is_end_of(record, commit):
                    changed = frozenset(self._changed(record, commit, commits))
                    if not wanted.isdisjoint(changed):
                        yield Landing(record.solution_id, commit.hash, changed)

    def _changed(
        self, record: ExecutionRecord, last: CommitInfo, commits: list[CommitInfo]
    ) -> Iterator[str]:
        """Yield the paths that the commits of one landed solution changed themselves."""
        own = {commit.hash for commit in record.commits} | {last.hash}
        for commit in commits:
            if commit.hash in own and commit.parents:
                yield from self._changes(commit.parents[0], commit.hash)


def named(paths: Collection[str]) -> str:
    """Return the first few paths, and how many more there are."""
    shown = sorted(paths)[:NAMED_PATHS]
    rest = len(paths) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def digest_of(state: State, key: str) -> str:
    """Return the digest of a plan's text and terms; it is worked out once until they change."""
    return state.planning.derived(key, _digest)


def _digest(record: PlanningRecord) -> str:
    if record.solution is None or record.plan is None:
        return ""
    return plan_digest(record.solution, record.plan)


def _is_end_of(record: ExecutionRecord, commit: CommitInfo) -> bool:
    """Tell whether `commit` is the last one of an attempt, also after a rewrite of the branch."""
    if commit.hash == record.commit_hash:
        return True
    return len(record.commits) <= 1 and commit.trailers.get("Attempt-Id") == [record.attempt_id]


def _is_foreseen(landing: Landing, foreseen: Mapping[str, str], state: State) -> bool:
    """Tell whether the reviewer was shown exactly the plan that landed."""
    key = landing.solution_id
    if key not in foreseen or key not in state.planning:
        return False
    return foreseen[key] == digest_of(state, key) != ""
