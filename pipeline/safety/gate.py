"""The gate: an approval is a signature, and only a plan whose signature holds may run.

    sign    what the reviewer saw -> Approval (digest, base, blobs, earlier plans, mac)
    check   Approval + journal + git -> Cleared | Returned | Stale

`Returned`: the decision does not count (any more); the same text waits again. `Stale`: the ground
has moved under the plan. Execution takes a `Cleared`, which nothing but `Gate.check` can make.
"""

import hmac
from collections.abc import Callable, Collection, Sequence
from dataclasses import InitVar, dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from pipeline.domain.base import iso
from pipeline.domain.issue import Issue
from pipeline.domain.plan import Approval, Earlier, Plan, PlanState
from pipeline.domain.results import ExecutionRecord, PlanningRecord
from pipeline.domain.solution import Solution
from pipeline.errors import PipelineError
from pipeline.git import Repository, Trees
from pipeline.paths import Places
from pipeline.plans.ordering import Queue, covers, earlier_records
from pipeline.safety.authority import why_not_count, why_not_sign
from pipeline.safety.digest import canonical, plan_digest
from pipeline.safety.ground import Ground, Landing, Stale, Terrain, digest_of, named
from pipeline.safety.keys import mac, signing_key
from pipeline.safety.policy import Approver, require_owner
from pipeline.settings import AutoRule, Settings
from pipeline.store.files import append_durable
from pipeline.store.state import State

CLOCK_SLACK = timedelta(minutes=5)
"""How far the clock may stand before the newest journal entry."""

OUTSIDE_THE_MAC = {"mac", "journal_offset"}
_TOKEN = object()


@dataclass(frozen=True)
class LandedBetween:
    """A solution that landed between a plan's base and the branch's tip, on some of its files."""

    solution_id: str
    commit: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Cleared:
    """A plan that may run now; only `Gate.check` makes one."""

    record: PlanningRecord
    approval: Approval
    landed_between: tuple[LandedBetween, ...]
    tip: str
    """The commit on which it may run: no other was looked at."""
    token: InitVar[object]

    def __post_init__(self, token: object) -> None:
        if token is not _TOKEN:
            raise TypeError("only Gate.check clears a plan")


@dataclass(frozen=True)
class Returned:
    """The approval does not count; the plan waits again, with the same text."""

    reason: str


