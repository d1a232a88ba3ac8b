"""`config show`: every setting, and the line, variable or flag that it comes from."""

import contextlib
import io
import os
import tomllib
from pathlib import Path

import orjson
import pytest

from pipeline.app.origins import lines_of
from pipeline.cli.config_show import OPTIONS, SECONDS
from pipeline.cli.entry import run
from pipeline.settings import KEYS, Settings, default_config, value_of
from tests.builders import make_repository

PROJECT = """\
[planner]
provider = "openai"   # ours

[budget]
usd = 20.0
minutes = 60
[gate]
"max_pending" = 7
"""
USER = """\
budget = { usd = 5.0, day_usd = 9.0 }

[[policy.auto_approve]]
name = "docs"

[roles]
ann = "maintainer"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = make_repository(tmp_path / "repo", {"a.txt": ""})
    (root / ".workflow").mkdir()
    (root / ".workflow" / "config.toml").write_text(PROJECT)
    user = Path(os.environ["XDG_CONFIG_HOME"]) / "pipeline" / "config.toml"
    user.parent.mkdir(parents=True)
    user.write_text(USER)
    return root


def shown(root: Path, *words: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert run(["config", "show", *words, "-C", str(root)]) == 0
    return out.getvalue()


def origins(root: Path, *words: str) -> dict[str, tuple[object, str, object]]:
    rows = orjson.loads(shown(root, "--json", *words))
    return {
        row["key"]: (row["value"], row["origin"]["name"], row["origin"]["line"]) for row in rows
    }


def test_each_value_says_where_it_comes_from(root: Path) -> None:
    user = f"{os.environ['XDG_CONFIG_HOME']}/pipeline/config.toml"
    os.environ |= {"PIPELINE_GATE_WAIT": "8h", "PIPELINE_BUDGET_TOKENS": "5"}
    found = origins(root, "--max-tokens", "6", "--sandbox", "landlock", "--changed")
    assert found == {
        "planner.provider": ("openai", ".workflow/config.toml", 2),
        "budget.tokens": (6, "--max-tokens", None),
        "budget.usd": (5.0, user, 1),
        "budget.minutes": (60, ".workflow/config.toml", 6),
        "budget.day_usd": (9.0, user, 1),
        "gate.max_pending": (7, ".workflow/config.toml", 8),
        "gate.wait": (28800, "PIPELINE_GATE_WAIT", None),
        "policy.auto_approve": (found["policy.auto_approve"][0], user, 3),
        "roles": ({"ann": "maintainer"}, user, 6),
        "sandbox.kind": ("landlock", "--sandbox", None),
    }
    assert {key for key, name in KEYS.items() if name.endswith(SECONDS)} == {
        "gate.wait",
        "run.wait_quota",
    }
    assert 'wait = "8h"' in shown(root, "gate")


def test_a_provider_that_is_set_later_takes_the_origin_of_the_model_away(root: Path) -> None:
    os.environ["PIPELINE_PLANNER_MODEL"] = "gpt-6.1-sol"
    assert origins(root, "planner.model")["planner.model"][1] == "PIPELINE_PLANNER_MODEL"
    found = origins(root, "planner.model", "--planner-provider", "anthropic")
    assert found["planner.model"] == ("claude-opus-5-5", "", None)


def test_what_is_shown_is_toml_with_all_that_is_set(root: Path) -> None:
    text = shown(root)
    found = tomllib.loads(text)
    assert found["budget"] == {"usd": 5.0, "minutes": 60, "day_usd": 9.0} | {
        key: value_of(Settings(), f"budget.{key}")
        for key in ("issue_tokens", "issue_minutes", "unknown_price")
    }
    assert found["roles"] == {"ann": "maintainer"}
    assert f"usd = 5.0{' ' * 35}  # " in text
    assert "# tokens = (not set)" in text


def test_every_key_is_shown_once(root: Path) -> None:
    assert sorted(origins(root)) == sorted(KEYS)
    assert set(origins(root, "sandbox")) == {key for key in KEYS if key.startswith("sandbox.")}


def test_a_value_that_looks_like_a_secret_is_not_shown(root: Path) -> None:
    os.environ["PIPELINE_PLANNER_BASE_URL"] = "https://me:hunter2hunter2@proxy.example/v1"
    assert "hunter2" not in shown(root, "planner")
    assert "hunter2" not in shown(root, "planner", "--json")


def test_the_flags_of_the_table_are_options_of_run() -> None:
    assert {"--sandbox", "--max-usd", "--planner-provider"} <= set(OPTIONS.values())


def test_lines_of_the_shipped_config_are_found() -> None:
    text = default_config().replace("# usd = 20.0", "usd = 20.0")
    line = lines_of(text)["budget.usd"]
    assert text.splitlines()[line - 1].startswith("usd = 20.0")
