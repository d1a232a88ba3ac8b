"""The states of a plan and what moves it from one to the next.

inactive --start_drafting--> drafting --submit--> pending --approve--> approved
                              ^ ^                  | ^                  |  |
                              | `-request_changes--' `--expire,withdraw-'  |
                              `----------request_changes-------------------'
park: pending -> pending                      widen: approved -> pending
reject: from drafting, pending, approved      drift: pending, approved -> stale
supersede: from everywhere but superseded, which is the end; rejected and stale end there too
"""

from datetime import datetime
from enum import StrEnum

from pipeline.domain.plan import Approval, Plan, PlanState
from pipeline.errors import PipelineError


class IllegalTransition(PipelineError):
    """Raised when an event does not fit the state that a plan is in."""


class PlanEvent(StrEnum):
    """What can happen to a plan."""

    START_DRAFTING = "start_drafting"
    SUBMIT = "submit"
    APPROVE = "approve"
    REJECT = "reject"
    REQUEST_CHANGES = "request_changes"
    SUPERSEDE = "supersede"
    DRIFT = "drift"
    """The ground of the plan has moved."""
    EXPIRE = "expire"
    """The approval no longer counts; the text is the same."""
    WITHDRAW = "withdraw"
    """A person takes the approval back."""
    PARK = "park"
    """Nobody decided for as long as a run was to wait; it still waits, with that reason."""
    WIDEN = "widen"
    """Its work went beyond it: a person is asked for what it lacks."""


_S, _E = PlanState, PlanEvent

TRANSITIONS: dict[tuple[PlanState, PlanEvent], PlanState] = {
    (_S.INACTIVE, _E.START_DRAFTING): _S.DRAFTING,
    (_S.INACTIVE, _E.SUPERSEDE): _S.SUPERSEDED,
    (_S.DRAFTING, _E.SUBMIT): _S.PENDING,
    (_S.DRAFTING, _E.REJECT): _S.REJECTED,
    (_S.DRAFTING, _E.SUPERSEDE): _S.SUPERSEDED,
    (_S.PENDING, _E.APPROVE): _S.APPROVED,
    (_S.PENDING, _E.REJECT): _S.REJECTED,
    (_S.PENDING, _E.REQUEST_CHANGES): _S.DRAFTING,
    (_S.PENDING, _E.DRIFT): _S.STALE,
    (_S.PENDING, _E.SUPERSEDE): _S.SUPERSEDED,
    (_S.PENDING, _E.PARK): _S.PENDING,
    (_S.APPROVED, _E.REJECT): _S.REJECTED,
    (_S.APPROVED, _E.REQUEST_CHANGES): _S.DRAFTING,
    (_S.APPROVED, _E.DRIFT): _S.STALE,
    (_S.APPROVED, _E.EXPIRE): _S.PENDING,
    (_S.APPROVED, _E.WITHDRAW): _S.PENDING,
    (_S.APPROVED, _E.WIDEN): _S.PENDING,
    (_S.APPROVED, _E.SUPERSEDE): _S.SUPERSEDED,
    (_S.REJECTED, _E.SUPERSEDE): _S.SUPERSEDED,
    (_S.STALE, _E.SUPERSEDE): _S.SUPERSEDED,
}
"""Every pair that is not here is refused."""

DEFERRABLE = frozenset({_S.PENDING, _S.APPROVED})


def advance(
    plan: Plan,
    event: PlanEvent,
    *,
    now: datetime,
    reason: str | None = None,
    approval: Approval | None = None,
) -> Plan:
    """Return the plan after `event`, or raise `IllegalTransition`.

    Only an approved plan carries an approval: `APPROVE` needs one, everything else takes it away.
    A decision ends a deferral; an approval that expires leaves it as it was.
    """
    target = TRANSITIONS.get((plan.state, event))
    if target is None:
        raise IllegalTransition(f"cannot {event.replace('_', ' ')} this plan: it is {plan.state}")
    if (approval is not None) != (event is PlanEvent.APPROVE):
        raise ValueError(f"an approval comes with 'approve' and with nothing else, not {event!r}")
    return plan.model_copy(
        update={
            "state": target,
            "state_reason": reason,
            "approval": approval,
            "after": approval.after if approval else plan.after,
            "deferred": plan.deferred and target is PlanState.PENDING,
            "updated_at": now,
        }
    )


def defer(plan: Plan, *, now: datetime, deferred: bool = True) -> Plan:
    """Return the plan set aside (or taken up again); its state stays what it is."""
    if plan.state not in DEFERRABLE:
        raise IllegalTransition(f"cannot defer this plan: it is {plan.state}")
    return plan.model_copy(update={"deferred": deferred, "updated_at": now})
