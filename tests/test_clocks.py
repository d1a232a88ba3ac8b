"""What sleeps, pauses and a clock that is set do to durations."""

import time

from pipeline.clocks import LONGEST_STEP_S, Awake, elapsed


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_time_in_which_somebody_looks_counts_in_full() -> None:
    hand = Hand()
    awake = Awake(hand)
    began = awake()
    for _ in range(100):
        hand.seconds += LONGEST_STEP_S
        awake()
    assert awake() - began == 100 * LONGEST_STEP_S


def test_a_pause_counts_as_one_step() -> None:
    hand = Hand()
    awake = Awake(hand)
    began = awake()
    hand.seconds += 8 * 3600
    assert awake() - began == LONGEST_STEP_S
    hand.seconds += 1
    assert awake() - began == LONGEST_STEP_S + 1


def test_it_never_goes_back() -> None:
    awake = Awake()
    looks = [awake() for _ in range(100)]
    assert looks == sorted(looks)


def test_elapsed_counts_what_the_machine_slept() -> None:
    assert elapsed() >= time.monotonic() - 1
