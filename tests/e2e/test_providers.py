"""Whole nights with other pairs of APIs: from a backlog to landed commits."""

import os
import shlex
from pathlib import Path

import pytest

from pipeline.rehearsal.scripting import call, edit, execute, plan, read, write
from tests.builders import git
from tests.docs.pages import ROOT
from tests.e2e.night import TEST_COMMAND, Night, untouched

EDITS = [
    [read("app.py"), read("README.md")],
    edit("app.py", "    return a + b\n", "    total = a + b\n    return total\n"),
    [write("new.txt", "one\ntwo\n"), edit("CHANGELOG.md", "# Changes", "# Changes\n\n- New.")],
]
SCRIPT = plan(
    "ISS-1",
    files={"app.py": "modify", "new.txt": "create", "CHANGELOG.md": "modify"},
    tests=[TEST_COMMAND, "grep -qx two new.txt"],
    before=[read("app.py")],
) + execute("ISS-1", edits=EDITS)


def tools_of(night: Night, agent: str) -> set[str]:
    """Return the names of the tools that the agent's requests offered."""
    offered = [tool for one in night.requests(agent) for tool in one.body["tools"]]
    return {
        tool.get("name") or tool.get("function", tool).get("name", tool["type"]) for tool in offered
    }


@pytest.mark.parametrize(
    ("planner", "executor", "edit_tools"),
    [
        ("openai-chat", "openai", {"apply_patch"}),
        ("openai", "openai-chat", {"edit_file", "write_file"}),
        ("anthropic", "anthropic", {"edit_file", "write_file"}),
    ],
)
def test_a_night_ends_the_same_whoever_plans_and_executes(
    tmp_path: Path, planner: str, executor: str, edit_tools: set[str]
) -> None:
    with (
        Night(tmp_path / "repo", SCRIPT, planner=planner, executor=executor) as night,
        untouched(night.root),
    ):
        night.add("ISS-1")
        assert night.run("plan").code == 3
        night.approve_all()
        ended = night.run("run")
        assert ended.code == 0, ended.err

        (record,) = night.executed()
        assert record["status"] == "completed"
        assert git(night.root, "show", f"{night.branch}:app.py") == (
            "def add(a, b):\n    total = a + b\n    return total"
        )
        assert git(night.root, "show", f"{night.branch}:new.txt") == "one\ntwo"
        assert git(night.root, "show", f"{night.branch}:CHANGELOG.md") == "# Changes\n\n- New."
        everything = {"apply_patch", "edit_file", "write_file"}
        assert tools_of(night, "executor") & everything == edit_tools
        assert tools_of(night, "planner") & everything == set()
        assert len({request.head_sha256 for request in night.requests("executor")}) == 1
        assert {request.status for request in night.stand_in.requests} == {200}


def test_a_patch_that_does_not_fit_goes_back_and_is_mended_in_the_turn(tmp_path: Path) -> None:
    wrong = call("apply_patch", type="update_file", path="app.py", diff="-    return b\n+    x\n")
    right = call(
        "apply_patch",
        type="update_file",
        path="app.py",
        diff="-    return a + b\n+    return b + a\n",
    )
    gone = call("apply_patch", type="delete_file", path="CHANGELOG.md", diff=None)
    script = plan("ISS-1", files={"app.py": "modify", "CHANGELOG.md": "delete"}) + execute(
        "ISS-1", edits=[wrong, right, gone]
    )
    with Night(tmp_path / "repo", script, executor="openai") as night:
        night.add("ISS-1")
        night.run("plan")
        night.approve_all()
        assert night.run("run").code == 0

        names = git(night.root, "diff", "--name-status", "main", night.branch).splitlines()
        assert names == ["D\tCHANGELOG.md", "M\tapp.py"]
        items = night.requests("executor")[-1].body["input"]
        done = [item["status"] for item in items if item["type"] == "apply_patch_call_output"]
        assert done == ["failed", "completed", "completed"]


PAGE = (ROOT / "docs/providers.md").read_text()


def block(heading: str) -> list[str]:
    """Return the indented lines of a section of docs/providers.md, comments left out."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [
        line[4:].partition("  #")[0].rstrip() for line in section.splitlines() if line[:4] == "    "
    ]
    return [line for line in lines if line]


def typed(lines: list[str]) -> list[list[str]]:
    """Return the words of each command, without the program."""
    return [shlex.split(line)[1:] for line in lines if line.startswith("pipeline ")]


def ready(night: Night) -> None:
    """Plan and approve an issue, then forget what the environment says of the executor."""
    night.add("ISS-1")
    assert night.run("plan").code == 3
    night.approve_all()
    for name in ("PROVIDER", "BASE_URL", "MODEL"):
        os.environ.pop(f"PIPELINE_EXECUTOR_{name}", None)


def test_the_how_to_of_a_local_model_works_as_it_stands(tmp_path: Path) -> None:
    lines = block("A local model")
    config = "\n".join(line for line in lines if not line.startswith("pipeline "))
    with Night(tmp_path / "repo", SCRIPT) as night:
        ready(night)
        path = Path(os.environ["XDG_CONFIG_HOME"]) / "pipeline/config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(config.replace("http://127.0.0.1:11434", night.stand_in.url))
        for words in typed(lines):
            ended = night.run(*words)
            assert ended.code == 0, ended.err + ended.out
        assert len(night.commits()) == 1
        sent = night.requests("executor")[0].body
        assert (sent["model"], sent["max_tokens"], sent["temperature"]) == (
            "qwen3-coder:30b",
            8000,
            0.2,
        )


def test_the_how_to_of_a_service_works_as_it_stands(tmp_path: Path) -> None:
    lines = block("OpenRouter and other services")
    with Night(tmp_path / "repo", SCRIPT) as night:
        ready(night)
        exported = [line.removeprefix("export ") for line in lines if line.startswith("export ")]
        os.environ.update(line.split("=", 1) for line in exported)
        os.environ["PIPELINE_EXECUTOR_BASE_URL"] = f"{night.stand_in.url}/v1"
        for words in typed(lines):
            ended = night.run(*words)
            assert ended.code == 0, ended.err
        assert len(night.commits()) == 1
        assert night.requests("executor")[0].vendor == "openai-chat"
        files = [one for one in (night.root / ".workflow").rglob("*") if one.is_file()]
        assert not [one for one in files if b"sk-or-" in one.read_bytes()]


def test_a_setting_that_the_model_does_not_take_is_one_line(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", SCRIPT) as night:
        night.add("ISS-1")
        config = night.root / ".workflow/config.toml"
        config.write_text("[planner]\ntemperature = 0.2\n")

        ended = night.run("plan")

        assert ended.code == 1
        assert ended.err.splitlines() == [
            "pipeline: planner.temperature is 0.2: 'claude-opus-5-5' at anthropic takes no"
            " temperature: remove it"
        ]
