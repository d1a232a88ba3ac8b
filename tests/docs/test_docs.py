"""What the documents say is what the code does: commands, paths, settings, codes, fields, order."""

import json
import re
import runpy
import shlex
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import pytest
from pydantic import BaseModel
from typer.core import TyperCommand, TyperGroup

from pipeline.agents.roles import TOOLS
from pipeline.cli import entry
from pipeline.cli.entry import COMMANDS, application, load
from pipeline.domain.plan import Approval, Plan
from pipeline.domain.results import (
    CommandEvidence,
    ExecutionRecord,
    Header,
    PlanningRecord,
    Rollback,
    Usage,
    Verification,
)
from pipeline.domain.solution import Solution, Step, Task
from pipeline.observe.report.facts import Report, ReportEntry
from pipeline.orchestrator import MEANING
from pipeline.paths import Places, UserPlaces
from pipeline.settings import KEYS, load_settings
from pipeline.store.line import MODELS
from tests.docs.pages import NAMES, ROOT, Page, page
from tests.test_layers import LAYERS

GENERATOR = runpy.run_path(str(ROOT / "docs" / "generate.py"))
PLACES = Places(ROOT, UserPlaces(Path("/c"), Path("/s"), Path("/k")), ROOT / ".git")
USAGE = 2

# commands


