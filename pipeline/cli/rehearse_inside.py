"""One command of a rehearsal, in a process of its own: what `plan` and `run` do, on a given order.

    python -m pipeline.cli.rehearse_inside < order.json

Whatever waits is approved, after planning and before execution: for the rehearsal, by nobody else's
leave. A wait for a vendor passes at once, by a clock that runs ahead. Events come as JSON lines on
stderr, what ended the process in one line on stdout.
"""

import os
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import orjson
import typer
from pydantic import BaseModel, ConfigDict, JsonValue

from pipeline import git
from pipeline.app.deciding import desk
from pipeline.app.patience import Timing
from pipeline.app.project import Project, open_project
from pipeline.app.stopping import StopFlag
from pipeline.app.telling import event_bus
from pipeline.app.working import work_through
from pipeline.clocks import elapsed
from pipeline.domain.base import utc_now
from pipeline.domain.plan import PlanState, RiskLevel
from pipeline.domain.wanted import Wanted
from pipeline.errors import PipelineError, cannot_use
from pipeline.events import EventBus, Notice
from pipeline.paths import Places, UserPlaces
from pipeline.safety.checkpoint import confirm
from pipeline.safety.trust import record_trust

DECIDED = "approved for the rehearsal: "
"""How the notice begins that names what no rule of the user's approved."""


class Order(BaseModel):
    """What the process does."""

    model_config = ConfigDict(frozen=True)

    root: str
    pid_file: str
    """Where the process writes its number, for whoever ends it."""
    flags: dict[str, JsonValue]
    """Settings, over all other sources."""
    execution: bool
    """False: it only plans, and what waits then is approved."""
    auto_approve: RiskLevel | None = None


@dataclass
class HurriedClock:
    """A clock on which waiting takes no time."""

    ahead_s: float = 0.0
    timing: Timing = field(init=False)

    def __post_init__(self) -> None:
        self.timing = Timing(now=self._now, elapsed=self._elapsed, sleep=self._sleep)

    def _now(self) -> datetime:
        return utc_now() + timedelta(seconds=self.ahead_s)

    def _elapsed(self) -> float:
        return elapsed() + self.ahead_s

    def _sleep(self, seconds: float) -> None:
        self.ahead_s += seconds
        time.sleep(0)


def obey(order: Order) -> int:
    """Do what the order says and return the exit code; raises what a person has to mend."""
    _trust(Path(order.root))
    project = open_project(Path(order.root), dict(order.flags))
    bus = event_bus(as_json=True)
    if order.execution:
        _decide(project, bus)
    wanted = Wanted(execution=order.execution, auto_approve=order.auto_approve)
    with StopFlag().listening() as stop:
        code = work_through(project, wanted, bus=bus, stop=stop, timing=HurriedClock().timing)
    if not order.execution:
        _decide(project, event_bus(as_json=True))
    return code


def _trust(root: Path) -> None:
    """Accept the clone's `.workflow/`, whose original the user has accepted."""
    repo = git.open_repository(root)
    record_trust(repo, Places(repo.root, UserPlaces.from_environment(), repo.git_dir))


def _decide(project: Project, bus: EventBus) -> None:
    """Approve what waits, and confirm a checkpoint, as nobody but a rehearsal may."""
    here = desk(project, bus)
    for key in list(here.book.state.planning):
        record = here.book.state.planning[key]
        if record.plan is not None and record.plan.state is PlanState.PENDING:
            here.approve(here.defer(record, deferred=False) if record.plan.deferred else record)
            bus.emit(Notice(f"{DECIDED}{record.key}"))
    if here.book.state.checkpoint is not None:
        confirm(here.book, here.approver)


def main() -> int:
    """Read the order, obey it, and say in one line what a person would have to mend."""
    order = Order.model_validate(orjson.loads(sys.stdin.buffer.read()))
    Path(order.pid_file).write_text(str(os.getpid()))
    try:
        return obey(order)
    except (PipelineError, OSError) as error:
        problem = cannot_use(error) if isinstance(error, OSError) else error
        if problem is None:
            raise
        typer.echo(" ".join(str(problem).split()))
        return problem.exit_code


if __name__ == "__main__":
    sys.exit(main())
