"""Where the whole backlog of a project stands."""

from pipeline.app.project import Project
from pipeline.execution.land import in_the_way
from pipeline.plans.history import not_in_history
from pipeline.plans.ordering import backlog_problems
from pipeline.plans.standing import Standing, standings
from pipeline.store.run_info import alive
from pipeline.store.state import State


def where_all_stand(project: Project, state: State) -> list[Standing]:
    """Return where every issue stands, in the backlog's order."""
    issues = project.issues()
    working = alive(project.places) is not None
    parked = in_the_way(project.repo, state.run.branch) if state.run else None
    problems = backlog_problems(issues) | not_in_history(project.repo, state, issues)
    return standings(issues, state, problems, working=working, parked=parked)