class Gate:
    """Signs decisions and checks them again before anything happens."""

    def __init__(
        self,
        repo: Repository,
        places: Places,
        settings: Settings,
        clock: Callable[[], datetime],
    ) -> None:
        self._terrain = Terrain(repo)
        self._queue = Queue(())
        self._places = places
        self._settings = settings
        self._clock = clock

    @property
    def trees(self) -> Trees:
        """Return what answers questions about paths at a commit."""
        return self._terrain.trees

    def earlier_plans(
        self, record: PlanningRecord, state: State, issues: Sequence[Issue]
    ) -> tuple[Earlier, ...]:
        """Return the plans that ran, or are to run, before `record` and can touch its files.

        Those that its base commit already holds are left out.
        """
        solution, _ = _parts(record)
        meeting = state.plans_naming(solution.paths)
        meeting |= state.plans_open_to(lambda globs: any(covers(globs, p) for p in solution.paths))
        landed = {key: one for key in meeting if (one := state.landing_of(key)) is not None}
        queue = self._queue_of(issues)
        plans = [state.planning.outline(key) for key in meeting if key != record.key]
        others = [one for one in plans if one.key in landed or _is_current(one, queue, state)]
        return tuple(
            _earlier(one.key, digest_of(state, one.key))
            for one in earlier_records(record, others, queue, landed)
            if one.key not in landed or not self._in_base(record, landed[one.key])
        )

    def sign(
        self,
        record: PlanningRecord,
        *,
        after: tuple[Earlier, ...],
        approver: Approver,
        comment: str = "",
        rule: AutoRule | None = None,
    ) -> Approval:
        """Return the signed approval of a pending plan.

        `after`: the earlier plans that the reviewer was shown (`earlier_plans`). `rule`: the rule
        that decided in the approver's name; None: they did. Raises `PipelineError` when there is
        nothing to approve, the role is too low, or the user does not decide here.
        """
        require_owner(self._places.user.state)
        solution, plan = _parts(record)
        if record.base_commit is None:
            raise PipelineError(f"{record.key} names no base commit: retry {record.issue_id}")
        if record.rehearsal and not self._settings.rehearsal:
            raise PipelineError(
                f"{record.key} was made in a rehearsal: reject it, then `pipeline retry "
                f"{record.issue_id}` and `pipeline run --new` have it planned for real"
            )
        if refused := why_not_sign(solution, plan, approver, rule, self._settings):
            raise PipelineError(f"{record.key} {refused}")
        now = self._clock()
        unsigned = Approval(
            digest=plan_digest(solution, plan),
            base_commit=record.base_commit,
            files=self._terrain.trees.blobs_at(record.base_commit, solution.paths),
            after=after,
            approver=approver.name,
            uid=approver.uid,
            role=approver.role,
            decided_at=now,
            expires_at=now + timedelta(days=self._settings.gate.expires_days),
            comment=comment,
            rule=rule.name if rule else None,
            rule_max_risk=rule.max_risk if rule else None,
            mac="",
        )
        return unsigned.model_copy(update={"mac": self._mac(solution.solution_id, unsigned)})

    def withdraw(self, record: PlanningRecord) -> None:
        """Make a plan's approval, if it has one, void for good, whatever becomes of the journal.

        An older copy of the journal, or a line of it written again, brings it not back.
        """
        approval = record.plan.approval if record.plan else None
        if approval is not None:
            append_durable(self._places.withdrawn_file, f"{approval.mac}\n".encode())

    def check(self, record: PlanningRecord, state: State, tip: str) -> Cleared | Returned | Stale:
        """Tell whether a plan may run on `tip` (a commit), and if not, why."""
        plan, solution = record.plan, record.solution
        if plan is None or solution is None or plan.approval is None:
            return Returned("it has no approval")
        approval = plan.approval
        if plan.state is not PlanState.APPROVED:
            return Returned(f"it is {plan.state}, not approved")
        reason = self._invalid(record, solution, plan, approval, state)
        if reason is not None:
            return Returned(reason)
        if stale := self.baseless(approval.base_commit):
            return stale
        landings = self._terrain.landings(state, approval, solution.paths, tip)
        if stale := self._terrain.drift(solution, approval, state, landings, tip):
            return stale
        between = tuple(
            LandedBetween(one.solution_id, one.commit, _shared(one, solution.paths))
            for one in landings
        )
        if between and self._settings.gate.overlap == "replan":
            names = ", ".join(one.solution_id for one in between)
            paths = tuple(sorted({path for one in between for path in one.paths}))
            return Stale(f"{names} landed on files of this plan: {named(paths)}", paths)
        return Cleared(record, approval, between, tip, _TOKEN)

    def broken(self, record: PlanningRecord, state: State) -> str | None:
        """Return why an approved plan's signature does not count (any more), or None."""
        plan, solution = record.plan, record.solution
        if plan is None or solution is None or plan.approval is None:
            return "it has no approval"
        return self._invalid(record, solution, plan, plan.approval, state)

    def signed(self, solution_id: str, approval: Approval) -> bool:
        """Tell whether an approval was signed with this user's key, for this plan, here."""
        if not self._places.approval_key.exists():
            return False
        return hmac.compare_digest(approval.mac, self._mac(solution_id, approval))

    def tip(self, state: State) -> str | None:
        """Return the commit at the open run's branch; None when there is neither."""
        return self._terrain.trees.commit(f"refs/heads/{state.run.branch}") if state.run else None

    def baseless(self, base: str | None) -> Stale | None:
        """Return why nothing can be told of a plan's ground: its base is not here; else None."""
        return self._terrain.baseless(base)

    def moved(
        self, record: PlanningRecord, state: State, issues: Sequence[Issue], tip: str
    ) -> Stale | None:
        """Return what has moved under a plan that nobody has decided on yet."""
        solution, _ = _parts(record)
        base = record.base_commit or ""
        if stale := self.baseless(base):
            return stale
        after = self.earlier_plans(record, state, issues)
        ground = Ground(base, self._terrain.trees.blobs_at(base, solution.paths), after)
        landings = self._terrain.landings(state, ground, solution.paths, tip)
        return self._terrain.drift(solution, ground, state, landings, tip)

    def still_cleared(self, cleared: Cleared, state: State, tip: str) -> bool:
        """Tell whether the ground of a plan under way still holds at another `tip`."""
        solution, approval = cleared.record.solution, cleared.approval
        if solution is None:
            return False
        landings = self._terrain.landings(state, approval, solution.paths, tip)
        if landings != () and self._settings.gate.overlap == "replan":
            return False
        return self._terrain.drift(solution, approval, state, landings, tip) is None

    def _in_base(self, record: PlanningRecord, landing: ExecutionRecord) -> bool:
        commit = landing.commit_hash
        return commit is not None and self._terrain.holds(record.base_commit, commit)

    def _queue_of(self, issues: Sequence[Issue]) -> Queue:
        """Return the queue of a backlog, the last one again where it is the same."""
        if self._queue.issues != list(issues):
            self._queue = Queue(issues)
        return self._queue

    def _mac(self, solution_id: str, approval: Approval) -> str:
        signed = approval.model_dump(mode="json", exclude=OUTSIDE_THE_MAC)
        message = canonical(
            {
                "repository": self._places.repository_key,
                "solution_id": solution_id,
                "approval": signed,
            }
        )
        return mac(signing_key(self._places.approval_key), message)

    def _invalid(
        self,
        record: PlanningRecord,
        solution: Solution,
        plan: Plan,
        approval: Approval,
        state: State,
    ) -> str | None:
        """Return why the signature does not count, or None."""
        now = self._clock()
        if record.solution_id != solution.solution_id or not hmac.compare_digest(
            approval.mac, self._mac(solution.solution_id, approval)
        ):
            return "its approval is not signed with this user's key for this repository"
        if self._is_withdrawn(approval):
            return "its approval was taken back"
        if not hmac.compare_digest(approval.digest, plan_digest(solution, plan)):
            return "its text or terms are not the ones that were approved"
        if record.rehearsal and not self._settings.rehearsal:
            return "it was made in a rehearsal"
        if state.newest_at is not None and now < state.newest_at - CLOCK_SLACK:
            return (
                f"the clock stands before the newest journal entry, {iso(state.newest_at)}, so no "
                "approval counts: set the clock right"
            )
        if now >= approval.expires_at:
            return f"its approval expired at {approval.expires_at:%Y-%m-%d %H:%M} UTC"
        return why_not_count(solution, plan, approval, self._settings)

    def _is_withdrawn(self, approval: Approval) -> bool:
        place = self._places.withdrawn_file
        return place.exists() and approval.mac in place.read_text("ascii", "replace").split()


def _parts(record: PlanningRecord) -> tuple[Solution, Plan]:
    if record.solution is None or record.plan is None:
        raise PipelineError(f"{record.key} holds no plan that could be approved")
    return record.solution, record.plan


@lru_cache(maxsize=4096)
def _earlier(solution_id: str, digest: str) -> Earlier:
    """Return the same noun for the same plan: an approval may name hundreds."""
    return Earlier(solution_id=solution_id, digest=digest)


def _is_current(record: PlanningRecord, queue: Queue, state: State) -> bool:
    """Tell whether it is the current plan of an issue in the backlog."""
    return record.issue_id in queue and state.current_key(record.issue_id) == record.key


def _shared(landing: Landing, paths: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(landing.changed.intersection(paths)))
