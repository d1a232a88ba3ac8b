"""Words that are almost right are answered with the right one."""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from pipeline.cli.entry import run
from pipeline.rehearsal.scripting import any_issue
from tests.e2e.night import Ended, Night
from tests.surroundings import own_surroundings


@dataclass(frozen=True)
class Planned:
    """A repository with a plan that waits: ISS-101 and its run."""

    root: Path
    run_id: str


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planned]:
    folder = tmp_path_factory.mktemp("planned")
    with own_surroundings(folder / "user"), Night(folder / "repo", any_issue()) as night:
        night.add("ISS-101")
        assert night.run("plan").code == 3
        status = orjson.loads(night.run("status", "--json").out)
        yield Planned(night.root, status["run"]["run_id"])


COMMANDS = [
    ("plna", "plan"),
    ("aprove SOL-ISS-101-1", "approve"),
    ("STATUS", "status"),
    ("req SOL-ISS-101-1 why", "request-changes"),
    ("issues edti ISS-101", "edit"),
    ("audit verfiy", "verify"),
]
OPTIONS = [
    ("plan --max-uds 3", "--max-usd"),
    ("run --unattnded", "--unattended"),
    ("run --wait-gte 8h", "--wait-gate"),
    ("add x --priorty 2", "--priority"),
    ("issues --status planned", "--state"),
    ("--verson", "--version"),
    ("version", "--version"),
    ("issues json", "--json"),
]
VALUES = [
    ("plan --sandbox bwarp", "bwrap"),
    ("approve --max-risk LOWW", "LOW"),
    ("issues --state planed", "planned"),
    ("show SOL-ISS-101-1 --format mkd", "md"),
    ("logs --agent planer", "planner"),
]
IDS = [
    ("show SOL-ISS-1O1-1", "SOL-ISS-101-1"),
    ("show ISS-110", "ISS-101"),
    ("approve SOL-ISS-101", "SOL-ISS-101-1"),
    ("reject SOL-101-1 --reason no", "SOL-ISS-101-1"),
    ("plan iss-101", "ISS-101"),
    ("retry ISS-011", "ISS-101"),
    ("issues close ISS101", "ISS-101"),
    ("logs --issue ISS-1001", "ISS-101"),
    ("rules file-mising", "file-missing"),
    ("config show budget.udd", "budget.usd"),
    ("prompts show planr-system", "planner-system"),
]


def typed(root: Path, line: str) -> Ended:
    out, err = io.StringIO(), io.StringIO()
    words = line.split()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(words if words[0].startswith("--") else [*words, "-C", str(root)])
    return Ended(code, out.getvalue(), err.getvalue())


@pytest.mark.parametrize(("line", "meant"), [*COMMANDS, *OPTIONS, *VALUES, *IDS])
def test_a_word_that_is_almost_right_is_answered_with_the_right_one(
    planned: Planned, line: str, meant: str
) -> None:
    ended = typed(planned.root, line)
    assert ended.code in (1, 2)
    assert ended.out == ""
    question = ended.err.partition("did you mean ")[2].partition("?")[0]
    assert question.strip("'") == meant
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("plan --max-usd much", "--max-usd is 'much': it must be a number"),
        ("add x -p 9", "--priority is '9': it must be less than or equal to 5"),
    ],
)
def test_a_value_of_the_wrong_kind_is_answered_in_our_words(
    planned: Planned, line: str, said: str
) -> None:
    ended = typed(planned.root, line)
    command = line.partition(" ")[0]
    assert ended.code == 2
    assert ended.err == f"pipeline {command}: {said} (see pipeline {command} --help)\n"


def test_a_run_is_found_by_the_beginning_of_its_id(planned: Planned) -> None:
    ended = typed(planned.root, f"report {planned.run_id[:12]}")
    assert (ended.code, ended.out) == (1, "")
    assert f"did you mean '{planned.run_id}'?" in ended.err


def test_a_dependency_that_is_not_there_yet_is_named_and_kept(planned: Planned) -> None:
    ended = typed(planned.root, "add two --id ISS-2 --depends-on ISS-110")
    assert ended.code == 0
    assert ended.err == (
        "note: there is no issue 'ISS-110' yet: did you mean ISS-101? ISS-2 is blocked without it\n"
    )


def test_what_is_like_nothing_gets_no_guess(planned: Planned) -> None:
    ended = typed(planned.root, "xyzzy")
    assert ended.err == "pipeline: there is no command 'xyzzy' (see pipeline --help)\n"


def test_help_before_a_command_is_its_help(planned: Planned) -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert run(["help", "plan"]) == 0
    assert "Example: pipeline plan" in out.getvalue()
