"""A transcript is one JSON object a line."""

import json
from pathlib import Path

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
