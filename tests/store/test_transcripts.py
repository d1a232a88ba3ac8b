"""A transcript is one JSON object a line."""

import json
from pathlib import Path

from pipeline.store.redaction import Redaction
from pipeline.store.transcripts import Transcript
from tests.store import builders as make


def test_notes_are_appended_line_by_line(scratch: Path) -> None:
    path = scratch / "transcripts" / "planner.jsonl"
    Transcript(path, clock=lambda: make.NOW).note("said", text="one\ntwo", tokens=3)
    Transcript(path, clock=lambda: make.NOW).note("ended")

    first, second = map(json.loads, path.read_text().splitlines())

    assert first == {
        "at": "2026-11-21T02:29:00.000Z",
        "kind": "said",
        "text": "one\ntwo",
        "tokens": 3,
    }
    assert second["kind"] == "ended"


def test_keys_never_get_into_it(scratch: Path) -> None:
    path = scratch / "planner.jsonl"
    transcript = Transcript(path, redaction=Redaction(["sk-ant-0123456789", "short", ""]))
    transcript.note(
        "reply",
        text="the key is sk-ant-0123456789.",
        calls=[["id", "write_file", '{"content": "sk-ant-0123456789"}']],
        more={"deep": ["sk-ant-0123456789", 3, None]},
        other="a short word",
    )
    written = path.read_text()
    assert "0123456789" not in written
    assert json.loads(written)["text"] == "the key is [a secret was here]."
    assert json.loads(written)["other"] == "a short word"


def test_a_line_that_a_crash_left_unfinished_does_not_spoil_the_next(scratch: Path) -> None:
    path = scratch / "planner.jsonl"
    path.write_text('{"at":"2026-1')
    Transcript(path).note("said")
    first, second = path.read_text().splitlines()
    assert first == '{"at":"2026-1'
    assert json.loads(second)["kind"] == "said"
