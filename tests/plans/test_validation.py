import pytest

from pipeline.domain.solution import Acceptance
from pipeline.plans.validation import Severity, Surroundings, check_solution, path_problem
from pipeline.settings import ValidationSettings
from tests.plans.nouns import change, issue, solution, step, task

FILE, FOLDER, LINK, SUBMODULE = "100644", "40000", "120000", "160000"
BASE = {
    "a.py": FILE,
    "b.py": FILE,
    "tests": FOLDER,
    "tests/test_a.py": FILE,
    "run.sh": FILE,
    "link": LINK,
    "current": LINK,
    "vendor": FOLDER,
    "vendor/lib": SUBMODULE,
}
PROGRAMS = {"pytest", "make", "python3", "timeout", "cat", "tee", "/usr/bin/make", ".venv/bin/ruff"}


def checked(*tasks, created=frozenset(), untested_ok=False, settings=None, **fields):
    def modes(paths):
        return {path: BASE[path] for path in paths if path in BASE}

    return check_solution(
        solution(1, *tasks, **fields),
        issue=issue(1),
        around=Surroundings(
            modes=modes,
            created_earlier=frozenset(created),
            kept=(".venv", "node_modules", "target"),
            has_program=PROGRAMS.__contains__,
        ),
        settings=settings,
        may_touch=("**/tests/**",),
        untested_ok=untested_ok,
    )


def problems(*tasks, **fields):
    """Return place and text of each error; tests/plans/test_rules.py is about the ids."""
    found = checked(*tasks, **fields).findings
    return [f"{one.place}: {one.text}" for one in found if one.severity is Severity.ERROR]


def rules(*tasks, **fields):
    return {one.rule for one in checked(*tasks, **fields).findings}


def test_a_good_solution_has_no_problems():
    steps = [step("modify_file", "a.py"), step("execute_command", "make", command="make docs")]
    assert (
        problems(
            task(1, change("a.py"), change("new.py", "create"), steps=steps),
            task(2, change("new.py"), change("b.py", "delete"), depends_on=["T1"]),
        )
        == []
    )


def test_a_solution_without_tasks_is_none():
    assert problems() == ["tasks: is empty: give at least one task with its files and tests"]


def test_a_task_needs_files_or_steps():
    assert problems(task(1)) == [
        "tasks[0]: has neither files nor steps: say what it changes, or leave it out"
    ]


def test_somewhere_there_must_be_a_test():
    untested = task(1, change("a.py"), tests=[])
    found = problems(untested, acceptance=Acceptance(criteria=("it works",)))
    assert found == [
        "acceptance.commands: no task has tests and there is no acceptance command: give a "
        "command that fails before the change and passes after it"
    ]
    assert problems(untested) == []
    assert problems(untested, acceptance=Acceptance(), untested_ok=True) == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("/etc/passwd", "is absolute"),
        ("../other/a.py", "leaves the repository"),
        ("src/../../a.py", "leaves the repository"),
        (".git/config", "git's own folder"),
        ("sub/.GIT/hooks/pre-commit", "git's own folder"),
        (".workflow/config.toml", "the pipeline's own folder"),
        (".Workflow/journal.jsonl", "the pipeline's own folder"),
        ("src\\a.py", "has a backslash"),
        ("a\n.py", "has control characters"),
        ("a\x1b[0m.py", "has control characters"),
        ("a\u200b.py", "has control characters"),
        ("a\u202e.py", "has control characters"),
        ("src/*.py", "is a pattern"),
        ("src/a?.py", "is a pattern"),
        ("src/", "is a folder"),
        ("src//a.py", "has an empty or '.' part"),
        ("./a.py", "has an empty or '.' part"),
        (" a.py", "begins or ends with white space"),
        (":(top)a.py", "starts with ':'"),
        ("a" * 1_001, "is too long"),
    ],
)
def test_a_path_that_cannot_be_a_file_of_a_plan_is_named(path, said):
    found = problems(task(1, change(path, "create")))
    assert len(found) == 1
    assert found[0].startswith(f"tasks[0].files[0].path: {path!r} ")
    assert said in found[0]


@pytest.mark.parametrize(
    "path",
    [
        "a.py",
        "src/deep/er/a-b_c.py",
        ".github/workflows/ci.yml",
        ".gitignore",
        "app/[id].tsx",
        "ä ö.md",
    ],
)
def test_an_ordinary_path_is_fine(path):
    assert path_problem(path) is None


@pytest.mark.parametrize("action", ["modify", "delete"])
def test_what_is_changed_must_be_there(action):
    assert problems(task(1, change("gone.py", action))) == [
        f"tasks[0].files[0].path: 'gone.py' is not there to {action}: look at the path again, "
        "or use action 'create'"
    ]
    assert problems(task(1, change("gone.py", action)), created={"gone.py"}) == []
    assert problems(task(1, change("gone.py", "create")), task(2, change("gone.py", action))) == []


