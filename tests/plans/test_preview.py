"""What the content of a step is shown as, and what is locked."""

import pytest

from pipeline.domain.plan import PlanState
from pipeline.domain.solution import Step
from pipeline.plans.page import PREVIEW, plan_page
from pipeline.plans.preview import Kind, locked, nothing_to_read, preview
from tests.plans.nouns import change, plan, record, solution, step, task

FILE = "".join(f"line {number}\n" for number in range(1, 11))


def shown(one: Step, text: str | None = FILE) -> list[str]:
    return [line.text for line in preview(one, lambda _path: text)]


def test_a_new_file_is_all_new() -> None:
    made = step("create_file", "a.py", content="one\n\ntwo\n")

    assert shown(made, None) == [
        "--- /dev/null",
        "+++ b/a.py",
        "@@ -0,0 +1,3 @@",
        "+one",
        "+",
        "+two",
    ]


def test_lines_that_are_replaced_stand_beside_what_replaces_them() -> None:
    made = step("modify_file", "a.py", content="line 5\nSIX\nSEVEN\n", line_range=(5, 6))

    assert shown(made) == [
        "--- a/a.py",
        "+++ b/a.py",
        "@@ -2,8 +2,9 @@",
        " line 2",
        " line 3",
        " line 4",
        " line 5",
        "-line 6",
        "+SIX",
        "+SEVEN",
        " line 7",
        " line 8",
        " line 9",
    ]


@pytest.mark.parametrize(
    ("lines", "head"),
    [
        ((1, 1), "@@ -1,4 +1,4 @@"),
        ((10, 10), "@@ -7,4 +7,4 @@"),
        ((40, 50), "@@ -8,3 +8,4 @@"),
        ((9, 3), "@@ -6,5 +6,6 @@"),
        ((0, 0), "@@ -1,3 +1,4 @@"),
    ],
)
def test_ranges_at_the_ends_and_beyond_them(lines: tuple[int, int], head: str) -> None:
    made = step("modify_file", "a.py", content="NEW\n", line_range=lines)

    text = shown(made)

    assert text[2] == head
    old = sum(1 for line in text[3:] if line[0] in " -")
    new = sum(1 for line in text[3:] if line[0] in " +")
    assert f"-{head.split()[1][1:].split(',')[0]},{old}" == head.split()[1]
    assert head.split()[2].endswith(f",{new}")


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (step("modify_file", "a.py", content="NEW\n"), FILE),
        (step("modify_file", "a.py", content="NEW\n", line_range=(1, 2)), None),
        (step("execute_command", "sh", content="NEW\n", line_range=(1, 2)), FILE),
    ],
)
def test_what_cannot_be_compared_is_shown_as_it_is(one: Step, text: str | None) -> None:
    assert shown(one, text) == ["new text:", "NEW"]


def test_a_step_without_content_has_no_preview() -> None:
    assert list(preview(step("delete_file", "a.py"), nothing_to_read)) == []


def test_every_kind_of_line_has_a_look() -> None:
    assert set(PREVIEW) == set(Kind.__args__)


def test_the_page_shows_the_change() -> None:
    made = step("modify_file", "a.py", content="SIX\n", line_range=(6, 6))
    planned = record(1, solution=solution(1, task(1, change("a.py"), steps=[made])))

    page = plan_page(planned, read=lambda _path: FILE)

    assert "      | -line 6\n      | +SIX\n" in page


@pytest.mark.parametrize("state", list(PlanState))
def test_content_is_locked_in_every_state_but_approved(state: PlanState) -> None:
    secret = "x = 'planned'\n"
    made = step("create_file", "new.py", content=secret * 3, action="write it")
    planned = record(
        1,
        solution=solution(1, task(1, change("new.py", "create"), steps=[made])),
        plan=plan(state),
    )

    seen = locked(planned)

    told = "planned" in plan_page(seen).partition("T1")[2] and "x = " in plan_page(seen)
    assert told is (state is PlanState.APPROVED)
    assert seen.solution is not None
    (one,) = seen.solution.tasks[0].steps
    if state is not PlanState.APPROVED:
        assert (one.content, one.action) == (
            None,
            "write it (content locked until approved: 3 lines)",
        )
