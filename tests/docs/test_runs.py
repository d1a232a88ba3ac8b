"""The documents' command lines really run, in their order, against a stand-in for the models."""

import re
from pathlib import Path

import orjson

from pipeline.git import list_refs, open_repository
from pipeline.rehearsal.scripting import any_issue
from tests.builders import make_repository
from tests.docs.evening import tutorial_script
from tests.docs.pages import ROOT, page
from tests.docs.shell import Shell, gh_program
from tests.docs.transcribed import RUN, Typed, differences, steps
from tests.e2e.night import PROJECT

WAITING = 3
FIRST_PLAN = ROOT / "tests" / "docs" / "first_plan.sh"


def test_the_tutorial_prints_what_it_says(tmp_path: Path) -> None:
    folder, run = tmp_path / "slug", ""
    with Shell(folder, tutorial_script()) as shell:
        for step in steps(page("docs/tutorial.md")):
            if isinstance(step, Typed):
                ended = shell.run(RUN.sub(run, step.line) if run else step.line)
                assert ended.code in (0, WAITING), f"{step.line}\n{ended.out}"
                assert differences(step, ended.out) == ""
                found = RUN.search(ended.out)
                run = found.group() if found else run
            else:
                name, text = step
                (folder / name).write_text(text)


def test_the_tutorials_clock_goes_forward_and_a_commit_keeps_its_name() -> None:
    text = page("docs/tutorial.md").text
    times = re.findall(r"(?m)^    (\d\d:\d\d:\d\d) ", text)
    landed = dict(re.findall(r"landed +(\S+) +\S+ as ([0-9a-f]+)", text))
    reported = re.findall(r"### (\S+): [^#]*?- Commit ([0-9a-f]+)", text)

    assert times == sorted(times)
    assert reported
    assert [landed[issue] for issue, _ in reported] == [commit for _, commit in reported]


def readme_block(first: str) -> list[str]:
    """Return the lines of the README's code block that begins with `first`."""
    text = page("README.md").text
    block = text[text.index(f"    {first}") :].partition("\n\n")[0]
    return [line.strip() for line in block.splitlines()]


def test_the_readmes_evening_runs_line_by_line(tmp_path: Path) -> None:
    make_repository(tmp_path / "my-project", PROJECT)
    issues = [
        {"number": n, "title": f"Issue {n}", "body": "It is so.", "labels": [], "state": "OPEN"}
        for n in (12, 15, 17)
    ]
    tools = gh_program(tmp_path / "tools", orjson.dumps(issues).decode())
    codes = {}
    with Shell(tmp_path, any_issue(), tools=tools) as shell:
        for line in readme_block("cd my-project"):
            here = line.partition("  #")[0].replace("/tmp/", f"{tmp_path}/")
            where = "." if here.startswith("cd ") else "my-project"
            codes[line] = shell.run(here, below=where).code
    waits = {line for line in codes if line.startswith(("pipeline plan", "pipeline run"))}
    assert {line: code for line, code in codes.items() if code != 0} == dict.fromkeys(
        waits, WAITING
    )
    repo = open_repository(tmp_path / "my-project")
    assert len(list_refs(repo, "refs/heads/pipeline/")) == 1


def test_the_first_plan_takes_at_most_five_commands_of_the_readme(tmp_path: Path) -> None:
    typed = [line for line in FIRST_PLAN.read_text().splitlines() if line and line[0] != "#"]
    commands = [line for line in typed if line.startswith("pipeline ")]
    assert typed == commands
    assert len(commands) <= 5
    readme = {line.partition("  #")[0].strip() for line in page("README.md").code_lines}
    assert set(commands) <= readme

    folder = make_repository(tmp_path / "project", PROJECT)
    with Shell(folder, any_issue()) as shell:
        ended = [shell.run(line) for line in typed]
        assert {one.code for one in ended[:-1]} <= {0, WAITING}, ended
        assert ended[-1].code == 0, ended[-1].out
    records = orjson.loads((folder / ".workflow/planning-results.json").read_bytes())["results"]
    assert [record["plan"]["state"] for record in records] == ["approved"]