def test_what_is_created_must_not_be_there():
    assert problems(task(1, change("a.py", "create"))) == [
        "tasks[0].files[0].path: 'a.py' exists by then: use action 'modify'"
    ]
    assert problems(task(1, change("x.py", "create")), created={"x.py"})
    assert problems(task(1, change("x.py", "create")), task(2, change("x.py", "create"))) == [
        "tasks[1].files[0].path: 'x.py' exists by then: use action 'modify'"
    ]
    assert problems(task(1, change("a.py", "delete")), task(2, change("a.py", "create"))) == []


def test_the_order_of_work_is_what_counts_and_not_that_of_the_list():
    later = task(1, change("new.py"), depends_on=["T2"])
    assert problems(later, task(2, change("new.py", "create"))) == []


def test_a_file_is_named_once_in_a_task():
    assert problems(task(1, change("a.py"), change("a.py"))) == [
        "tasks[0].files[1].path: 'a.py' is there twice in T1: name it once"
    ]


def test_tasks_that_wait_for_each_other_are_named():
    found = problems(
        task(1, change("a.py"), depends_on=["T2"]), task(2, change("b.py"), depends_on=["T1"])
    )
    assert len(found) == 1
    assert found[0].startswith("tasks[0].depends_on: tasks wait for each other: T")


def test_an_unknown_task_is_named():
    assert problems(task(1, change("a.py"), depends_on=["T7"])) == [
        "tasks[0].depends_on: there is no task 'T7': the tasks are T1"
    ]


def test_task_ids_are_unique():
    assert problems(task(1, change("a.py")), task(1, change("b.py"))) == [
        "tasks[1].id: 'T1' is there twice: number the tasks T1, T2"
    ]


def test_the_target_of_a_file_step_is_in_the_files():
    assert problems(task(1, change("a.py"), steps=[step("refactor_code", "b.py")])) == [
        "tasks[0].steps[0].target: 'b.py' is not in tasks[0].files: add it there"
    ]


def test_a_step_and_its_file_agree():
    assert problems(task(1, change("a.py"), steps=[step("delete_file", "a.py")])) == [
        "tasks[0].steps[0].type: delete_file of 'a.py', which tasks[0].files says to modify: "
        "make them agree"
    ]


def test_a_command_step_has_a_command():
    assert problems(task(1, steps=[step("execute_command", "make")])) == [
        "tasks[0].steps[0].command: is missing: give the command"
    ]


def test_a_command_is_exactly_what_the_reviewer_sees():
    found = problems(
        task(1, change("a.py"), tests=["", "pytest\u200b -q"]),
        acceptance=Acceptance(commands=("make\x1b[2K",)),
    )
    assert found == [
        "tasks[0].tests[0]: is empty: give a command for 'bash -c', or leave it out",
        "tasks[0].tests[1]: has control or invisible characters: write it plainly",
        "acceptance.commands[0]: has control or invisible characters: write it plainly",
    ]


def test_a_solution_has_a_size():
    many = [change(f"f{n}.py", "create") for n in range(20 + 1)]
    assert problems(task(1, *many)) == ["tasks: 21 files in all, at most 20: plan a smaller change"]
    steps = [step("modify_file", "a.py")] * (100 + 1)
    assert problems(task(1, change("a.py"), steps=steps)) == [
        "tasks: 101 steps in all, at most 100: plan a smaller change"
    ]


def test_the_answer_belongs_to_the_issue():
    found = problems(task(1, change("a.py")), issue_id="ISS-2")
    assert found == ["issue_id: is 'ISS-2', but this turn is about 'ISS-1'"]


def test_a_title_says_something():
    assert problems(task(1, change("a.py")), title="\u200b ") == [
        "title: is empty: say in one line what changes"
    ]


def test_an_error_reads_place_text_rule():
    assert checked(task(1, change("gone.py"))).errors == (
        "tasks[0].files[0].path: 'gone.py' is not there to modify: look at the path again, "
        "or use action 'create' [file-missing]",
    )


def test_errors_without_end_are_not_told_without_end():
    steps = [step("modify_file", f"f{n}.py") for n in range(99)]
    errors = checked(task(1, change("a.py"), steps=steps)).errors
    assert len(errors) == 41
    assert errors[-1] == "and 59 more"


def test_the_size_is_a_setting():
    steps = [step("modify_file", "a.py")] * 3
    found = rules(
        task(1, change("a.py"), change("b.py"), steps=steps),
        settings=ValidationSettings(max_steps=2, max_files=1),
    )
    assert found == {"too-many-steps", "too-many-files"}


