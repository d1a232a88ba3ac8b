"""Where an agent stands, and what each thing that happens to it makes of that.

pending_init --turn begins--> running --turn ends--> completed | errored | interrupted --> ...
whatever stands idle: respawn, close --> shutdown
"""

from enum import StrEnum

from pipeline.agents.turn import OutcomeStatus
from pipeline.errors import PipelineError


class AgentStatus(StrEnum):
    """Where an agent stands."""

    PENDING_INIT = "pending_init"
    RUNNING = "running"
    COMPLETED = "completed"
    ERRORED = "errored"
    INTERRUPTED = "interrupted"
    SHUTDOWN = "shutdown"


class AgentEvent(StrEnum):
    """What happens to an agent."""

    SEND_INPUT = "send_input"
    """A request joins the queue."""
    TURN_BEGINS = "turn_begins"
    TURN_ANSWERED = "turn_answered"
    TURN_FAILED = "turn_failed"
    TURN_INTERRUPTED = "turn_interrupted"
    INTERRUPT = "interrupt"
    """Somebody asks the open turn to end; it ends by itself, soon."""
    RESPAWN = "respawn"
    """Another agent of the role takes its place."""
    CLOSE = "close"


_S, _E = AgentStatus, AgentEvent
_TURN_ENDS = (_E.TURN_ANSWERED, _E.TURN_FAILED, _E.TURN_INTERRUPTED)

TRANSITIONS: dict[tuple[AgentStatus, AgentEvent], AgentStatus] = {
    **{(status, _E.CLOSE): _S.SHUTDOWN for status in _S},
    **{(status, _E.INTERRUPT): status for status in _S},
    **{(status, _E.SEND_INPUT): status for status in _S if status is not _S.SHUTDOWN},
    **{(status, _E.RESPAWN): _S.SHUTDOWN for status in _S if status is not _S.RUNNING},
    **{
        (status, _E.TURN_BEGINS): _S.RUNNING
        for status in (_S.PENDING_INIT, _S.COMPLETED, _S.ERRORED, _S.INTERRUPTED)
    },
    (_S.RUNNING, _E.TURN_ANSWERED): _S.COMPLETED,
    (_S.RUNNING, _E.TURN_FAILED): _S.ERRORED,
    (_S.RUNNING, _E.TURN_INTERRUPTED): _S.INTERRUPTED,
    **{(_S.SHUTDOWN, event): _S.SHUTDOWN for event in _TURN_ENDS},
}
"""A pair that is missing is refused. A turn that was open when its agent was closed ends late."""

REFUSALS: dict[AgentStatus, str] = {
    _S.PENDING_INIT: "has no open turn",
    _S.RUNNING: "is at work in another thread",
    _S.COMPLETED: "has no open turn",
    _S.ERRORED: "has no open turn",
    _S.INTERRUPTED: "has no open turn",
    _S.SHUTDOWN: "is closed: it takes no more requests",
}
"""Why an event is refused in a status, after `the <role> agent`."""

EVENT_OF: dict[OutcomeStatus, AgentEvent] = {
    "answered": _E.TURN_ANSWERED,
    "failed": _E.TURN_FAILED,
    "stuck": _E.TURN_FAILED,
    "timed_out": _E.TURN_FAILED,
    "interrupted": _E.TURN_INTERRUPTED,
}
"""What the end of a turn means for its agent. An error that passes through is `TURN_FAILED`."""


def after(status: AgentStatus, event: AgentEvent, role: str) -> AgentStatus:
    """Return the status of the `role` agent after `event`, or raise `PipelineError`."""
    target = TRANSITIONS.get((status, event))
    if target is None:
        raise PipelineError(f"the {role} agent {REFUSALS[status]}")
    return target
