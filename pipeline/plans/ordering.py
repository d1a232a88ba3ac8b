"""In which order issues are planned and plans are carried out, and which plans meet on a path.

the queue     dependencies first; among the ready ones priority (a dependency inherits its
              dependents'), then age
execution     the queue, but an approved plan runs before any plan that can touch its files
              and that its reviewer was not shown
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter

from pipeline.domain.issue import Issue
from pipeline.domain.plan import PlanState
from pipeline.domain.results import PlanningRecord
from pipeline.plans.globs import matches_any

LIVE = frozenset({PlanState.PENDING, PlanState.APPROVED})
"""States of plans that may still run."""

UNDATED = datetime.max.replace(tzinfo=UTC)


def find_problems(issues: Sequence[Issue]) -> list[str]:
    """Return a line for each cycle (`ISS-1 -> ISS-2 -> ISS-1`) and each missing dependency."""
    known = {issue.id for issue in issues}
    missing = [
        f"{issue.id} depends on {name}, which is not in the backlog"
        for issue in issues
        for name in _waits_for(issue)
        if name not in known
    ]
    return missing + [f"issues wait for each other: {' -> '.join(c)}" for c in _cycles(issues)]


def backlog_problems(issues: Sequence[Issue]) -> dict[str, str]:
    """Return issue id -> why it cannot start: a cycle, a missing dependency, or one such issue."""
    known = {issue.id: issue for issue in issues}
    problems: dict[str, str] = {}
    for cycle in _cycles(issues):
        reason = f"issues wait for each other: {' -> '.join(cycle)}"
        problems |= dict.fromkeys(cycle, reason)
    for issue in issues:
        missing = [name for name in _waits_for(issue) if name not in known]
        if missing:
            problems[issue.id] = f"depends on {', '.join(missing)}, which is not in the backlog"
    dependents = _dependents(issues)
    waiting = list(problems)
    while waiting:
        hopeless = waiting.pop()
        for name in dependents.get(hopeless, ()):
            if name not in problems:
                problems[name] = f"depends on {hopeless}, which is blocked"
                waiting.append(name)
    return {issue.id: problems[issue.id] for issue in issues if issue.id in problems}


def planning_order(issues: Sequence[Issue]) -> list[Issue]:
    """Return the queue; issues that `backlog_problems` names are left out."""
    hopeless = backlog_problems(issues)
    able = [issue for issue in issues if issue.id not in hopeless]
    known = {issue.id: issue for issue in able}
    priority = _inherited_priority(able)
    position = {issue.id: place for place, issue in enumerate(able)}
    rank = {
        issue.id: (priority[issue.id], issue.created_at or UNDATED, position[issue.id])
        for issue in able
    }
    ranked = sorted(able, key=lambda issue: rank[issue.id])
    places = {issue.id: place for place, issue in enumerate(ranked)}
    before = {issue.id: set(_waits_for(issue)) for issue in able}
    return [known[name] for name in _merge_order(places, before, {})]


class Queue:
    """The queue of one backlog, worked out once for as many questions as there are."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        self.issues = list(issues)
        self._known = {issue.id for issue in issues}
        self._places = {issue.id: n for n, issue in enumerate(planning_order(issues))}
        self._ancestors = _ancestors(issues)

    def place(self, issue_id: str) -> int:
        """Return an issue's place; one that `backlog_problems` names stands behind all others."""
        return self._places.get(issue_id, len(self._places))

    def ancestors(self, issue_id: str) -> frozenset[str]:
        """Return all issues that this one waits for, near and far."""
        return self._ancestors(issue_id)

    def __contains__(self, issue_id: str) -> bool:
        return issue_id in self._known


def can_hit(first: PlanningRecord, second: PlanningRecord) -> bool:
    """Tell whether `first` may change one of `second`'s files, by its files or `may_touch`."""
    if first.solution is None:
        return False
    wanted = _paths(second)
    if not set(_paths(first)).isdisjoint(wanted):
        return True
    return any(covers(_globs(first), path) for path in wanted)


def earlier_records(
    record: PlanningRecord,
    records: Iterable[PlanningRecord],
    queue: Queue,
    landed: Collection[str],
) -> tuple[PlanningRecord, ...]:
    """Return those of `records` that ran, or are to run, before `record`, in the queue's order.

    `records` are others that can touch its files (`can_hit`), each the current plan of its issue or
    one of the solution ids in `landed`.
    """
    mine = (queue.place(record.issue_id), record.key)
    before = queue.ancestors(record.issue_id)

    def runs_first(other: PlanningRecord) -> bool:
        if other.key in landed:
            return True
        if other.plan is None or other.plan.state not in LIVE:
            return False
        if record.issue_id in queue.ancestors(other.issue_id):
            return False
        if other.issue_id in before or (queue.place(other.issue_id), other.key) < mine:
            return True
        return _must_precede(other, record)

    return tuple(
        sorted(filter(runs_first, records), key=lambda one: (queue.place(one.issue_id), one.key))
    )


def execution_order(
    records: Iterable[PlanningRecord], issues: Sequence[Issue], landed: Collection[str] = ()
) -> list[PlanningRecord]:
    """Return the approved plans that have not landed, in the order in which they run.

    Deferred plans are left out. Where two plans were each approved without the other, the queue
    decides, and the second one will be stale.
    """
    queue = Queue(issues)
    ready = [
        one
        for one in records
        if one.solution
        and one.plan
        and one.plan.state is PlanState.APPROVED
        and not one.plan.deferred
        and one.key not in landed
    ]
    ready.sort(key=lambda one: (queue.place(one.issue_id), one.key))
    places = {one.key: n for n, one in enumerate(ready)}
    by_issue = {one.issue_id: one.key for one in ready}
    hard = {
        one.key: {by_issue[name] for name in queue.ancestors(one.issue_id) if name in by_issue}
        for one in ready
    }
    shown = {one.key: _shown_to(one) for one in ready}
    soft = {
        one.key: {other for other in others if one.key not in shown[other]}
        for one, others in zip(ready, _hit_by(ready), strict=True)
    }
    known = {one.key: one for one in ready}
    return [known[key] for key in _merge_order(places, hard, soft)]


