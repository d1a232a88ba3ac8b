"""Prompts at three levels, as people see and override them."""

from pathlib import Path

import pytest

from pipeline.agents.prompt_levels import PromptLevels
from pipeline.agents.prompts import Prompts, package_prompts
from pipeline.errors import PipelineError
from pipeline.paths import Places, UserPlaces
from pipeline.rehearsal.scripting import any_issue
from tests.builders import commit_files, write_files
from tests.e2e.night import Night

NAME = "reminder-no-answer"
GOOD = "Go on: {{final_tools}} ({{request_id}}).\n"


@pytest.fixture
def levels(scratch: Path) -> PromptLevels:
    user = UserPlaces(scratch / "config", scratch / "state", scratch / "cache")
    return PromptLevels(Places(scratch / "repo", user, scratch / "repo" / ".git"))


def test_each_prompt_can_be_overridden_alone_at_two_levels(levels: PromptLevels) -> None:
    def seen() -> list[tuple[str, bool]]:
        return [(one.level, one.in_force) for one in levels.files() if one.name == NAME]

    assert seen() == [("shipped", True)]
    user = levels.copy(NAME, "user")
    assert user.read_bytes() == levels.shipped(NAME).read_bytes()
    assert seen() == [("shipped", False), ("user", True)]
    project = levels.copy(NAME, "project")
    assert seen() == [("shipped", False), ("user", False), ("project", True)]
    assert levels.in_force(NAME) == project
    others = [one for one in levels.files() if one.name != NAME]
    assert {(one.level, one.in_force) for one in others} == {("shipped", True)}
    assert len(others) == len(list(package_prompts().glob("*.md"))) - 1


def test_what_is_there_is_never_copied_over(levels: PromptLevels) -> None:
    path = levels.copy(NAME, "project")
    path.write_text("mine")
    with pytest.raises(PipelineError, match="is there already"):
        levels.copy(NAME, "project")
    assert path.read_text() == "mine"


def test_a_difference_is_a_unified_diff_against_what_ships(levels: PromptLevels) -> None:
    assert levels.difference(NAME) == ""
    path = levels.copy(NAME, "project")
    assert levels.difference(NAME) == ""
    path.write_text(GOOD)
    head, *lines = levels.difference(NAME).splitlines()
    assert head == f"--- shipped/{NAME}.md"
    assert lines[0] == f"+++ {path}"
    assert lines[-1] == "+" + GOOD.strip()


@pytest.mark.parametrize(
    ("text", "line", "variable"),
    [
        ("{{final_tools}}\n{{request_id}} {{branch}}\n", 2, "unknown variable {{branch}}"),
        ("{{final_tools}}\n\n{{request-id}}", 3, "unknown variable {{request-id}}"),
        ("{{final_tools}} {{}} {{request_id}}", 1, "unknown variable {{}}"),
        ("{{final_tools}}\n", 1, "the variable {{request_id}} is missing"),
        ("<!-- {{request_id}}\n-->\n{{final_tools}}\n", 3, "variable {{request_id}} is missing"),
        ("<!-- a\nb -->\n\n{{oops}}", 4, "unknown variable {{oops}}"),
        ("", 1, "the variable {{final_tools}} is missing"),
    ],
)
def test_a_wrong_variable_names_file_line_and_variable(
    levels: PromptLevels, text: str, line: int, variable: str
) -> None:
    path = levels.copy(NAME, "user")
    path.write_text(text)
    (problem,) = [one.problem for one in levels.files() if one.problem]
    assert problem.startswith(f"{path}:{line}: ")
    assert variable in problem
    with pytest.raises(PipelineError) as caught:
        levels.prompts.check()
    assert str(caught.value) == problem


