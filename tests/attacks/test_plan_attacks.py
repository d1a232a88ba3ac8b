"""Content that would end or hold up the checks of a plan."""

import time

import pytest

from pipeline.domain.solution import Acceptance
from pipeline.plans.validation import Surroundings, check_solution
from tests.plans.nouns import change, solution, step, task

CONTENT = {
    "a.json": ("1" * 100_000, "[" * 100_000, '{"a":' * 50_000, "[1e999, NaN]"),
    "a.toml": ("a." * 50_000 + "b = 1", "a = " + "1" * 100_000, "a = " + "[" * 50_000),
    "a.yaml": ("[" * 100_000, "a: &a [x]\n" + "b: [*a, *a]\n" * 1_000, "- - - " * 3_000),
    "a.py": ("(" * 50_000, "a = " * 20_000 + "1", "-" * 50_000 + "1", "'" * 99_999, "\0"),
}


@pytest.mark.parametrize("kind", ["create_file", "modify_file"])
@pytest.mark.parametrize(
    ("path", "content"), [(path, text) for path, texts in CONTENT.items() for text in texts]
)
def test_no_content_ends_or_holds_up_the_checks(path: str, content: str, kind: str) -> None:
    action = kind.removesuffix("_file")
    asked = task(1, change(path, action), steps=[step(kind, path, content=content)])
    begin = time.monotonic()
    check_solution(solution(1, asked), around=Surroundings())
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize(
    "command",
    [
        *(
            "pytest -q | cat",
            "pytest -q 2>&1 | tail -5",
            "pytest | tee log",
            "pytest | sort | head",
        ),
        *("exit 0; pytest", "exit; pytest", "pytest; exit 0", "test 1", "test -n x", "test 1 = 1"),
        *("pytest --version", "python3 --version", "pytest --help", "echo ok > /dev/null"),
        *("pytest > /dev/null 2>&1 || true", "exit 0 # pytest", "false; true"),
    ],
)
def test_a_check_that_always_passes_is_none(command: str) -> None:
    assert "acceptance" in " ".join(errors_of(command))


@pytest.mark.parametrize(
    "command",
    [
        *("pytest -q", "set -o pipefail; pytest | tail -5", "app --help | grep -q usage"),
        *(
            "test -f app.py",
            'test "$(wc -l < a)" = 3',
            "pytest > /dev/null",
            "cat a | python3 b.py",
        ),
        *("test -s a.txt", "cat a.txt | wc -l > b.txt", "pytest || exit 1", "a --version | grep 2"),
    ],
)
def test_a_check_that_can_fail_is_one(command: str) -> None:
    assert errors_of(command) == []


def errors_of(command: str) -> list[str]:
    asked = task(1, change("app.py", "create"), tests=[command])
    found = check_solution(
        solution(1, asked, acceptance=Acceptance()), around=Surroundings()
    ).errors
    return [line for line in found if "acceptance" in line]
