"""What the Execution agent's commands may do: write, only look, nothing."""

import timeit
from pathlib import Path

import pytest

from pipeline.agents.permits import Denial, Permit, Permits, listed_commands
from pipeline.domain.solution import Operation, Privilege
from pipeline.sandbox import Bubblewrap, Jail, Sandbox, Unconfined
from tests.agents.boxes import Desk
from tests.plans.nouns import change, solution, step, task

LISTED = (
    "python3 -m unittest -q tests.test_a",
    "make docs && git status",
    "cd build && rm -rf *",
    "for x in a b; do touch $x; done",
    "$PYTHON -m build",
    "echo 'a b' > made.txt",
)
SUITE = "npm ci && npm test"
NOT_LISTED = "it is not one of the plan's commands"


def permits(*names: str, sandbox: Sandbox | None = None, write: str = "") -> Permits:
    where = Path("/w/repo")
    places = (Path(write),) if write else ()
    return Permits(
        listed=LISTED,
        suite=[SUITE],
        privileges=[Privilege(operation=Operation(name)) for name in names],
        jail=Jail(Path("/clone"), where, Path("/objects"), write=places),
        sandbox=sandbox or Bubblewrap(),
    )


@pytest.mark.parametrize(
    "script",
    [
        *LISTED,
        SUITE,
        "  make docs && git status\n",
        "make docs",
        "make docs; python3 -m unittest -q tests.test_a",
        "make docs | git status",
        "'make'   docs",
        'echo "a b" >made.txt',
    ],
)
def test_what_the_plan_lists_may_write(script: str) -> None:
    assert permits().judge(script) == Permit("execute")


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("ls", NOT_LISTED),
        ("python3 -m unittest -q tests.test_b", NOT_LISTED),
        ("make docs > log.txt", NOT_LISTED),
        ("A=1 make docs", NOT_LISTED),
        ("PATH=.:$PATH; make docs", NOT_LISTED),
        ("cd sub && make docs", NOT_LISTED),
        ("make docs; touch x", NOT_LISTED),
        ("make docs $(touch x)", NOT_LISTED),
        ("{ make docs; } > x", NOT_LISTED),
        ("rm -rf *", NOT_LISTED),
        ("for x in .git; do touch $x; done", NOT_LISTED),
        ("", NOT_LISTED),
        ("# make docs", NOT_LISTED),
        ("make docs &&", "line 1 is not valid bash"),
        ("$x", NOT_LISTED),
    ],
)
def test_what_it_does_not_list_only_looks(script: str, why: str) -> None:
    assert permits().judge(script) == Permit("plan", why)


def test_shell_exec_lets_everything_write_that_can_be_read_and_is_not_dangerous() -> None:
    granted = permits("shell_exec")
    for script in ("ls > x", "cd sub && touch y", "for x in *; do touch $x; done", "rm -rf build"):
        assert granted.judge(script) == Permit("execute")
    for script in ("$x y", 'eval "$x"', "make &&", "rm -rf *", "killall python"):
        judged = granted.judge(script)
        assert isinstance(judged, Permit)
        assert (judged.profile, bool(judged.why)) == ("plan", True)


OPERATIONS = {
    "install": "pip install requests",
    "git_destructive": "git reset --hard",
    "file_write_external": "echo x > /srv/x",
}


@pytest.mark.parametrize(("name", "script"), OPERATIONS.items())
def test_a_privileged_operation_takes_its_own_grant(name: str, script: str) -> None:
    for grants in ((), ("shell_exec",), tuple(one for one in OPERATIONS if one != name)):
        denial = permits(*grants).judge(f"make docs; {script}")
        assert isinstance(denial, Denial)
        assert denial.reason.startswith("not run: it ")
        assert f"privilege `{name}" in denial.reason
        assert "submit_result" in denial.reason
    place = "/srv" if name == "file_write_external" else ""
    given, beside = (Permit("execute"), Permit("plan", NOT_LISTED))
    if place:
        given = beside = Permit("outside", NOT_LISTED)
    assert permits(name, write=place).judge(script) == given
    assert permits(name, write=place).judge(f"{script}; touch x") == beside


def test_a_place_that_is_not_mounted_is_granted_to_nobody() -> None:
    granted = permits("file_write_external", write="/srv/data")
    assert granted.judge("cp a /srv/data/b") == Permit("outside", NOT_LISTED)
    for script in ("cp a /srv/x", "cp a /srv/database", "cp a /srv/data/../x"):
        assert isinstance(granted.judge(script), Denial)


def test_the_network_is_never_granted() -> None:
    for grants in ((), tuple(Operation)):
        denial = permits(*grants).judge("curl https://example.org")
        assert isinstance(denial, Denial)
        assert "no filtering proxy" in denial.reason


