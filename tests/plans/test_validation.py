import pytest

from pipeline.domain.solution import Acceptance
from pipeline.plans.validation import MAX_FILES, MAX_STEPS, check_solution, path_problem
from tests.plans.nouns import change, issue, solution, step, task

BASE = {"a.py", "b.py", "tests/test_a.py"}


def problems(*tasks, created=frozenset(), untested_ok=False, **fields):
    return check_solution(
        solution(1, *tasks, **fields),
        issue=issue(1),
        existing=BASE.__contains__,
        created_earlier=frozenset(created),
        untested_ok=untested_ok,
    )


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
    many = [change(f"f{n}.py", "create") for n in range(MAX_FILES + 1)]
    assert problems(task(1, *many)) == ["tasks: 21 files in all, at most 20: plan a smaller change"]
    steps = [step("modify_file", "a.py")] * (MAX_STEPS + 1)
    assert problems(task(1, change("a.py"), steps=steps)) == [
        "tasks: 101 steps in all, at most 100: plan a smaller change"
    ]


def test_the_answer_belongs_to_the_issue():
    found = check_solution(
        solution(2, task(1, change("a.py"))), issue=issue(1), existing=BASE.__contains__
    )
    assert found == ["issue_id: is 'ISS-2', but this turn is about 'ISS-1'"]


def test_a_title_says_something():
    assert problems(task(1, change("a.py")), title="\u200b ") == [
        "title: is empty: say in one line what changes"
    ]
