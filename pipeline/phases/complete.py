"""Complete: close the agents and write the report, whatever happened before."""

from contextlib import suppress

from pipeline.agents.agent import Agent
from pipeline.errors import PipelineError
from pipeline.phases.init import close_run
from pipeline.phases.work import Work
from pipeline.plans.holds import awaits_confirmation
from pipeline.plans.standing import exit_code, is_over

WAITS = 3
"""The exit code of what waits for a person."""


def complete(work: Work) -> int:
    """Close the agents, render the documents and return the exit code of what stands."""
    close_agents(list(work.agents.values()))
    work.book.catch_up()
    rows = work.standings()
    if rows and is_over(rows) and work.book.state.run is not None:
        close_run(work, "nothing is left to do")
    elif work.book.state.run is not None:
        work.heed.record_stop(signalled=work.halt.signal())
    work.book.flush()
    return WAITS if awaits_confirmation(rows, work.book.state) else exit_code(rows)


def break_off(work: Work) -> None:
    """Close the agents where nothing can be written any more: what is there is whole."""
    with suppress(PipelineError, OSError):
        close_agents(list(work.agents.values()))


def close_agents(agents: list[Agent]) -> None:
    """Close every agent, even when closing one of them fails."""
    problem: PipelineError | None = None
    for agent in agents:
        try:
            agent.close()
        except PipelineError as error:
            problem = error
    if problem is not None:
        raise problem
