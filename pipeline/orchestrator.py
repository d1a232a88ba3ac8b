"""START HERE: the pipeline from one end to the other.

    init -> plan -> gate -> execute -> complete

Issues go to one long-lived Planning agent, approved solutions to one long-lived Execution agent,
one after the other. Every outcome is durable before the next one is begun, so that stopping this
anywhere and starting it again carries on.
"""

from collections.abc import Callable

from pipeline.domain.group import Group
from pipeline.domain.wanted import Wanted
from pipeline.errors import DiskProblem, PipelineError, cannot_use
from pipeline.events import RunEnded
from pipeline.phases.complete import WAITS, break_off, complete
from pipeline.phases.execute import execute, require_tests
from pipeline.phases.gate import gate
from pipeline.phases.init import init
from pipeline.phases.overlap import overlap
from pipeline.phases.plan import plan
from pipeline.phases.returns import refuse
from pipeline.phases.todo import is_anything_to_do, nothing_to_do, tell_what_is_blocked
from pipeline.phases.waiting import Wait
from pipeline.phases.work import Work
from pipeline.plans.holds import awaits_confirmation

DONE, A_BUG = 0, 70

MEANING: dict[int, str] = {
    0: "everything is done",
    1: "stopped by an error that you can mend",
    3: "plans wait for your decision",
    4: "finished; some issues failed or are parked",
    5: "the budget is spent",
    70: "stopped by a bug",
    75: "paused by a quota; `pipeline run` carries on",
    130: "interrupted; `pipeline run` carries on",
}
"""What each exit code says to a person."""


SOME_LEFT = "what was asked is done; `pipeline run` does the rest"
AT_CHECKPOINT = "stopped at a checkpoint: `pipeline confirm`, then `pipeline run`"


def orchestrate(work: Work, wanted: Wanted, report: Callable[[int, str], None]) -> int:
    """Go through the phases and return the exit code; raises what a person has to mend.

    The agents are closed and the report is written whatever happens; where the disk refuses what
    has to be kept, nothing is written any more.
    """
    code, disk_works, busy, told = A_BUG, True, True, ""
    try:
        is_open = init(work, wanted)
        busy = is_open and is_anything_to_do(work, wanted)
        if busy and wanted.execution:
            require_tests(work)
        if is_open:
            _work_through(work, wanted)
        else:
            tell_what_is_blocked(work)
        refuse(work, wanted.solutions)
        code = DONE
    except OSError as error:
        disk_works = cannot_use(error) is None
        raise
    except PipelineError as problem:
        code, disk_works = problem.exit_code, not isinstance(problem, DiskProblem)
        told = str(problem)
        raise
    finally:
        if disk_works:
            idle = code == DONE and not busy
            code = _end(work, code, told, report, wanted if idle else None)
        else:
            break_off(work)
    return code


def _end(
    work: Work, code: int, told: str, report: Callable[[int, str], None], idle: Wanted | None
) -> int:
    """Complete the run and report it, the latter also where the former fails.

    `told`: the line of the error that ended it, if one did.
    `idle`: what was wanted, where there was nothing to do for it.
    """
    try:
        stands = complete(work)
        code = code or stands
    except PipelineError as problem:
        code, told = code or problem.exit_code, told or str(problem)
        raise
    finally:
        report(code, told)
        work.bus.emit(RunEnded(code, _summary(work, code, idle)))
    return code


def _summary(work: Work, code: int, idle: Wanted | None) -> str:
    """Return what the exit code means here, for a person."""
    rows = work.standings()
    if idle is not None and not awaits_confirmation(rows, work.book.state):
        return nothing_to_do(idle, rows)
    if code == DONE and any(row.group is Group.NOT_STARTED for row in rows):
        return SOME_LEFT
    if code == WAITS and awaits_confirmation(rows, work.book.state):
        return AT_CHECKPOINT
    return MEANING[code]


def _work_through(work: Work, wanted: Wanted) -> None:
    """Plan, gate and execute until a round finds nothing more to do.

    A second round is needed when a plan went stale, a record was removed by hand, or a decision
    came in meanwhile. A run that executes may wait for decisions before it gives up.
    """
    wait = Wait.of(work, wanted)
    while True:
        seen = wait.look()
        done = _go_round(work, wanted)
        if done == 0 and not (wanted.execution and wait.for_news(seen)):
            return


def _go_round(work: Work, wanted: Wanted) -> int:
    """Go through the wanted phases once; return how much was done."""

    def decide() -> int:
        return gate(work, wanted.auto_approve)

    if work.settings.overlap and wanted.planning and wanted.execution:
        return overlap(
            work,
            lambda: plan(work, wanted.issues, after_each=decide),
            lambda: decide() + execute(work, wanted.solutions),
        )
    turns = plan(work, wanted.issues) if wanted.planning else 0
    decided = decide()
    return turns + decided + (execute(work, wanted.solutions) if wanted.execution else 0)
