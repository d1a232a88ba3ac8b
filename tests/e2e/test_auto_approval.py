"""Plans that rules of the user's own settings, or `--auto-approve`, approve without a person."""

import json
import os
from pathlib import Path
from textwrap import dedent

from pydantic import JsonValue

from pipeline.rehearsal.script import Script
from pipeline.rehearsal.scripting import (
    any_issue,
    edit,
    execute,
    plan,
    submit_solution,
    task,
    turn,
    write,
)
from tests.e2e.hands import commit_on_branch
from tests.e2e.night import PROJECT, Night
from tests.safety.world import not_mine

MODIFIES = plan("ISS-2", files={"app.py": "modify"}, tests=["test -f app.py"])


def field_of(record: dict[str, object], *names: str) -> object:
    """Return a field of the record's plan."""
    found: object = record["plan"]
    for name in names:
        assert isinstance(found, dict)
        found = found[name]
    return found


def user_settings(text: str) -> None:
    """Write the user's own settings."""
    folder = Path(os.environ["XDG_CONFIG_HOME"]) / "pipeline"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(dedent(text))


def test_a_night_lands_what_is_low_and_leaves_the_rest_to_a_person(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", MODIFIES + any_issue()) as night:
        night.add("ISS-1", "ISS-2", "ISS-3")

        ended = night.run("run", "--auto-approve", "LOW")

        assert ended.code == 3
        assert night.states() == {"ISS-1": "completed", "ISS-2": "planned", "ISS-3": "completed"}
        assert len(night.commits()) == 2
        first, second, _ = night.planned()
        assert field_of(first, "approval", "rule") == "--auto-approve LOW"
        assert field_of(first, "approval", "rule_max_risk") == "LOW"
        assert field_of(second, "state") == "pending"
        assert "SOL-ISS-1-1  approved by the rule '--auto-approve LOW' (LOW risk)" in ended.err


def test_everything_that_tells_of_a_plan_says_which_rule_approved_it(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")
        assert night.run("run", "--auto-approve", "low").code == 0

        rule = "the rule '--auto-approve LOW'"
        assert rule in night.run("show", "SOL-ISS-1-1").out
        assert rule in night.run("show", "SOL-ISS-1-1", "--format", "md").out
        assert rule in night.run("report").out
        report = json.loads((night.root / ".workflow/report.json").read_text())
        assert rule in "".join(report["groups"]["landed"][0]["notes"])


def test_rules_of_the_users_settings_hold_without_a_flag(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", MODIFIES + any_issue()) as night:
        user_settings(
            """
            [[policy.auto_approve]]
            name = "small things"
            max_risk = "MEDIUM"
            labels = ["chore"]
            max_files = 1
            """
        )
        night.add("ISS-1")
        night.add("ISS-2", label="chore")

        ended = night.run("run")

        assert ended.code == 3
        first, second = night.planned()
        assert field_of(first, "state") == "pending"
        assert field_of(second, "approval", "rule") == "small things"


def test_a_project_cannot_bring_rules(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        (night.root / ".workflow/config.toml").write_text(
            '[[policy.auto_approve]]\nname = "all"\nmax_risk = "CRITICAL"\n'
        )
        ended = night.run("run")
        assert ended.code == 1
        assert "policy.auto_approve is read only from" in ended.err


def test_the_issue_of_a_stranger_waits_for_a_person(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        line = '{"id": "ISS-1", "title": "do it", "author": "x", "author_trust": "contributor"}\n'
        (night.root / ".workflow/issues/issues.jsonl").write_text(line)

        assert night.run("run", "--auto-approve", "CRITICAL").code == 3
        assert night.commits() == []


def test_what_a_person_sent_back_needs_a_person_from_then_on(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")
        night.run("plan")
        night.run("request-changes", "SOL-ISS-1-1", "say it differently")

        assert night.run("run", "--auto-approve", "LOW").code == 3
        assert field_of(night.planned()[-1], "state") == "pending"


def test_a_rule_approves_nothing_that_its_user_may_not(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", MODIFIES) as night:
        user_settings('[roles]\nsomebody = "admin"\n')
        night.add("ISS-2")

        ended = night.run("run", "--auto-approve", "MEDIUM")

        assert ended.code == 3
        assert "the rule '--auto-approve MEDIUM' cannot approve: SOL-ISS-2-1 is MEDIUM" in ended.err
        assert field_of(night.planned()[0], "state") == "pending"


def test_a_role_that_is_taken_away_takes_its_approval_along(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")
        night.run("plan")
        night.approve_all()
        user_settings('[roles]\nsomebody = "admin"\n[policy.required]\nLOW = "reviewer"\n')

        ended = night.run("run")

        assert ended.code == 3
        (record,) = night.planned()
        assert field_of(record, "state") == "pending"
        reason = "who approved it, is user now"
        assert str(field_of(record, "state_reason")).endswith(reason)
        assert reason in (night.root / ".workflow/journal.jsonl").read_text()


def test_a_plan_that_has_drifted_is_planned_again_and_then_approved(tmp_path: Path) -> None:
    script = plan("ISS-1", files={"app.py": "modify"}, tests=["grep -q seen app.py"]) + execute(
        "ISS-1", edits=[edit("app.py", "return a + b", "return a + b  # seen")]
    )
    with Night(tmp_path / "repo", script) as night:
        night.add("ISS-1")
        night.run("plan")
        commit_on_branch(night.root, night.branch, {"app.py": PROJECT["app.py"] + "\n# moved\n"})

        ended = night.run("run", "--auto-approve", "MEDIUM")

        assert ended.code == 0, ended.err
        first, second = night.planned()
        assert (field_of(first, "state"), field_of(second, "state")) == ("superseded", "approved")
        assert field_of(second, "approval", "rule") == "--auto-approve MEDIUM"


def test_a_plan_that_asks_for_the_network_goes_back_to_the_agent(tmp_path: Path) -> None:
    asks: JsonValue = [{"operation": "network", "target": "", "reason": "a download"}]
    work = [task("T1", files={"a.txt": "create"}, tests=["test -s a.txt"])]
    script: Script = turn(
        "planner",
        "ISS-1",
        submit_solution(tasks=work, privileges=asks),
        submit_solution(tasks=work),
    ) + execute("ISS-1", edits=[write("a.txt", "a\n")])
    with Night(tmp_path / "repo", script) as night:
        night.add("ISS-1")

        ended = night.run("plan")

        assert ended.code == 3
        transcript = (night.root / ".workflow/transcripts/planner.jsonl").read_text()
        assert "network cannot be granted: there is no filtering proxy" in transcript
        assert field_of(night.planned()[0], "grants") == []


def test_a_privilege_is_shown_with_its_reason_and_needs_a_person(tmp_path: Path) -> None:
    asks: JsonValue = [{"operation": "install", "target": "", "reason": "the wheel is in vendor/"}]
    with Night(tmp_path / "repo", plan(files={"a.txt": "create"}, privileges=asks)) as night:
        night.add("ISS-1")

        assert night.run("run", "--auto-approve", "CRITICAL").code == 3

        shown = night.run("show", "SOL-ISS-1-1").out
        assert "install (needs a maintainer): the wheel is in vendor/" in " ".join(shown.split())
        assert field_of(night.planned()[0], "grants") == ["install"]


def test_only_who_owns_the_state_folder_decides_there(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")
        night.run("plan")
        before = (night.root / ".workflow/journal.jsonl").read_bytes()
        state = not_mine(tmp_path / "theirs/pipeline")
        os.environ["XDG_STATE_HOME"] = str(state.parent)

        for words in (
            ("approve", "SOL-ISS-1-1"),
            ("reject", "SOL-ISS-1-1", "--reason", "no"),
            ("request-changes", "SOL-ISS-1-1", "other words"),
            ("defer", "SOL-ISS-1-1"),
            ("retry", "ISS-1"),
        ):
            ended = night.run(*words)
            assert ended.code == 1, words
            assert "only they decide there" in ended.err
            assert len(ended.err.splitlines()) == 1

        assert (night.root / ".workflow/journal.jsonl").read_bytes() == before