@pytest.mark.parametrize(
    ("path", "action", "said"),
    [
        ("link", "modify", "is a symbolic link: name the file that it leads to"),
        ("link", "delete", None),
        ("link/x.py", "create", "cannot be written: 'link' is a symbolic link, no folder"),
        ("a.py/x.py", "create", "cannot be written: 'a.py' is a file, no folder"),
        ("vendor/lib", "modify", "is a submodule, which is another repository: leave it out"),
        ("vendor/lib", "delete", "is a submodule, which is another repository: leave it out"),
        ("vendor/lib/x.c", "modify", "cannot be written: 'vendor/lib' is a submodule, no folder"),
        ("vendor", "modify", "is a folder: name each file in it"),
        ("vendor", "create", "is a folder: name each file in it"),
        (".venv/x.py", "create", "lies in '.venv', which is no part of a change: leave it out"),
        ("target", "create", "lies in 'target', which is no part of a change: leave it out"),
        ("targets/x.py", "create", None),
        ("tests/new.py", "create", None),
    ],
)
def test_what_a_change_cannot_hold_is_named(path, action, said):
    found = problems(task(1, change(path, action)))
    assert found == ([] if said is None else [f"tasks[0].files[0].path: {path!r} {said}"])


def test_a_file_that_the_plan_deletes_makes_room_for_a_folder():
    assert problems(task(1, change("a.py", "delete"), change("a.py/x.py", "create"))) == []


@pytest.mark.parametrize(
    "command",
    [
        "pytest -q",
        "timeout 60 pytest -q",
        "cd sub && ./anything && pytest",
        "./run.sh",
        "bash_is_not_here() { cat x; }; bash_is_not_here",
        "command -v ruff && ruff check . || pytest",
        "source env.sh && whatever",
        "PATH=/opt/x:$PATH tool --check",
        "make && build/app",
        "/usr/bin/make test",
        ".venv/bin/ruff check",
        "tests/helpers/run.sh",
        "./made.sh",
        "for f in *.py; do cat $f; done",
        "(pytest | tee log) > out 2>&1",
    ],
)
def test_a_command_whose_programs_are_there_is_fine(command):
    made = task(1, change("a.py"), change("made.sh", "create"), tests=[command])
    assert problems(made, acceptance=Acceptance()) == []


@pytest.mark.parametrize(
    ("command", "name", "rule"),
    [
        ("pytset -q", "pytset", "program-missing"),
        ("pytest && ruff check .", "ruff", "program-missing"),
        ("timeout 60 ruff check .", "ruff", "program-missing"),
        ("env", "env", "program-missing"),
        ("./gone.sh", "./gone.sh", "script-missing"),
        ("scripts/gone.sh --all", "scripts/gone.sh", "script-missing"),
        ("timeout 5 ./gone.sh", "./gone.sh", "script-missing"),
        (".venv/bin/black .", ".venv/bin/black", "script-missing"),
        ("/opt/none/tool", "/opt/none/tool", "script-missing"),
        ("./b.py", "./b.py", "script-missing"),
    ],
)
def test_a_program_that_is_not_there_is_named(command, name, rule):
    made = task(1, change("a.py"), change("b.py", "delete"), tests=[command])
    found = checked(made, acceptance=Acceptance()).findings
    assert [(one.rule, one.place) for one in found] == [(rule, "tasks[0].tests[0]")]
    assert repr(name) in found[0].text


def test_a_step_may_run_what_is_not_there_yet():
    steps = [step("execute_command", "gen", command="./gone.sh && whatever")]
    assert problems(task(1, change("a.py"), steps=steps)) == []


@pytest.mark.parametrize(
    "command",
    [
        *("true", ":", "ls", "ls -la", "echo done", "exit 0", "# nothing", "true && true"),
        *("pwd; date", "sleep 1", "printf x | echo y"),
    ],
)
def test_a_command_that_cannot_fail_is_no_acceptance(command):
    idle = task(1, change("a.py"), tests=[command])
    assert rules(idle, acceptance=Acceptance()) - {"program-missing"} == {"acceptance-missing"}
    assert "acceptance-missing" not in rules(idle)


@pytest.mark.parametrize(
    "command", ["pytest || true", "pytest; true", "pytest\ntrue\n", "pytest || exit 0", "pytest||:"]
)
def test_an_end_that_hides_a_failure_is_named(command):
    assert rules(task(1, change("a.py"), tests=[command])) == {"acceptance-masked"}


@pytest.mark.parametrize(
    "command",
    [
        *("pytest && true", "ls a.py", "exit 1", "false", "test -f x", "pytest && echo fine"),
        *("! pytest", "python3 -c 'print(1)'", "if true; then pytest; fi", "sort x > y"),
    ],
)
def test_a_command_that_can_fail_is_acceptance(command):
    found = rules(task(1, change("a.py"), tests=[command]), acceptance=Acceptance())
    assert not found & {"acceptance-missing", "acceptance-masked"}