def _hit_by(records: Sequence[PlanningRecord]) -> list[set[str]]:
    """Return for each record the keys of the others whose files it may touch."""
    named: defaultdict[str, set[str]] = defaultdict(set)
    for one in records:
        for path in _paths(one):
            named[path].add(one.key)
    open_to = {
        globs: set().union(*(keys for path, keys in named.items() if covers(globs, path)))
        for globs in {_globs(one) for one in records}
    }
    return [
        open_to[_globs(one)].union(*(named[path] for path in _paths(one))) - {one.key}
        for one in records
    ]


def _shown_to(record: PlanningRecord) -> frozenset[str]:
    """Return the plans that an approval names as running earlier."""
    approval = record.plan.approval if record.plan else None
    return frozenset(one.solution_id for one in approval.after) if approval else frozenset()


def _paths(record: PlanningRecord) -> tuple[str, ...]:
    return record.solution.paths if record.solution else ()


def _globs(record: PlanningRecord) -> tuple[str, ...]:
    return record.plan.may_touch if record.plan else ()


def _must_precede(first: PlanningRecord, second: PlanningRecord) -> bool:
    """Tell whether `first` is approved, and by somebody who was not shown `second`."""
    if first.plan is None or first.plan.state is not PlanState.APPROVED:
        return False
    is_signed = first.plan.approval is not None
    return is_signed and second.key not in _shown_to(first) and can_hit(second, first)


@lru_cache(maxsize=1 << 16)
def covers(globs: tuple[str, ...], path: str) -> bool:
    """Tell whether one of `globs` covers `path`."""
    return matches_any(path, globs)


def _merge_order(
    places: Mapping[str, int],
    hard: Mapping[str, Collection[str]],
    soft: Mapping[str, Collection[str]],
) -> list[str]:
    """Return the names by place, each after its `hard` and, where that is possible, `soft` ones.

    `hard` holds no cycle. A cycle of `soft` ones is cut at the first place that `hard` allows.
    """
    waits_hard = {name: set(hard.get(name, ())) & places.keys() for name in places}
    waits = {name: waits_hard[name] | (set(soft.get(name, ())) & places.keys()) for name in places}
    followers: dict[str, list[str]] = {name: [] for name in places}
    for name, others in waits.items():
        for other in others:
            followers[other].append(name)
    ready = [(places[name], name) for name in places if not waits[name]]
    heapq.heapify(ready)
    left = dict.fromkeys(sorted(places, key=places.__getitem__))
    done: list[str] = []
    while left:
        if ready:
            name = heapq.heappop(ready)[1]
        else:
            name = next(one for one in left if waits_hard[one].isdisjoint(left))
        if name not in left:
            continue
        del left[name]
        done.append(name)
        for follower in followers[name]:
            waits[follower].discard(name)
            if not waits[follower] and follower in left:
                heapq.heappush(ready, (places[follower], follower))
    return done


def _inherited_priority(issues: Sequence[Issue]) -> dict[str, int]:
    """Return each issue's priority, or the best one among the open issues that wait for it."""
    priority = {issue.id: issue.priority for issue in issues}
    known = {issue.id: issue for issue in issues}
    graph = {issue.id: _waits_for(issue) for issue in issues}
    for name in reversed(list(TopologicalSorter(graph).static_order())):
        for dependency in _waits_for(known[name]):
            priority[dependency] = min(priority[dependency], priority[name])
    return priority


def _waits_for(issue: Issue) -> tuple[str, ...]:
    """Return the issues that have to land before this one; what is closed waits for nothing."""
    return () if issue.closed else issue.depends_on


def _cycles(issues: Sequence[Issue]) -> list[list[str]]:
    """Return the cycles among the dependencies; each issue is in one of them at most."""
    known = {issue.id for issue in issues}
    graph = {issue.id: [n for n in _waits_for(issue) if n in known] for issue in issues}
    cycles: list[list[str]] = []
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            members: list[str] = error.args[1][:0:-1]
            first = members.index(min(members, key=list(graph).index))
            cycles.append([*members[first:], *members[:first], members[first]])
            graph = {
                name: [other for other in others if other not in members]
                for name, others in graph.items()
                if name not in members
            }
        else:
            return cycles


def _dependents(issues: Iterable[Issue]) -> dict[str, list[str]]:
    dependents: dict[str, list[str]] = {}
    for issue in issues:
        for name in _waits_for(issue):
            dependents.setdefault(name, []).append(issue.id)
    return dependents


def _ancestors(issues: Iterable[Issue]) -> Callable[[str], frozenset[str]]:
    """Return a function from an issue id to all issues that it waits for, near and far."""
    graph = {issue.id: _waits_for(issue) for issue in issues}
    found: dict[str, frozenset[str]] = {}

    def ancestors(name: str) -> frozenset[str]:
        if name not in found:
            seen: set[str] = set()
            waiting = list(graph.get(name, ()))
            while waiting:
                other = waiting.pop()
                if other not in seen:
                    seen.add(other)
                    waiting += graph.get(other, ())
            found[name] = frozenset(seen)
        return found[name]

    return ancestors
