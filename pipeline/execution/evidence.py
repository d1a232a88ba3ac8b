"""What the pipeline saw of commands: which of it is blamed on the change, and how that is said."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pipeline.domain.results import CommandEvidence, Verification
from pipeline.execution.junit import MOST_NAMES

Excuse = Literal["flaky", "failed before", "ran again"]
"""`ran again`: the next run of the same command on the same tree decides."""
FIRST_OF_SIGNALS = 128
"""A shell's exit code for a program that a signal ended is this much more than the signal."""


@dataclass(frozen=True)
class Ran:
    """One command that the pipeline ran."""

    evidence: CommandEvidence
    tail: str
    """The end of its output."""
    excuse: Excuse | None = None
    """Why its failure is not blamed on the change."""

    @property
    def passed(self) -> bool:
        """Tell whether the command ended by itself with exit code 0."""
        return self.evidence.passed

    @property
    def blamed(self) -> bool:
        """Tell whether it failed and the change has to answer for it."""
        return not self.passed and self.excuse is None

    @property
    def was_cut_off(self) -> bool:
        """Tell whether it was ended from outside: its tests were not all run, or not all named."""
        code = self.evidence.exit_code
        return self.evidence.timed_out or code is None or not 0 <= code < FIRST_OF_SIGNALS

    @property
    def failed_tests(self) -> frozenset[str]:
        """Return what failed: the names of its tests, or the command where not all are named."""
        if self.passed:
            return frozenset()
        names = self.evidence.tests.failed if self.evidence.tests else ()
        is_complete = 0 < len(names) < MOST_NAMES
        return frozenset(names if is_complete else (self.evidence.command,))

    def excused(self, excuse: Excuse) -> "Ran":
        """Return the same with an excuse."""
        return replace(self, excuse=excuse)


def last_of_each(ran: Sequence[Ran]) -> dict[str, Ran]:
    """Return command -> its last run, which decides."""
    return {one.evidence.command: one for one in ran}


def is_accepted(ran: Sequence[Ran]) -> bool:
    """Tell whether every acceptance command passed; without any, that is so."""
    last = last_of_each(ran).values()
    return all(one.passed for one in last if one.evidence.stage == "acceptance")


def is_good(verification: Verification, ran: Sequence[Ran], suite: Sequence[str]) -> bool:
    """Tell whether what was verified may land: accepted, and no test fails that did not before."""
    return is_accepted(ran) and (verification.no_regressions or not suite)


def failures_in_short(ran: Sequence[Ran]) -> str:
    """Return what is blamed on one line, for records: `suite: make test exits 2`."""
    failed = [one.evidence for one in ran if one.blamed]
    return "; ".join(
        f"{one.stage}: {one.command} {'did not end' if one.timed_out else f'exits {one.exit_code}'}"
        for one in failed
    )


def failures_in_words(ran: Sequence[Ran]) -> str:
    """Return, for the agent, what is blamed and how its output ended; empty when nothing is."""
    words = [_in_words(one) for one in ran if one.blamed]
    excused = {
        name: one.excuse
        for one in ran
        if one.excuse in ("flaky", "failed before")
        for name in one.failed_tests
    }
    if words and excused:
        names = ", ".join(f"{name} ({excuse})" for name, excuse in sorted(excused.items()))
        words.append(f"Not held against you: {names}")
    return "\n\n".join(words)


def _in_words(one: Ran) -> str:
    seen = one.evidence
    ending = "did not end" if seen.timed_out else f"exited {seen.exit_code}"
    where = f"{seen.stage} of {seen.task_id}" if seen.task_id else seen.stage
    tests = f"\nFailed: {', '.join(seen.tests.failed)}" if seen.tests and seen.tests.failed else ""
    head = f"{where}: `{seen.command}` {ending} after {seen.duration_s:.1f} s{tests}"
    return f"{head}\n{one.tail.strip()}"
