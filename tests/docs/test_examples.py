"""The examples of every command, and the lines of the how-tos, run in one repository."""

import re
from collections.abc import Iterator
from pathlib import Path

import orjson

from pipeline.rehearsal.scripting import any_issue
from tests.builders import make_repository
from tests.docs.pages import NAMES, page
from tests.docs.shell import Shell, gh_program
from tests.e2e.night import PROJECT

GITHUB = [{"number": n, "title": f"Issue {n}", "body": "", "labels": []} for n in (12, 17)]
MARKDOWN = "# Backlog\n\n## Dates before 1970 are wrong\nid: ISS-7\n\nThey are.\n"
WAITING = 3

EXAMPLES = """
    pipeline doctor
    pipeline config show --changed
    pipeline completion bash
    git ls-files .workflow
    pipeline trust
    pipeline prompts copy planner-system
    pipeline rules dangerous-command
    pipeline add "Dates before 1970 are wrong" -d "parse('1969-12-31') raises" -p 2
    pipeline add two
    pipeline add three
    pipeline add four
    pipeline issues --state failed --state blocked --sort priority
    pipeline issues edit ISS-002 --priority 1 --depends-on ISS-001
    pipeline issues close ISS-003 --reason "done by hand in 4f2a91c"
    pipeline plan ISS-001 ISS-002
    pipeline plan ISS-004
    pipeline show SOL-ISS-001-1
    pipeline show SOL-ISS-002-1 --format json > plan.json
    pipeline edit SOL-ISS-002-1 --file plan.json
    pipeline defer SOL-ISS-004-1
    pipeline approve --max-risk LOW
    pipeline approve SOL-ISS-001-1 SOL-ISS-002-1
    pipeline request-changes SOL-ISS-002-1 "keep the old flag as an alias"
    pipeline reject SOL-ISS-004-1 --reason "we keep the tests"
    pipeline plan
    pipeline reject ISS-002 --reason "not like this"
    pipeline retry ISS-002 --feedback "use the parser in src/dates.py"
    pipeline execute SOL-ISS-001-1
    pipeline pause
    pipeline stop --now
    pipeline issues reopen ISS-003
    pipeline run --unattended --max-usd 20
    pipeline status --json | jq .phase
    pipeline report > report.md
    pipeline report
    pipeline report --json | jq '.totals'
    pipeline report --format html --output night.html
    pipeline logs --issue ISS-001 -n 50
    pipeline agents
    pipeline agents show planner
    pipeline history
    pipeline archive --older-than 30d --dry-run
    pipeline export-run --output night.tar.gz
    pipeline audit verify
    pipeline audit show --since 2d
    pipeline restore SOL-ISS-001-1 T1 --into ../look
    pipeline rollback SOL-ISS-001-1 --reason "it breaks the import"
    pipeline clean --dry-run
    mkdir -p docs/plans
    pipeline execplan new "Add a --format flag" --output docs/plans/format.md
    cp docs/plans/format.md docs/plans/add-a-flag.md
    pipeline execplan lint docs/plans/add-a-flag.md
    pipeline execplan lint docs/plans/*.md
"""
"""The examples in an order that makes sense, with what has to be there for them in between."""

RUN_ELSEWHERE = {
    "pipeline demo --into /tmp/demo": "tests/e2e/test_demo.py",
    "pipeline rehearse --fault crash --issues 1": "tests/e2e/test_rehearse.py",
    "pipeline review": "tests/review/test_review.py",
    "pipeline resume --unattended": "tests/e2e/test_steering.py",
    "pipeline status --watch": "tests/observe/test_live.py",
    "cd my-project": "the README's evening, in tests/docs/test_runs.py",
    "pipeline init": "the README's evening, in tests/docs/test_runs.py",
    'pipeline confirm --comment "the first five look right"': "tests/docs/test_waiting.py",
    "pipeline import --github psf/requests --label bug": "the page on backlogs, below",
}
"""Example -> where it is run."""


def lines(text: str) -> list[str]:
    """Return the lines of a text without their comments and indentation."""
    return [line.partition("  #")[0].strip() for line in text.splitlines() if line.strip()]


def examples() -> Iterator[str]:
    """Yield each command of the examples in docs/commands.md."""
    for found in re.findall(r"(?m)^      Example: (.+)$", page("docs/commands.md").text):
        yield from found.split(", then: ")


def test_every_example_of_a_command_is_run_somewhere() -> None:
    assert [one for one in examples() if one not in {*lines(EXAMPLES), *RUN_ELSEWHERE}] == []


