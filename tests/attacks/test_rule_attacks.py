"""Plans that a rule approves and that would do more than the rule has looked at."""

import json
import os
from pathlib import Path

import pytest

from pipeline.domain.plan import RiskLevel
from pipeline.plans.risk import assess
from pipeline.rehearsal.scripting import execute, plan, write
from tests.builders import git
from tests.e2e.night import Night
from tests.plans.nouns import change, solution, task

RULE = """
[[policy.auto_approve]]
name = "notes"
max_risk = "LOW"
paths = ["notes/**"]
"""


def test_what_a_rule_approved_changes_its_files_and_nothing_beside_them(tmp_path: Path) -> None:
    planned = plan(files={"notes/{issue_id}.md": "create"}, tests=["test -f notes/{issue_id}.md"])
    more = [
        write("notes/{issue_id}.md", "new\n"),
        write("uv.lock", "evil\n"),
        write("tests/conftest.py", "evil = 1\n"),
        write("app.py", "evil = 1\n"),
    ]
    with Night(tmp_path / "repo", planned + execute(edits=more)) as night:
        folder = Path(os.environ["XDG_CONFIG_HOME"]) / "pipeline"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.toml").write_text(RULE)
        config = night.root / ".workflow" / "config.toml"
        config.write_text(config.read_text() + '\n[plans]\nmay_touch = ["**"]\n')
        night.add("ISS-1")

        assert night.run("run").code == 0

        changed = git(night.root, "diff", "--name-only", "main", night.branch).splitlines()
        assert changed == ["notes/ISS-1.md"]
        request = json.dumps(night.requests("executor")[0].body)
        assert "you may change paths that match: (nothing else)" in request


@pytest.mark.parametrize(
    "path",
    [
        *(".GitHub/workflows/ci.yml", "CLAUDE.MD", "Dockerfile.PROD", "certs/server.PEM"),
        *("src/sitecustomize.py", "evil.pth", ".mcp.json", ".vscode/launch.json", "flake.nix"),
        *(".github/copilot-instructions.md", ".yarnrc.yml", "gulpfile.js", "mise.toml"),
    ],
)
def test_a_file_that_others_run_or_obey_is_more_than_a_new_file(path: str) -> None:
    found = assess(solution(1, task(1, change(path, "create"))))
    assert found.level.rank >= RiskLevel.HIGH.rank
