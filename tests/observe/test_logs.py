"""`pipeline logs`: two agents' transcripts as one readable stream."""

import json
import os
import re
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from pipeline.rehearsal.script import ReplySpec
from pipeline.rehearsal.scripting import any_issue, execute, plan, read, turn, write
from pipeline.store.transcripts import Transcript
from tests.e2e.night import Night
from tests.e2e.started import Started

EVIL = "\x1b]0;owned\x07\u202etxt.exe\x9b2J"
KEY = "sk-rehearsal-0123456789abcdef"


def test_the_words_and_deeds_of_both_agents_are_told_in_order(tmp_path: Path) -> None:
    says = turn("planner", "ISS-1", read("app.py"), read(f"no{EVIL}such.py")).answers
    script = plan(
        "ISS-1", files={"a.txt": "create"}, before=[*says[0].replies], title="one title"
    ) + execute("ISS-1", edits=[write("a.txt", f"key = {KEY}\n")])
    os.environ |= {"ANTHROPIC_API_KEY": KEY, "TZ": "Asia/Tokyo"}
    time.tzset()
    try:
        with Night(tmp_path / "repo", script + any_issue()) as night:
            night.add("ISS-1", "ISS-2")
            night.run("plan")
            night.run("approve", "SOL-ISS-1-1")
            night.run("run")
            ended, raw = night.run("logs"), night.run("logs", "--json")
            few = night.run("logs", "-n", "3")
            planner = night.run("logs", "--agent", "planner", "--issue", "ISS-2", "--full")
            notes = [json.loads(line) for line in raw.out.splitlines()]
            kept = [path.read_text() for path in (night.root / ".workflow/transcripts").iterdir()]
    finally:
        os.environ.pop("TZ")
        time.tzset()

    assert ended.code == 0
    day, *lines = ended.out.splitlines()
    told = [re.split(" {2,}", line)[1:] for line in lines]
    assert re.fullmatch(r"-- \d{4}-\d\d-\d\d", day)
    assert told[0][0] == "planner"
    assert " ".join(told[0]).startswith("planner ISS-1 asked Plan issue ISS-1. The workspace")
    assert ["planner", "ISS-1", "calls", 'read_file path="app.py"'] in told
    assert any("result  read_file: 1 def add(a, b): (+1 line)" in line for line in lines)
    assert any("error   read_file: " in line for line in lines)
    assert any("calls   submit_solution" in line for line in lines)
    assert any(line.endswith("ended   answered") for line in lines)
    assert [words[0] for words in told] == sorted((w[0] for w in told), reverse=True)
    assert not set("".join(ended.out.split("\n"))) & set("\x1b\x07\x9b\u202e")

    assert notes[0]["at"].endswith("Z")
    local = (int(notes[0]["at"][11:13]) + 9) % 24
    assert lines[0].startswith(f"{local:02}:")
    assert raw.out.isascii()
    said = {"request", "reply", "tool", "ended"}
    assert {note["kind"] for note in notes} == {*said, "spawned", "settled"}
    assert few.out.splitlines()[1:] == lines[-len(few.out.splitlines()) + 1 :]
    assert "ISS-1" not in planner.out
    assert "executor" not in planner.out
    assert "No plan of another issue has to be carried out before." in planner.out
    assert KEY not in "".join([*kept, ended.out, raw.out])
    assert "[a secret was here]" in "".join(kept)


def test_a_damaged_line_is_named_and_passed_over(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1")
        assert night.run("logs").err.startswith("nothing yet: ")
        night.run("plan")
        path = night.root / ".workflow/transcripts/planner.jsonl"
        before = night.run("logs").out
        whole = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join([whole[0], b'{"at": torn\n', *whole[1:]]))

        for words in ((), ("-n", "50")):
            ended = night.run("logs", *words)
            assert (ended.code, ended.out) == (0, before)
            assert ended.err == (
                "pipeline: .workflow/transcripts/planner.jsonl:2: cannot be read as a line of a "
                "transcript; skipped\n"
            )
        assert night.run("logs", "--issue", "ISS-2").code == 1
        assert "did you mean 'ISS-1'" in night.run("logs", "--issue", "ISS-2").err


def test_what_the_pipeline_says_inside_a_turn_and_how_it_ends_is_told(tmp_path: Path) -> None:
    silent = turn("planner", "ISS-1", ReplySpec(text="I wonder."), ReplySpec(text="Still."))
    with Night(tmp_path / "repo", silent) as night:
        night.add("ISS-1")
        night.run("plan")
        told = [" ".join(line.split()[3:]) for line in night.run("logs").out.splitlines()[1:]]

    assert told[1:] == [
        "says I wonder.",
        "told This turn is still open: text alone reaches nobody. Go on with the work, or end the "
        "turn with (+2 lines)",
        "says Still.",
        "ended failed: the agent stopped twice without an answer",
    ]


def test_following_shows_what_comes_across_runs_until_it_is_stopped(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        folder = night.root / ".workflow/transcripts"
        note = {"role": "planner", "request_id": "ISS-1.1"}
        Transcript(folder / "planner.jsonl").note("reply", text="before", **note)
        with night.process("logs", "-f") as process:
            assert process.stdout is not None
            lines = _lines(process)
            assert next(lines).startswith("-- ")
            assert next(lines).endswith("says    before")
            Transcript(folder / "planner.jsonl").note("reply", text="during", **note)
            assert next(lines).endswith("says    during")
            other = {"role": "executor", "request_id": "ISS-1.1"}
            Transcript(folder / "executor.jsonl").note("reply", text="the other", **other)
            assert next(lines).endswith("says    the other")
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0
            assert process.stderr is not None
            assert process.stderr.read() == b""


def test_following_ends_when_its_reader_leaves(tmp_path: Path) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        Transcript(night.root / ".workflow/transcripts/planner.jsonl").note(
            "reply", text="first", role="planner", request_id="ISS-1.1"
        )
        with night.process("logs", "-f") as process:
            assert next(_lines(process)).startswith("-- ")
            assert process.stdout is not None
            process.stdout.close()
            assert process.wait(10) == 0


def _lines(process: Started) -> Iterator[str]:
    """Yield the lines of stdout; fails when none comes within ten seconds."""
    assert process.stdout is not None
    held = b""
    while True:
        while b"\n" not in held:
            ready, _, _ = select.select([process.stdout], [], [], 10)
            assert ready, "nothing came"
            held += os.read(process.stdout.fileno(), 2**16)
        line, _, held = held.partition(b"\n")
        yield line.decode()
