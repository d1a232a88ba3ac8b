"""Transcripts are read as streams, from both ends, and while they grow."""

import json
import tracemalloc
from itertools import islice
from pathlib import Path

import pytest

from pipeline.store.transcript_lines import (
    BLOCK,
    LONGEST,
    Growing,
    Line,
    Note,
    read_backwards,
    read_lines,
    whole_size,
)


def line(number: int, text: str = "") -> bytes:
    """Return one line of a transcript, with its line end."""
    fields = {"at": "2026-11-21T02:29:00.000Z", "kind": "reply", "role": "planner"}
    more = {"request_id": "ISS.v-1.2", "n": number, "text": text}
    return json.dumps(fields | more).encode() + b"\n"


def told(lines: list[Line]) -> list[object]:
    """Return the number in each note, and the line number of each damaged line."""
    return [one.fields["n"] if isinstance(one, Note) else f"damaged {one.number}" for one in lines]


def test_a_request_names_its_issue(scratch: Path) -> None:
    path = scratch / "planner.jsonl"
    path.write_bytes(line(1))
    (note,) = read_lines(path)
    assert isinstance(note, Note)
    assert (note.issue_id, note.role, note.kind) == ("ISS.v-1", "planner", "reply")


@pytest.mark.parametrize("size", [0, BLOCK - 200, BLOCK, 3 * BLOCK])
def test_both_ways_tell_the_same(scratch: Path, size: int) -> None:
    path = scratch / "planner.jsonl"
    path.write_bytes(b"".join(line(n, "é" * (size if n % 3 == 0 else 5)) for n in range(1, 12)))
    forwards = list(read_lines(path))
    assert told(forwards) == list(range(1, 12))
    assert list(read_backwards(path))[::-1] == forwards


@pytest.mark.parametrize(
    "bad",
    [
        b"{",
        b"\xff\xfe\x00",
        b"null",
        b"[]",
        b'{"at":"2026-11-21T02:29:00.000Z","kind":"reply"}',
        b'{"at":"yesterday","kind":"reply","role":"planner","request_id":"x.1"}',
        b'{"at":1,"kind":"reply","role":"planner","request_id":"x.1"}',
        b'{"at":"2026-11-21T02:29:00.000Z","kind":1,"role":"planner","request_id":"x.1"}',
    ],
)
def test_a_damaged_line_is_named_and_the_others_are_read(scratch: Path, bad: bytes) -> None:
    path = scratch / "planner.jsonl"
    path.write_bytes(line(1) + bad + b"\n" + b"\n" + line(4))
    assert told(list(read_lines(path))) == [1, "damaged 2", 4]
    assert told(list(read_backwards(path))) == [4, "damaged 2", 1]
    assert told(list(Growing(path).read())) == [1, "damaged 2", 4]


def test_a_last_line_without_its_end_is_damaged_and_one_that_grows_is_waited_for(
    scratch: Path,
) -> None:
    path = scratch / "planner.jsonl"
    path.write_bytes(line(1) + line(2)[:20])
    assert told(list(read_backwards(path))) == ["damaged 2", 1]
    growing = Growing(path)
    assert told(list(growing.read())) == [1]
    with path.open("ab") as file:
        file.write(line(2)[20:] + line(3))
    assert told(list(growing.read())) == [2, 3]
    assert told(list(growing.read())) == []


def test_one_that_grows_may_come_later_and_begin_again(scratch: Path) -> None:
    path = scratch / "planner.jsonl"
    growing = Growing(path)
    assert list(growing.read()) == []
    path.write_bytes(line(1) + line(2))
    assert told(list(growing.read())) == [1, 2]
    path.unlink()
    assert list(growing.read()) == []
    path.write_bytes(line(7))
    assert told(list(growing.read())) == [7]


def test_what_is_whole_is_measured_to_the_last_line_end(scratch: Path) -> None:
    path = scratch / "planner.jsonl"
    path.write_bytes(line(1) + b"x" * (2 * BLOCK))
    assert whole_size(path) == len(line(1))
    assert told(list(read_backwards(path, whole_size(path)))) == [1]
    path.write_bytes(b"x")
    assert whole_size(path) == 0


def test_a_line_that_is_too_long_is_passed_over(scratch: Path) -> None:
    path = scratch / "planner.jsonl"
    path.write_bytes(line(1) + b"x" * (LONGEST + BLOCK) + b"\n" + line(3))
    assert told(list(read_lines(path))) == [1, "damaged 2", 3]
    assert told(list(read_backwards(path))) == [3, "damaged 2", 1]


def test_the_end_of_a_large_file_is_read_without_the_rest(scratch: Path) -> None:
    path = scratch / "planner.jsonl"
    with path.open("wb") as file:
        for n in range(40):
            file.write(line(n, "x" * 2**20))
    assert path.stat().st_size > 40 * 2**20
    tracemalloc.start()
    try:
        assert told(list(islice(read_backwards(path), 2))) == [39, 38]
        assert sum(1 for _ in read_lines(path)) == 40
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * 2**20
