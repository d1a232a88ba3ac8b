"""The walk along the journal's chain: every line that is not as it was written is named."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.store.chain import Walk, walk
from pipeline.store.entries import RetryAsked
from pipeline.store.journal import Journal
from pipeline.store.line import Line, make_line
from tests.store.builders import places_in

Lines = list[bytes]
CHANGED = "it was changed: its hash is not that of its bytes"
FORMLESS = "it was changed: it has not the form of a line"


def walked(root: Path, change: Callable[[Lines], Lines]) -> tuple[Walk, list[Line]]:
    """Write five lines, change the file, and walk along it."""
    places = places_in(root)
    journal = Journal(places)
    for number in range(1, 6):
        journal.append(RetryAsked(issue_id=f"ISS-{number}", again="plan"))
    whole = places.journal.read_bytes().splitlines(keepends=True)
    places.journal.write_bytes(b"".join(change(whole)))
    seen: list[Line] = []
    return walk(places.journal, wanted=frozenset({2, 9}), see=seen.append), seen


def test_a_whole_chain_has_no_flaws(scratch: Path) -> None:
    result, seen = walked(scratch, lambda one: one)
    lines = list(Journal(places_in(scratch)).lines())
    assert seen == lines
    assert (result.lines, result.last, result.is_torn, result.flaws) == (5, 5, False, [])
    assert (result.first, result.hashes) == (lines[0].hash, {2: lines[1].hash})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda one: [one[0], one[1].replace(b"ISS-2", b"ISS-9"), *one[2:]], [(2, CHANGED)]),
        (lambda one: [*one[:4], one[4].replace(b'"plan"', b'"exec"')], [(5, CHANGED)]),
        (lambda one: [one[0], b"{}\n", *one[2:]], [(2, FORMLESS)]),
        (lambda one: [one[0], b"\n", *one[1:]], [(2, FORMLESS)]),
        (lambda one: [one[0], one[1][:-20] + b"\n", *one[2:]], [(2, FORMLESS)]),
        (lambda one: [one[0], *one[2:]], [(2, "before it number 2 is missing")]),
        (lambda one: [one[0], *one[3:]], [(2, "before it numbers 2 to 3 are missing")]),
        (lambda one: one[1:], [(1, "before it number 1 is missing")]),
        (
            lambda one: [one[0], one[2], one[1], *one[3:]],
            [(3, "it was moved: number 2 belongs before line 2")],
        ),
        (
            lambda one: [one[0], one[3], one[1], one[4]],
            [
                (2, "before it numbers 2 to 3 are missing, all but 1"),
                (3, "it was moved: number 2 belongs before line 2"),
            ],
        ),
        (
            lambda one: [*one[:2], one[1], *one[2:]],
            [(3, "it was put in: number 2 is there already")],
        ),
        (lambda one: [*one[:3], b"x" * 5000 + b"\n"], [(4, FORMLESS)]),
    ],
)
def test_a_line_that_is_not_as_it_was_written_is_named(
    scratch: Path, change: Callable[[Lines], Lines], expected: list[tuple[int, str]]
) -> None:
    found = [(flaw.line, flaw.what) for flaw in walked(scratch, change)[0].flaws]
    assert [line for line, _ in found] == [line for line, _ in expected]
    assert all(part in what for (_, what), (_, part) in zip(found, expected, strict=True))


@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_line_that_was_written_again_breaks_the_chain(scratch: Path, number: int) -> None:
    def again(lines: Lines) -> Lines:
        old = list(Journal(places_in(scratch)).lines())[number - 1]
        entry = RetryAsked(issue_id="ISS-9", again="plan")
        new = make_line(entry, seq=number, at=old.at, prev=old.prev, offset=old.offset)
        return [*lines[: number - 1], new.raw, *lines[number:]]

    (flaw,) = walked(scratch, again)[0].flaws
    assert flaw.line == number + 1
    assert flaw.what == (
        f"the chain breaks: it does not follow from number {number}, one of them was rewritten"
    )


def test_a_last_line_that_is_not_finished_is_no_flaw(scratch: Path) -> None:
    result, seen = walked(scratch, lambda one: [*one, one[-1][:40]])
    assert (result.lines, result.is_torn, result.flaws, len(seen)) == (5, True, [], 5)


def test_a_line_of_a_newer_version_is_passed_over(scratch: Path) -> None:
    def newer(lines: Lines) -> Lines:
        return [one.replace(b"retry_asked", b"never_heard") for one in lines]

    result, seen = walked(scratch, newer)
    assert seen == []
    assert {flaw.what for flaw in result.flaws} == {CHANGED}