def test_the_users_own_test_command_needs_no_privilege_but_its_parts_do() -> None:
    assert permits().judge(SUITE) == Permit("execute")
    assert isinstance(permits().judge("npm ci"), Denial)


def test_without_a_sandbox_what_is_not_listed_is_refused() -> None:
    unconfined = permits(sandbox=Unconfined())
    assert unconfined.judge("make docs") == Permit("execute")
    for script in ("ls", "$x", "make &&"):
        denial = unconfined.judge(script)
        assert isinstance(denial, Denial)
        assert "without a sandbox" in denial.reason
    assert permits("shell_exec", sandbox=Unconfined()).judge("ls") == Permit("execute")


def test_without_a_sandbox_the_users_checkout_lies_outside() -> None:
    denial = permits("shell_exec", sandbox=Unconfined()).judge("touch /w/repo/x")
    assert isinstance(denial, Denial)
    assert "file_write_external:/w/repo/x" in denial.reason
    assert permits("shell_exec").judge("touch /w/repo/x") == Permit("execute")


def test_steps_tests_and_acceptance_are_what_a_plan_lists() -> None:
    work = task(
        1,
        change("a.py", "create"),
        steps=[
            step("create_file", "a.py"),
            step("execute_command", "make", command="make a"),
            step("install_package", "x", command="pip install x"),
        ],
        tests=["make a", "make test"],
    )
    assert listed_commands(solution(1, work))[:3] == ("make a", "pip install x", "make test")


def test_a_judgement_costs_under_a_fifth_of_a_millisecond_after_the_first() -> None:
    judge = permits().judge
    scripts = [f"cd x && python3 -m pytest -q tests/test_{n}.py 2>&1 | tail -20" for n in range(5)]
    for script in scripts:
        judge(script)
    best = min(timeit.repeat(lambda: [judge(script) for script in scripts], number=100, repeat=5))
    assert best / 500 < 0.0002


@pytest.fixture
def boxed(scratch: Path) -> Desk:
    (scratch / "objects").mkdir()
    return Desk(
        scratch,
        sandbox=Bubblewrap(),
        listed=("echo planned > a.txt", "test -s a.txt"),
        privileges=(),
    ).write({"a.txt": "as it was\n"})


def ran(desk: Desk, command: str) -> str:
    return desk.call("run_command", command=command, timeout_s=None).text


def test_an_unlisted_command_looks_and_changes_nothing(boxed: Desk) -> None:
    text = ran(boxed, "cat a.txt; echo here > /tmp/x && cat /tmp/x")
    first, *rest = text.splitlines()
    assert first.startswith("exit code 0 (")
    assert first.endswith(f", read-only: {NOT_LISTED}")
    assert rest == ["as it was", "here"]


@pytest.mark.parametrize(
    "command",
    ["echo x > a.txt", "touch b.txt", 'python3 -c \'open("b.txt", "w")\'', "$SHELL; rm a.txt"],
)
def test_an_unlisted_write_fails_and_is_told_what_to_do(boxed: Desk, command: str) -> None:
    text = ran(boxed, command)
    assert "`shell_exec`" in text.splitlines()[-1]
    assert (boxed.workspace / "a.txt").read_text() == "as it was\n"
    assert [path.name for path in boxed.workspace.iterdir()] == ["a.txt"]


def test_a_listed_command_writes(boxed: Desk) -> None:
    text = ran(boxed, "test -s a.txt && echo planned > a.txt")
    assert text.splitlines()[0].endswith("s)")
    assert (boxed.workspace / "a.txt").read_text() == "planned\n"


def test_a_refused_command_is_an_error_that_listeners_see(boxed: Desk) -> None:
    result = boxed.call("run_command", command="pip install x", timeout_s=None)
    assert result.is_error
    assert result.text.startswith("not run: it installs packages ('pip install x')")
    (event,) = boxed.events
    assert (event.summary, event.is_error) == ("pip install x", True)  # type: ignore[attr-defined]


def test_a_granted_place_is_writable_and_nothing_beside_it(boxed: Desk, scratch: Path) -> None:
    given, other = scratch / "given", scratch / "other"
    given.mkdir()
    other.mkdir()
    boxed.outside = (given,)
    boxed.privileges = (
        Privilege(operation=Operation.FILE_WRITE_EXTERNAL, target=str(given)),
        Privilege(operation=Operation.SHELL_EXEC),
    )
    ran(boxed, f"d={given}; echo x > $d/x; echo x > {given}/y")
    assert sorted(path.name for path in given.iterdir()) == ["x", "y"]
    ran(boxed, f"d={other}; mkdir -p $d; echo x > $d/x")
    assert list(other.iterdir()) == []
    boxed.privileges = boxed.privileges[:1]
    ran(boxed, f"d={given}; rm $d/x")
    assert (given / "x").exists()
