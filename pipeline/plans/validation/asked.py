"""The rule about privileges: what a plan asks for can be granted, as it is asked for."""

from collections.abc import Iterator

from pipeline.domain.solution import Operation
from pipeline.plans.external import external_problem
from pipeline.plans.privileges import privilege_problems
from pipeline.plans.validation.context import Context
from pipeline.plans.validation.rule import Found, Rule, Severity


def _privileges(context: Context) -> Iterator[Found]:
    for line in privilege_problems(context.solution):
        place, _, text = line.partition(": ")
        yield place, text


def _places(context: Context) -> Iterator[Found]:
    for n, asked in enumerate(context.solution.privileges):
        if asked.operation is Operation.FILE_WRITE_EXTERNAL and asked.target.startswith("/"):
            problem = external_problem(asked.target, context.around.closed)
            if problem is not None:
                yield f"privileges[{n}].target", f"{asked.target!r} {problem}"


RULES = (
    Rule(
        "privilege-request",
        Severity.ERROR,
        "a privilege cannot be granted as it is asked for, or is not asked for",
        "An approval grants exactly what the plan asks for by name, with a reason. `network` "
        "cannot be granted at all, and `install_package` needs `install`.",
        wrong='{"privileges": [{"operation": "network", "reason": "a download"}]}',
        right='{"privileges": [{"operation": "install", "reason": "it needs requests"}]}',
        check=_privileges,
        always="privileges are what the sandbox opens for",
    ),
    Rule(
        "privilege-place",
        Severity.ERROR,
        "a place outside of the workspace cannot be opened for writing",
        "`file_write_external` opens one place that is there. It never opens the repository, git's "
        "folder, the pipeline's own folders, the home folder, its settings, or the machine's.",
        wrong='{"privileges": [{"operation": "file_write_external", "target": "/etc", '
        '"reason": "the report goes there"}]}',
        right='{"privileges": [{"operation": "file_write_external", "target": "/srv", '
        '"reason": "the report goes there"}]}',
        check=_places,
        always="privileges are what the sandbox opens for",
    ),
)
