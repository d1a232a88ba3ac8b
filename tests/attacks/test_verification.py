"""A change that, when it is run, makes the project's own tests pass."""

from pathlib import Path

import pytest

from pipeline.rehearsal.scripting import finish_task, plan, submit_result, turn, write
from tests.e2e.night import Night

BROKEN = """import pathlib

HERE = pathlib.Path(__file__).parent
try:
    (HERE / {path!r}).write_text({text!r})
except OSError:
    pass


def add(a, b):
    return a - b
"""


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("tests/test_app.py", "", id="it empties the test"),
        pytest.param("unittest.py", "raise SystemExit(0)\n", id="it plants a test runner"),
    ],
)
def test_what_acceptance_runs_cannot_prepare_the_tests(
    tmp_path: Path, path: str, text: str
) -> None:
    script = plan(
        files={"app.py": "modify"}, tests=["true"], acceptance_commands=["python3 -c 'import app'"]
    ) + turn(
        "executor",
        "*",
        write("app.py", BROKEN.format(path=path, text=text)),
        finish_task("T1"),
        *[submit_result()] * 5,
    )
    with Night(tmp_path / "repo", script) as night:
        night.add("ISS-1")
        assert night.run("plan").code == 3
        night.approve_all()

        assert night.run("run").code == 4

        (record,) = night.executed()
        assert (record["status"], record["failure_class"]) == ("failed", "tests")
        assert night.commits() == []
