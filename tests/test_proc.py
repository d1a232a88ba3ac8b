"""Processes end in time, as a group, and what they printed is kept."""

import os
import resource
import select
import sys
import time

import pytest

from pipeline import proc
from pipeline.clocks import Awake
from pipeline.errors import DiskProblem


def test_output_errors_and_exit_code_are_told_apart() -> None:
    done = proc.run(["sh", "-c", "echo out; echo err >&2; exit 7"])
    assert (done.exit_code, done.output, done.errors) == (7, b"out\n", b"err\n")
    assert not done.ok


def test_both_streams_can_be_one() -> None:
    done = proc.run(["sh", "-c", "echo a; echo b >&2; echo c"], merge_errors=True)
    assert done.output == b"a\nb\nc\n"


def test_a_signal_becomes_128_plus_its_number() -> None:
    assert proc.run(["sh", "-c", "kill -TERM $$"]).exit_code == 143


def test_large_input_and_output_pass_through_at_once() -> None:
    text = b"x" * 3_000_000
    assert proc.run(["cat"], stdin=text).output == text


def test_a_program_that_does_not_read_its_input_is_no_error() -> None:
    assert proc.run(["true"], stdin=b"x" * 1_000_000).ok


def test_without_input_standard_input_is_empty() -> None:
    assert proc.run(["cat"]).output == b""


def test_the_deadline_ends_it_and_keeps_what_was_printed() -> None:
    started = time.monotonic()
    done = proc.run(["sh", "-c", "echo early; exec sleep 30"], timeout_s=0.3)
    assert done.timed_out
    assert done.output == b"early\n"
    assert time.monotonic() - started < 1.0


def test_grandchildren_that_hold_the_pipes_do_not_hold_us() -> None:
    started = time.monotonic()
    done = proc.run(["sh", "-c", "setsid sleep 30 & sleep 30"], timeout_s=0.3)
    assert done.timed_out
    assert time.monotonic() - started < 1.2


def test_a_background_child_does_not_hang_the_reader() -> None:
    started = time.monotonic()
    done = proc.run(["sh", "-c", "sleep 30 & echo done"], timeout_s=20)
    assert (done.output, done.exit_code, done.timed_out) == (b"done\n", 0, False)
    assert time.monotonic() - started < 2


def test_the_group_is_gone_when_run_returns() -> None:
    pid = int(proc.run(["sh", "-c", "sleep 30 & echo $!"]).output)
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended, _, _ = select.select([descriptor], [], [], 5)
    os.close(descriptor)
    assert ended, "the child still runs"


def test_a_program_that_closes_its_pipes_is_still_waited_for() -> None:
    done = proc.run(["sh", "-c", "exec >&- 2>&-; sleep 0.2; exit 5"], timeout_s=10)
    assert done.exit_code == 5


def test_the_stop_flag_ends_it() -> None:
    done = proc.run(["sleep", "30"], stop=lambda: True)
    assert done.stopped
    assert not done.timed_out
    assert done.duration_s < 1.0


def test_too_much_output_keeps_head_and_tail() -> None:
    script = "print('A' * 5000); print('B' * 5000)"
    done = proc.run([sys.executable, "-c", script], max_output=1000)
    assert done.truncated
    assert done.output.startswith(b"A" * 500)
    assert done.output.endswith(b"B" * 400 + b"\n")
    assert b"bytes left out" in done.output


def test_a_missing_program_is_one_line() -> None:
    with pytest.raises(proc.CannotStart, match=r"cannot start 'no-such-program'.*installed"):
        proc.run(["no-such-program"])


def test_the_environment_is_exactly_what_is_given() -> None:
    assert proc.run(["env"], env={"PATH": "/usr/bin:/bin", "A": "1"}).output.splitlines() == [
        b"PATH=/usr/bin:/bin",
        b"A=1",
    ]


def test_descriptors_that_are_used_up_are_named_and_not_a_missing_program() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open("/", os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 1, before[1]))
    try:
        with pytest.raises(DiskProblem, match=r"cannot start 'true': Too many open files; close"):
            proc.run(["true"])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_after_a_pause_of_ours_a_command_is_not_too_late() -> None:
    """The clock jumps as it does when this process was stopped while its command went on."""
    jumped: list[float] = []

    def clock() -> float:
        return time.monotonic() + sum(jumped)

    def stop() -> bool:
        jumped[:] = [100.0]
        return False

    words = ["sh", "-c", "sleep 0.2; echo done"]
    done = proc.run(words, timeout_s=60, stop=stop, clock=Awake(clock))

    assert jumped
    assert (done.exit_code, done.timed_out, done.output) == (0, False, b"done\n")
