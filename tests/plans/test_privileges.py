import pytest

from pipeline.domain.plan import Role
from pipeline.domain.solution import Operation, Privilege
from pipeline.plans.drafting import envelope
from pipeline.plans.privileges import TERMS, privilege_problems
from pipeline.plans.validation import Surroundings, check_solution
from pipeline.settings import Settings
from tests.plans.nouns import NOW, change, solution, step, task

INSTALLS = task(1, change("a.py", "create"), steps=[step("install_package", "requests")])
NO_INSTALL = (
    "tasks[0].steps[0].type: install_package needs the privilege 'install': ask for it in "
    "privileges, or plan with what is installed"
)


def asks(*privileges, tasks=()):
    asked = [
        Privilege.model_validate({"operation": name, "target": target, "reason": reason})
        for name, target, reason in privileges
    ]
    return solution(1, *(tasks or [task(1, change("a.py", "create"))]), privileges=asked)


def test_the_table_is_complete_and_says_where_it_comes_from():
    assert set(TERMS) == set(Operation)
    assert all(terms.means and terms.source for terms in TERMS.values())


def test_seed_000s_matrix_stands_in_the_table():
    assert TERMS[Operation.NETWORK].role is Role.MAINTAINER
    assert TERMS[Operation.INSTALL].role is Role.MAINTAINER
    assert TERMS[Operation.GIT_DESTRUCTIVE].role is Role.ADMIN


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (
            ("network", "", "a download"),
            "privileges[0].operation: network cannot be granted: there is no filtering proxy, so a "
            "command would reach every address; plan without the network, or ask a person for what "
            "has to be downloaded",
        ),
        (
            ("shell_exec", "", " "),
            "privileges[0].reason: is empty: say why the work cannot do without it",
        ),
        (
            ("shell_exec", "a\u202eb", "why"),
            "privileges[0].target: 'a\\u202eb' has control or invisible characters: "
            "write it plainly",
        ),
        *(
            (
                ("file_write_external", target, "why"),
                f"privileges[0].target: {target!r} is no place outside the repository: give the "
                "absolute path of one, without '..'",
            )
            for target in ("", "/", "build", "/srv/../etc", "/srv/", "//srv")
        ),
    ],
)
def test_a_request_that_nobody_can_grant_goes_back(asked, problem):
    assert list(privilege_problems(asks(asked))) == [problem]
    errors = check_solution(asks(asked), around=Surroundings()).errors
    assert f"{problem} [privilege-request]" in errors


@pytest.mark.parametrize(
    "asked",
    [
        ("install", "", "why"),
        ("shell_exec", "the generator", "why"),
        ("git_destructive", "", "why"),
        ("file_write_external", "/srv/data", "why"),
    ],
)
def test_a_request_that_somebody_can_grant_passes(asked):
    assert list(privilege_problems(asks(asked))) == []


def test_one_privilege_is_asked_for_once():
    twice = asks(("install", "", "why"), ("install", "", "again"))
    assert list(privilege_problems(twice)) == [
        "privileges[1]: 'install' is there twice: ask for it once"
    ]


def test_a_step_that_installs_needs_the_privilege():
    assert list(privilege_problems(asks(tasks=[INSTALLS]))) == [NO_INSTALL]
    assert list(privilege_problems(asks(("install", "", "why"), tasks=[INSTALLS]))) == []


def test_the_grants_of_a_plan_are_the_names_of_what_it_asks_for():
    asked = asks(("shell_exec", "", "why"), ("file_write_external", "/srv/data", "why"))
    made = envelope(asked, settings=Settings(), created_by="planner:test", now=NOW)
    assert made.grants == ("shell_exec", "file_write_external:/srv/data")