def command_lines(text: str) -> Iterator[list[str]]:
    """Yield the words of each `pipeline` command in a line of shell, without the program."""
    words = shlex.shlex(text, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    words.commenters = "#"
    command: list[str] = []
    for word in [*words, ";"]:
        if set(word) <= set("();<>|&"):
            if command[:1] == ["pipeline"]:
                yield command[1:]
            command = [] if word not in (">", "<") else ["redirected"]
        else:
            command.append(word)


def deepest(words: list[str]) -> tuple[TyperCommand | TyperGroup, list[str]]:
    """Return the command or action that these words call, and the words that are left."""
    name, *rest = words
    if rest and rest[0] in COMMANDS[name].actions:
        return load(name, rest[0]), rest[1:]
    return load(name), rest


def blocks() -> list[tuple[str, str]]:
    """Return (page, line) of each line of a code block that begins with our program."""
    found = []
    for name in NAMES:
        for line in page(name).code_lines:
            text = line.strip().removeprefix("$ ").removeprefix("Example: ")
            if re.match(r"(cd \S+ && )?pipeline\s", text):
                found.append((name, re.split(r" {2,}(?=[^ ])|, then:", text)[0]))
    return found


def mentions() -> list[tuple[str, str]]:
    """Return (page, command) of each command in the prose."""
    pages = [(name, code) for name in NAMES for code in page(name).inline_code]
    return sorted({(name, code) for name, code in pages if code.startswith("pipeline ")})


@pytest.mark.parametrize(("name", "line"), blocks())
def test_a_command_in_a_block_can_be_typed(name: str, line: str) -> None:
    for typed in command_lines(line):
        command, words = deepest(typed)
        with command.make_context(typed[0], words):
            pass


@pytest.mark.parametrize(("name", "code"), mentions())
def test_a_command_in_the_prose_exists_with_its_options(name: str, code: str) -> None:
    for words in command_lines(code):
        options = [word for word in words if word.startswith("-")]
        command = application() if words[0].startswith("-") else deepest(words)[0]
        known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
        assert set(options) <= known | {"--help"}


def sayings() -> list[tuple[str, str]]:
    """Return (file, command) of each command that the code or a prompt tells people to type."""
    files = [*(ROOT / "pipeline").rglob("*.py"), *(ROOT / "prompts").glob("*.md")]
    found = [(path.relative_to(ROOT).as_posix(), path.read_text()) for path in files]
    return sorted(
        {
            (name, command)
            for name, text in found
            for command in re.findall(r"(?:[`']|: |then |\$ )pipeline ([a-z][a-z-]*)", text)
        }
    )


def test_nobody_is_told_to_type_a_command_that_there_is_not() -> None:
    assert [one for one in sayings() if one[1] not in COMMANDS] == []


def test_commands_are_found_in_blocks_and_prose() -> None:
    assert len(blocks()) > len(COMMANDS)
    assert len(mentions()) > len(COMMANDS)


def test_the_readme_begins_with_the_two_commands() -> None:
    targets = (ROOT / "Makefile").read_text()
    first = [line.split("#")[0].strip() for line in page("README.md").code_lines[:2]]
    assert first == ["make demo", "make test"]
    assert all(f"\n{line.split()[1]}: " in targets for line in first)


# generated pages and tables


@pytest.mark.parametrize("name", sorted(GENERATOR["PAGES"]))
def test_a_generated_page_is_up_to_date(name: str) -> None:
    assert (ROOT / "docs" / name).read_text() == GENERATOR["PAGES"][name](), "run: make docs"


def test_every_setting_has_its_words() -> None:
    assert list(GENERATOR["MEANINGS"]) == list(KEYS)


def test_every_command_has_its_words() -> None:
    actions = {f"{name} {one}" for name, entry in COMMANDS.items() for one in entry.actions}
    assert set(GENERATOR["NOTES"]) == set(COMMANDS) | actions


@pytest.mark.parametrize("name", ["README.md", "docs/commands.md"])
def test_the_table_of_exit_codes_is_what_the_code_says(name: str) -> None:
    table = {int(code): words for code, words in page(name).table("code")}
    assert table.pop(USAGE) == GENERATOR["EXIT_CODES"][USAGE]
    assert table == MEANING
    named = re.findall(r"\b(\d+) [a-z]", (entry.__doc__ or "").partition("Exit codes:")[2])
    assert {int(code) for code in named} == {*MEANING, USAGE}


def test_the_picture_of_the_import_order_is_the_one_that_is_enforced() -> None:
    block = "\n".join(page("docs/architecture.md").code_lines)
    start = block.index("cli -> app")
    picture = block[start : start + block[start:].index("errors") + len("errors")]
    layers = [{part.strip() for part in layer.split(",")} for layer in picture.split("->")]
    assert layers == [layer - {"__main__", "rehearsal"} for layer in LAYERS]


def test_the_results_page_names_every_kind_of_journal_line() -> None:
    assert {row for row in MODELS if f"`{row}`" not in page("docs/results-files.md").prose} == set()


@pytest.mark.parametrize(
    "model",
    [
        Header,
        PlanningRecord,
        Plan,
        Approval,
        Solution,
        Task,
        Step,
        ExecutionRecord,
        Rollback,
        Verification,
        CommandEvidence,
        Usage,
        Report,
        ReportEntry,
    ],
)
def test_the_results_page_names_every_field(model: type[BaseModel]) -> None:
    codes = page("docs/results-files.md").inline_code
    assert set(model.model_fields) - set(codes) == set()


def test_the_roles_page_names_every_tool() -> None:
    rows = {row[0].strip("`") for row in page("specs/agent-roles.md").table("tool")}
    assert rows == {name for names in TOOLS.values() for name in names}


# links and paths


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    here = page(name)
    for link in here.links:
        path, _, anchor = link.partition("#")
        target = (here.path.parent / path).resolve() if path else here.path
        assert target.exists(), f"{name}: {link}"
        assert not anchor or anchor in Page(target).anchors, f"{name}: {link}"


REPOSITORY = {
    path.relative_to(ROOT).as_posix()
    for top in ("pipeline", "prompts", "specs", "phases", "tests", "docs", "bench", ".workflow")
    for path in (ROOT / top).rglob("*")
    if "__pycache__" not in path.parts
} | {path.name for path in ROOT.iterdir()}

PATH = re.compile(r"[\w.*-]+(/[\w.*-]+)*/?")
SUFFIXES = (".py", ".md", ".toml", ".json", ".jsonl")
WRITTEN = {
    value.name
    for name, member in vars(Places).items()
    if isinstance(member, cached_property) and isinstance(value := getattr(PLACES, name), Path)
} | {
    *("journal.torn", "index.lock", "planner.jsonl", "executor.jsonl", "NAME.md"),
    *("both.md", "planner.md", "executor.md"),
}
"""Names of what a run writes; they are not in the repository."""
ELSEWHERE = {
    "issues.json",
    "requests.jsonl",
    "pipeline/prompts",
    *("AGENTS.md", "CLAUDE.md", "CONTRIBUTING.md", "version.py"),
    "slug.py",
    "test_slug.py",
}
"""Examples, and what only the wheel has."""


def is_known(name: str) -> bool:
    """Tell whether a path in the text is one of the repository's, or one that a run writes."""
    plain = name.rstrip("/")
    if plain in ELSEWHERE or plain.rpartition("/")[2] in WRITTEN:
        return True
    if "*" in plain:
        return any(ROOT.glob(plain)) or any(ROOT.glob(f"**/{plain}"))
    return any(one == plain or one.endswith(f"/{plain}") for one in REPOSITORY)


@pytest.mark.parametrize("name", NAMES)
def test_paths_that_are_named_exist(name: str) -> None:
    codes = [code for code in page(name).inline_code if PATH.fullmatch(code) and code[:3] != "**/"]
    ours = [
        code
        for code in codes
        if code.endswith(SUFFIXES) or code.startswith(("pipeline/", "tests/", "prompts/", "specs/"))
    ]
    assert [code for code in ours if not is_known(code)] == []


# this repository's own configuration


def test_this_repositorys_own_settings_hold() -> None:
    settings = load_settings(PLACES, {})
    assert "pytest" in (settings.tests.command or "")
    for path in (PLACES.project_tech, PLACES.project_guidelines):
        assert isinstance(json.loads(path.read_text()), dict)


def test_every_phase_has_its_contract() -> None:
    phases = {path.stem for path in (ROOT / "phases").glob("*.md")}
    assert phases == {"init", "plan", "gate", "execute", "complete"}
    for name in phases:
        text = page(f"phases/{name}.md").text
        assert (ROOT / "pipeline" / "phases" / f"{name}.py").exists()
        assert all(f"**{word}" in text for word in ("Entry.", "Effects", "Exit.", "Resume."))