WHOLE_PAGES = {
    "docs/commands.md": "the examples, here",
    "docs/tutorial.md": "tests/docs/test_runs.py",
    "docs/backlog.md": "below",
    "docs/prompts.md": "below",
    "docs/providers.md": "tests/e2e/test_providers.py",
    "docs/rehearsing.md": "tests/rehearsal/campaign.py, one line in tests/e2e/test_rehearse.py",
    "docs/results-files.md": "the recipes, below",
    "docs/review.md": "tests/review",
    "docs/watching.md": "tests/observe",
    "docs/waiting.md": "tests/docs/test_waiting.py",
    "docs/undoing.md": "below",
    "docs/going-on.md": "tests/e2e/test_steering.py and tests/cli/test_dry.py",
}
"""Page -> where all of its command lines are run."""
BLOCKS = {
    "cd my-project && pipeline init": "the evening, in tests/docs/test_runs.py",
    "pipeline init": "tests/docs/first_plan.sh",
    "pipeline audit verify": "the examples, here",
    "pipeline report": "the examples, here",
    "pipeline execplan lint docs/plans/*.md": "the examples, here",
    'pipeline execplan new "Add a --format flag" --output docs/plans/format.md': "the same",
    "pipeline run --overlap --auto-approve LOW": "tests/e2e/test_overlap.py",
    "pipeline agents                  what both agents used in the newest run": (
        "the examples, here"
    ),
}
"""First line of a block -> where all of its lines are run."""


def test_every_block_of_commands_is_run_somewhere() -> None:
    firsts = set()
    for name in sorted(set(NAMES) - set(WHOLE_PAGES)):
        for block in re.split(r"\n\s*\n", page(name).text):
            typed = [
                line for line in block.splitlines() if re.match(r"    (\S.* )?pipeline ", line)
            ]
            if typed and block.startswith("    "):
                firsts.add(typed[0].partition("  #")[0].strip())
    assert firsts == set(BLOCKS)


def test_the_examples_and_the_recipes_for_the_results_files_run(tmp_path: Path) -> None:
    make_repository(tmp_path / "repo", PROJECT)
    with Shell(tmp_path / "repo", any_issue()) as shell:
        assert shell.run("pipeline init").code == 0
        for line in lines(EXAMPLES):
            ended = shell.run(line)
            assert ended.code in (0, WAITING), f"{line}\n{ended.out}"
        assert shell.run("cat report.md").out.startswith("# Report")

        words = " ".join(page("docs/results-files.md").inline_code)
        left = [path.name for path in (tmp_path / "repo" / ".workflow").iterdir()]
        assert [name for name in left if name not in words] == []

        recipes = page("docs/results-files.md").text.partition("## Reading them")[2]
        found = [line for line in lines(recipes) if line.startswith("jq ")]
        assert len(found) == recipes.count("    jq ")
        printed = {line: shell.run(line) for line in found}
        assert {line: ended.out for line, ended in printed.items() if ended.code} == {}
        assert sum(1 for ended in printed.values() if ended.out) > len(found) / 2


BACKLOG = [
    line
    for line in page("docs/backlog.md").code_lines
    if re.match(r"pipeline |gh .*\| pipeline ", line)
]


def test_the_lines_of_the_page_on_backlogs_run(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo", PROJECT)
    (root / "issues").mkdir()
    for name in ("backlog.md", "issues/one.md"):
        (root / name).write_text(MARKDOWN)
    (root / "issues.json").write_text(orjson.dumps(GITHUB).decode())
    tools = gh_program(tmp_path / "tools", orjson.dumps(GITHUB).decode())
    forms = {
        "--jsonl": {"id": "ISS-7", "title": "Dates before 1970 are wrong"},
        "--origin-jsonl": {
            "id": "ISS-8",
            "title": "t",
            "status": "registered",
            "created_at": "2026-01-29T00:00:00Z",
        },
    }
    with Shell(root, any_issue(), tools=tools) as shell:
        assert shell.run("pipeline init").code == 0
        assert shell.run("pipeline add seven --id ISS-007").code == 0
        for line in BACKLOG:
            for option, issue in forms.items():
                if option in line:
                    (root / "issues.jsonl").write_bytes(orjson.dumps(issue) + b"\n")
            ended = shell.run(line.partition("  #")[0])
            assert ended.code == 0, f"{line}\n{ended.out}"


def test_the_lines_of_the_page_on_prompts_run(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo", PROJECT)
    with Shell(root, any_issue()) as shell:
        assert [shell.run(line).code for line in ("pipeline init", "pipeline add one")] == [0, 0]
        for line in lines("\n".join(page("docs/prompts.md").code_lines)):
            ended = shell.run(line.replace("$EDITOR", "test -f"))
            assert ended.code in (0, WAITING), f"{line}\n{ended.out}"


def test_the_lines_of_the_page_on_undoing_run(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo", PROJECT)
    with Shell(root, any_issue()) as shell:
        codes = {
            "pipeline init": 0,
            "pipeline add two --id ISS-002": 0,
            "pipeline plan": WAITING,
            "pipeline approve ISS-002": 0,
            "pipeline run": 0,
        }
        assert {line: shell.run(line).code for line in codes} == codes
        for line in page("docs/undoing.md").code_lines:
            ended = shell.run(line)
            assert ended.code == 0, f"{line}\n{ended.out}"
    assert (tmp_path / "look" / "work" / "ISS-002.txt").exists()
