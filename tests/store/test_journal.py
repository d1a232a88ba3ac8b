"""The journal: append, chain, torn lines, several writers."""

import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest

from pipeline.errors import PipelineError
from pipeline.store.entries import AnyEntry, RetryAsked
from pipeline.store.journal import Journal
from pipeline.store.line import MODELS
from pipeline.store.state import AUDIT_ONLY, FOLDS
from tests.store import builders as make

WRITER = """
import sys
from pathlib import Path
from pipeline.store.entries import RetryAsked
from pipeline.store.journal import Journal
from tests.store.builders import places_in
journal = Journal(places_in(Path(sys.argv[1])))
for number in range(50):
    journal.append(RetryAsked(issue_id=f"{sys.argv[2]}-{number}", again="plan"))
"""


def journal_in(root: Path) -> Journal:
    return Journal(make.places_in(root), clock=lambda: datetime(2026, 1, 2, 3, 4, 5, 6789, UTC))


def asked(issue_id: str) -> RetryAsked:
    return RetryAsked(issue_id=issue_id, again="plan")


def path_in(root: Path) -> Path:
    return make.places_in(root).journal


def test_every_kind_is_folded_or_for_the_audit_alone() -> None:
    assert set(FOLDS) | AUDIT_ONLY == set(MODELS)
    assert not set(FOLDS) & AUDIT_ONLY
    assert len(MODELS) == len(get_args(AnyEntry))


def test_a_line_has_the_documented_form_and_hash(scratch: Path) -> None:
    journal = journal_in(scratch)
    journal.append(asked("A"))
    journal.append(asked("B"))

    first, second = path_in(scratch).read_text().splitlines()

    assert list(json.loads(first)) == ["seq", "at", "kind", "data", "prev", "hash"]
    assert json.loads(first)["at"] == "2026-01-02T03:04:05.006Z"
    assert json.loads(first)["prev"] == "0" * 64
    assert json.loads(second)["prev"] == json.loads(first)["hash"]
    signed = first[: first.rindex(',"hash":"')]
    assert json.loads(first)["hash"] == hashlib.sha256(signed.encode()).hexdigest()


def test_what_was_appended_is_read_back(scratch: Path) -> None:
    written = journal_in(scratch).append(make.planned("A"))
    journal = journal_in(scratch)

    (line,) = journal.read_new()

    assert line == written
    assert line.entry == make.planned("A")
    assert (journal.seq, line.offset, line.kind) == (1, 0, "plan_recorded")
    assert journal.newest_at == line.at
    assert journal.read_new() == []
    assert list(journal.lines()) == [line]


@pytest.mark.parametrize(
    "torn", [b"{", b'{"seq":2,"at":"2026', b"\0" * 100, b"\0" * 100 + b"\n", b'{"seq":2,\n']
)
def test_an_unfinished_last_line_is_cut_and_kept(scratch: Path, torn: bytes) -> None:
    journal_in(scratch).append(asked("A"))
    whole = path_in(scratch).read_bytes()
    path_in(scratch).write_bytes(whole + torn)

    journal = journal_in(scratch)
    assert [line.seq for line in journal.read_new()] == [1]
    journal.append(asked("B"))

    assert make.places_in(scratch).journal_torn.read_bytes() == torn + b"\n"
    assert path_in(scratch).read_bytes().startswith(whole + b'{"seq":2,')
    assert journal.verify() == 2


def test_a_reader_waits_for_the_rest_of_a_line_that_is_being_written(scratch: Path) -> None:
    writer, reader = journal_in(scratch), journal_in(scratch)
    writer.append(asked("A"))
    writer.append(asked("B"))
    whole = path_in(scratch).read_bytes()

    path_in(scratch).write_bytes(whole[:-20])
    assert [line.seq for line in reader.read_new()] == [1]
    path_in(scratch).write_bytes(whole)
    assert [line.seq for line in reader.read_new()] == [2]


DATA_OF_B = b'"kind":"retry_asked","data":{"issue_id":"B"'


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ((b'{"seq":2', b'{"seq":7'), "line [27] is damaged"),
        ((DATA_OF_B, b"rubbish"), "is damaged"),
        ((b'"issue_id":"B"', b'"issue_id":"X"'), None),
        ((DATA_OF_B, DATA_OF_B.replace(b"retry_asked", b"new_thing")), "the kind 'new_thing'"),
    ],
)
def test_damage_in_the_middle_is_named_and_never_dropped(
    scratch: Path, damage: tuple[bytes, bytes], says: str | None
) -> None:
    journal = journal_in(scratch)
    for issue_id in "ABC":
        journal.append(asked(issue_id))
    assert journal.verify() == 3
    path_in(scratch).write_bytes(path_in(scratch).read_bytes().replace(*damage))

    with pytest.raises(PipelineError, match=says or "line 2 is damaged"):
        journal_in(scratch).verify()
    if says:
        with pytest.raises(PipelineError, match=says):
            journal_in(scratch).read_new()


