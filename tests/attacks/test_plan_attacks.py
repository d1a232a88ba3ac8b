"""Content that would end or hold up the checks of a plan."""

import time

import pytest

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
