"""What agents remember: lessons that hold, a person's notes, and the same after a crash."""

import json
from pathlib import Path

from pipeline.agents.agent import head_sha256
from pipeline.agents.messages import Head, ToolSpec
from pipeline.paths import Places, UserPlaces
from pipeline.rehearsal.scripting import any_issue, execute, plan, run_command, write
from pipeline.store.journal import Journal
from pipeline.store.remembered import remembered
from pipeline.store.state import State
from pipeline.store.transcript_lines import read_lines
from tests.e2e.night import TEST_COMMAND, Night

SUITE = {"kind": "command", "text": TEST_COMMAND}
SEEN = {"kind": "command", "text": "ls app.py"}
PATH = {"kind": "path", "text": "app.py"}


def lessons(night: Night, role: str) -> list[str]:
    shown = json.loads(night.run("agents", "show", role, "--json").out)
    lines = [line for digest in shown["ledger"] for line in digest.splitlines()]
    return [line for line in lines if line.startswith("lesson")]


def test_lessons_of_both_agents_are_kept_on_evidence_and_once(scratch: Path) -> None:
    before = [run_command("ls app.py"), run_command("ls nothing")]
    offered = [SEEN, {"kind": "command", "text": "ls nothing"}, PATH]
    script = (
        plan("ISS-1", files={"a.txt": "create"}, before=before, lessons=offered)
        + plan("ISS-2", files={"b.txt": "create"}, lessons=[SEEN, PATH, SUITE])
        + execute("ISS-1", edits=[write("a.txt", "a\n")], lessons=[SUITE, SEEN])
        + execute("ISS-2", edits=[write("b.txt", "b\n")], lessons=[SUITE, PATH])
        + plan("ISS-3", files={"c.txt": "create"}, lessons=[SEEN, SUITE])
    )
    with Night(scratch / "repo", script) as night:
        night.add("ISS-1", "ISS-2")
        night.run("plan")
        night.approve_all()
        assert night.run("run").code == 0
        night.add("ISS-3")
        night.run("plan")

        assert lessons(night, "planner") == [
            "lesson (command, ISS-1): ls app.py",
            "lesson (path, ISS-1): app.py",
            f"lesson (command, ISS-3): {TEST_COMMAND}",
        ]
        assert lessons(night, "executor") == [
            f"lesson (command, ISS-1): {TEST_COMMAND}",
            "lesson (path, ISS-2): app.py",
        ]


def test_a_persons_notes_are_read_when_an_agent_is_spawned_and_not_in_between(
    scratch: Path,
) -> None:
    with Night(scratch / "repo", any_issue()) as night:
        folder = night.root / ".workflow" / "memory"
        folder.mkdir()
        (folder / "both.md").write_text("Use \u202esix spaces.\n")
        (folder / "planner.md").write_text("Small plans.\n" + "x" * 9_000)
        (folder / "executor.md").symlink_to(night.root / "README.md")
        night.add("ISS-1", "ISS-2")
        night.run("plan")
        (folder / "both.md").write_text("Use tabs.\n")
        night.approve_all()
        night.run("run")

        memory = night.requests("planner")[0].ledger[0]
        assert memory.startswith("Notes by the people who work on this project:\nUse six spaces.")
        assert "Small plans." in memory
        assert len(memory) < 2_100
        assert (night.root / "README.md").read_text() not in memory
        assert {one.ledger[0] for one in night.requests("planner")} == {memory}
        executor = {one.ledger[0] for one in night.requests("executor")}
        assert executor == {"Notes by the people who work on this project:\nUse tabs."}


def test_a_transcript_is_enough_to_remember_and_agrees_with_the_journal(scratch: Path) -> None:
    with Night(scratch / "repo", any_issue()) as night:
        night.add("ISS-1", "ISS-2", "ISS-3")
        night.run("plan", "ISS-1")
        night.run("plan")
        night.approve_all()
        assert night.run("run").code == 0
        places = Places(night.root, UserPlaces.from_environment(), night.root / ".git")
        state = State.of(Journal(places).lines())
        for role in ("planner", "executor"):
            found = remembered(read_lines(places.transcripts / f"{role}.jsonl"))
            assert list(found.ledger) == state.ledger[role]
            assert len(found.ledger) == 3
            assert found.memory == state.memory.get(role, "")
            assert isinstance(found.head, dict)
            specs = tuple(ToolSpec(*tool) for tool in found.head["tools"])  # type: ignore[union-attr, misc]
            head = Head(specs, str(found.head["system"]), str(found.head["context"]))
            assert head_sha256(head) == found.head_sha256 == state.spawned[role].head_sha256