def test_a_line_added_by_hand_without_its_chain_is_no_line(scratch: Path) -> None:
    journal_in(scratch).append(asked("A"))
    line = '{"seq":2,"at":"2026-01-02T03:04:05.006Z","kind":"retry_asked","data":{},"by":"me"}'
    with path_in(scratch).open("a") as file:
        file.write(line + "\n")

    with pytest.raises(PipelineError, match="line 2 is damaged"):
        journal_in(scratch).read_new()


def test_a_removed_line_breaks_the_chain(scratch: Path) -> None:
    journal = journal_in(scratch)
    for issue_id in "ABC":
        journal.append(asked(issue_id))
    lines = path_in(scratch).read_bytes().splitlines(keepends=True)
    path_in(scratch).write_bytes(lines[0] + lines[2])

    with pytest.raises(PipelineError, match="line 2 is damaged"):
        journal_in(scratch).verify()


def test_a_journal_that_vanishes_meanwhile_is_not_begun_anew(scratch: Path) -> None:
    journal = journal_in(scratch)
    journal.append(asked("A"))
    path_in(scratch).unlink()

    with pytest.raises(PipelineError, match="was removed meanwhile"):
        journal.append(asked("B"))
    assert not path_in(scratch).exists()


def test_two_processes_append_without_losing_a_line(scratch: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(scratch), name], cwd=Path(__file__).parents[2]
        )
        for name in ("X", "Y")
    ]
    assert [writer.wait() for writer in writers] == [0, 0]

    journal = journal_in(scratch)
    issues = [
        line.entry.issue_id for line in journal.read_new() if isinstance(line.entry, RetryAsked)
    ]

    assert journal.verify() == 100
    assert sorted(issues) == sorted(f"{name}-{n}" for name in "XY" for n in range(50))


def test_a_writer_hands_out_what_others_appended_before_its_own(scratch: Path) -> None:
    mine, theirs = journal_in(scratch), journal_in(scratch)
    mine.append(asked("A"))
    mine.read_new()
    theirs.append(asked("B"))
    mine.append(asked("C"))

    assert [line.seq for line in mine.read_new()] == [2, 3]


def test_a_full_disk_is_one_line_and_leaves_no_half_line(scratch: Path) -> None:
    script = f"""
import resource, signal, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from pipeline.errors import PipelineError
from tests.store.test_journal import asked, journal_in
journal = journal_in(Path({str(scratch)!r}))
journal.append(asked("A"))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400))
try:
    journal.append(asked("B"))
except PipelineError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert "cannot write" in done.stdout
    assert "File too large" in done.stdout
    assert journal_in(scratch).verify() == 1
    assert path_in(scratch).read_bytes().endswith(b"\n")


def test_several_entries_are_lines_of_their_own_in_one_chain(scratch: Path) -> None:
    journal = journal_in(scratch)
    journal.append(asked("A"))

    lines = journal.append_all([asked("B"), asked("C"), asked("D")])

    assert [line.seq for line in lines] == [2, 3, 4]
    assert journal.append_all([]) == []
    assert [line.entry.issue_id for line in journal_in(scratch).lines()] == list("ABCD")
    assert journal_in(scratch).verify() == 4
    assert [line.seq for line in journal.read_new()] == [1, 2, 3, 4]


def test_a_crash_in_the_middle_of_several_leaves_the_first_ones_whole(scratch: Path) -> None:
    journal_in(scratch).append_all([asked("A"), asked("B"), asked("C")])
    whole = path_in(scratch).read_bytes()
    second = whole.index(b"\n", whole.index(b"\n") + 1) + 1
    path_in(scratch).write_bytes(whole[: second + 20])

    again = journal_in(scratch)
    again.append(asked("D"))

    assert [line.entry.issue_id for line in again.lines()] == ["A", "B", "D"]
    assert again.verify() == 3


def test_the_newest_time_is_that_of_all_lines(scratch: Path) -> None:
    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    moments = [noon, noon + timedelta(hours=1), noon - timedelta(hours=1)]
    times = iter(moments)
    journal = Journal(make.places_in(scratch), clock=lambda: next(times))
    for name in "ABC":
        journal.append(asked(name))

    assert journal.newest_at == moments[1]
    again = journal_in(scratch)
    again.read_new()
    assert again.newest_at == moments[1]