@pytest.mark.parametrize("text", [GOOD, "<!-- {{anything}} -->\n" + GOOD, "{ {x} } " + GOOD])
def test_what_is_no_variable_is_left_alone(levels: PromptLevels, text: str) -> None:
    levels.copy(NAME, "user").write_text(text)
    levels.prompts.check()
    rendered = levels.prompts.render(NAME, {"final_tools": "a", "request_id": "b"})
    assert rendered.endswith("Go on: a (b).\n")


def test_odd_files_are_named(levels: PromptLevels, scratch: Path) -> None:
    folder = scratch / "repo" / ".workflow" / "prompts"
    write_files(folder, {"planer-system.md": "x", "notes.txt": "x"})
    (folder / "plan-turn.md").write_bytes(b"\xff")
    (folder / "revise-turn.md").mkdir()
    problems = {one.name: one.problem or "" for one in levels.files() if one.problem}
    assert set(problems) == {"planer-system", "plan-turn", "revise-turn"}
    assert "no prompt has this name" in problems["planer-system"]
    assert "is not UTF-8 text" in problems["plan-turn"]
    assert "cannot be read" in problems["revise-turn"]


def test_the_shipped_prompts_name_their_variables_in_their_first_comment() -> None:
    prompts = Prompts()
    for name in prompts.names():
        comment = prompts.path(name).read_text().partition("-->")[0]
        said = comment.rpartition("ariables: ")[2].strip().rstrip(".")
        names = [] if "No variables" in comment else sorted(" ".join(said.split()).split(", "))
        assert names == prompts.variables(name), name


def test_people_list_show_compare_and_copy(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        listed = night.run("prompts")
        assert listed.code == 0
        assert "*  planner-system         shipped" in listed.out
        shown = night.run("prompts", "show", NAME)
        assert shown.out == (package_prompts() / f"{NAME}.md").read_text()
        assert shown.err.startswith(f"# {package_prompts() / NAME}.md; variables: final_tools, ")
        assert night.run("prompts", "diff").err == "no prompt is overridden\n"

        path = night.root / ".workflow" / "prompts" / f"{NAME}.md"
        assert f"wrote {path}" in night.run("prompts", "copy", NAME).out
        path.write_text(GOOD)
        assert night.run("prompts", "show", NAME).out == GOOD
        assert night.run("prompts", "show", "--shipped", NAME).out == shown.out
        assert night.run("prompts", "diff", NAME).out.endswith(f"+{GOOD}")
        assert "1 overridden" in night.run("doctor").out

        path.write_text("{{branch}}")
        listed, doctor, plan = night.run("prompts"), night.run("doctor"), night.run("plan")
        line = f"{path}:1: unknown variable {{{{branch}}}}"
        assert (listed.code, doctor.code, plan.code) == (1, 1, 1)
        assert f"pipeline: {line}" in listed.err
        assert "ERROR" in listed.out
        assert line in doctor.out
        assert line in plan.err
        assert night.requests("planner") == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("show", "plannr-system"), 1, "did you mean 'planner-system'?"),
        (("show",), 2, "which prompt?"),
        (("copy", "../../evil"), 1, "there is no prompt"),
        (("show", NAME, "--user"), 2, "--user belongs to `pipeline prompts copy`"),
        (("list", "--shipped"), 2, "--shipped belongs to `pipeline prompts show`"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        ended = night.run("prompts", *words)
        assert (ended.code, ended.out) == (code, "")
        assert said in ended.err
        assert ended.err.count("\n") == 1


def test_a_projects_prompts_are_read_only_after_its_folder_is_trusted(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        folder = ".workflow/prompts"
        write_files(night.root, {f"{folder}/{NAME}.md": GOOD, ".workflow/.gitignore": ""})
        commit_files(night.root, {}, message="prompts for everybody")
        for words in (("prompts",), ("prompts", "show", NAME), ("plan",), ("doctor",)):
            ended = night.run(*words)
            assert ended.code == 1
            assert "not trusted yet" in ended.err
        assert night.run("trust").code == 0
        assert night.run("prompts", "show", NAME).out == GOOD
