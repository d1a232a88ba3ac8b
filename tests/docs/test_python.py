"""The page on Python: its example runs as one program, and its table names every function."""

import contextlib
import re
from pathlib import Path

from pipeline.app import plans
from tests.docs.pages import page
from tests.e2e.night import PROJECT
from tests.review.evening import Evening

PAGE = page("docs/python.md")


def test_the_example_runs(tmp_path: Path) -> None:
    evening = Evening(tmp_path / "repo", PROJECT)
    assert evening.run("add", "Say hello")[0] == 0

    with contextlib.chdir(evening.root):
        exec("\n".join(PAGE.code_lines), {})

    assert evening.state("SOL-ISS-001-2").state == "approved"
    assert (evening.root / "say-hello.md").read_text().startswith("# Say hello")


def test_every_function_is_in_the_table() -> None:
    named = re.findall(r"(?m)^\| `(\w+)\(", PAGE.text)
    functions = [name for name in plans.__all__ if name.islower()]
    assert sorted(named) == sorted(functions)
