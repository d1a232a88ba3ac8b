"""One orchestrator at a time, and everybody can see whether it lives."""

import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.store.run_file import hold
from pipeline.store.run_info import alive, clock_time
from tests.store import builders as make

HOLDER = """
import sys
from pathlib import Path
from pipeline.store.run_file import hold
from tests.store.builders import places_in
with hold(places_in(Path(sys.argv[1])), "R1"):
    print("held", flush=True)
    sys.stdin.read()
"""


def start_holder(root: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_holder_is_seen_and_the_second_is_refused(scratch: Path) -> None:
    places = make.places_in(scratch)
    with start_holder(scratch) as other:
        info = alive(places)
        assert info is not None
        assert (info.pid, info.run_id) == (other.pid, "R1")
        with pytest.raises(PipelineError, match=f"process {other.pid} since 20"), hold(places):
            raise AssertionError("two orchestrators")
        other.kill()
        other.wait()
        assert alive(places) is None
        assert places.run_file.exists()
        with hold(places):
            assert alive(places) is not None


def test_who_has_just_taken_the_lock_is_given_a_moment_to_say_who_they_are(
    scratch: Path,
) -> None:
    """A killed run has left its file; the lock is held by a process that has written none yet."""
    places = make.places_in(scratch)
    with start_holder(scratch) as other:
        written = places.run_file.read_bytes()
        places.run_file.write_bytes(written.replace(b'"pid":', b'"pid":9999'))
        says = threading.Timer(0.1, places.run_file.write_bytes, [written])
        says.start()
        with pytest.raises(PipelineError, match=f"process {other.pid} since 20"), hold(places):
            raise AssertionError("two orchestrators")
        says.join()
        other.kill()


def test_the_file_goes_when_the_work_ends_and_names_the_run_meanwhile(scratch: Path) -> None:
    places = make.places_in(scratch)
    with hold(places) as held:
        held.work_on("R2")
        info = alive(places)
        assert info is not None
        assert (info.pid, info.run_id) == (os.getpid(), "R2")

    assert alive(places) is None
    assert not places.run_file.exists()


def test_it_says_until_when_the_process_waits(scratch: Path) -> None:
    places = make.places_in(scratch)
    with hold(places, "R1") as held:
        held.wait_until("2026-11-21T06:00:00.000Z")
        info = alive(places)
        assert info is not None
        assert (info.waits_until, info.run_id) == ("2026-11-21T06:00:00.000Z", "R1")
        held.wait_until(None)
        info = alive(places)
        assert info is not None
        assert info.waits_until is None


def test_a_moment_of_another_day_is_shown_with_its_date() -> None:
    today = datetime.now().astimezone().replace(hour=6, minute=30)
    assert clock_time(today) == "06:30"
    assert clock_time(today - timedelta(days=2)).endswith(" 06:30")
    assert clock_time(today - timedelta(days=2)).startswith("20")


@pytest.mark.parametrize("content", ["", "{", '{"pid": 1}', '{"pid": 1, "process_start": 0}'])
def test_a_broken_run_file_means_that_nobody_works(scratch: Path, content: str) -> None:
    places = make.places_in(scratch)
    places.workflow.mkdir()
    places.run_file.write_text(content)

    assert alive(places) is None


def test_another_process_with_the_same_pid_is_not_the_run(scratch: Path) -> None:
    places = make.places_in(scratch)
    with hold(places):
        info = alive(places)
        assert info is not None
        later = replace(info, process_start=info.process_start - 1)
        places.run_file.write_text(json.dumps(asdict(later)))

        assert alive(places) is None
