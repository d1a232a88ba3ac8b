"""The rule about privileges: what a plan asks for can be granted, as it is asked for."""

from collections.abc import Iterator

from pipeline.plans.privileges import privilege_problems
from pipeline.plans.validation.context import Context
from pipeline.plans.validation.rule import Found, Rule, Severity


def _privileges(context: Context) -> Iterator[Found]:
    for line in privilege_problems(context.solution):
        place, _, text = line.partition(": ")
        yield place, text


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
)
