"""What can go wrong, as types: who can mend it decides what happens to it.

    PipelineError                 the operator can mend it: one line, exit 1
    |-- UsageProblem              the command was typed wrongly: exit 2
    |-- BudgetSpent               a cap of the run's purse is reached: exit 5
    |-- IssueBudgetSpent          a plan's own budget is used up: that issue parks, the run goes on
    |-- QuotaPause                a vendor's quota, past the consented wait: exit 75
    |-- Stopped                   SIGINT or SIGTERM asked us to stop: exit 130
    |   `-- StopAsked             `pipeline stop`: what was under way is finished
    |-- DiskProblem               nothing can be kept any more: the run ends where it is
    |-- SandboxMissing            no way to confine a command
    |-- TurnTimedOut              the deadline of the turn has passed
    `-- ProviderError             a vendor's answer that is no answer
        |-- AuthProblem           key missing, wrong, or without permission
        |-- QuotaReached          429; a state, not a failure
        |   `-- SpendLimit        the account's own money limit; a quota that no waiting resets
        |-- Overloaded            529 or 5xx; retried
        |-- NetworkProblem        connection lost, silence, TLS, name resolution; retried
        |-- ContextOverflow       the turn no longer fits the model's window
        `-- BadRequest            we sent something the vendor refuses; a bug or a wrong setting

A message is one line: what is wrong (the thing in `!r`), where, and what to do.
"""

import errno
from datetime import datetime

OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE})
"""What no other path and no agent's next try can mend."""
MENDABLE = {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EISDIR),
    *(errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EMFILE, errno.ENFILE, errno.EIO),
}
"""What the system says about a disk, a permission or a path that only a person can mend."""


class PipelineError(Exception):
    """An error that a person can mend; its text is the whole line they see."""

    exit_code = 1


class UsageProblem(PipelineError):
    """Raised when the words of a command do not fit together."""

    exit_code = 2


class BudgetSpent(PipelineError):
    """Raised before a call that the purse cannot pay for."""

    exit_code = 5


class IssueBudgetSpent(PipelineError):
    """Raised before a call that the current issue's budget cannot pay for."""


class QuotaPause(PipelineError):
    """Raised when a quota outlasts the consented wait; the run can be resumed."""

    exit_code = 75


class Stopped(PipelineError):
    """Raised when a signal or `interrupt()` asked the work to stop."""

    exit_code = 130


class StopAsked(Stopped):
    """Raised between two steps when a person asked for the end; nothing is interrupted by it."""


class DiskProblem(PipelineError):
    """Raised when the disk refuses what has to be kept, or has no room left for it.

    Whoever catches it records nothing: what is open is settled by the next run.
    """


class SandboxMissing(PipelineError):
    """Raised when no sandbox works here and none was not asked for."""


class ProviderError(PipelineError):
    """Raised at the provider seam; the vendor's own error is its `__cause__`."""

    retry_after_s: float | None = None
    """How long the vendor asks us to wait before the next attempt, when it says so."""
    should_retry: bool | None = None
    """What the vendor says of another attempt (`x-should-retry`), when it says so."""
    may_be_billed: bool = False
    """Whether an answer had begun, so that the vendor may take money for it."""


class AuthProblem(ProviderError):
    """Raised when a key is missing, wrong, or lacks a permission."""


class QuotaReached(ProviderError):
    """Raised when a vendor says that the account's quota is used up for now."""

    def __init__(self, message: str, reset_at: datetime | None) -> None:
        super().__init__(message)
        self.reset_at = reset_at
        """When the vendor says it goes on (UTC), or None when it does not say."""


class SpendLimit(QuotaReached):
    """Raised when the account's own money limit is reached; waiting does not help."""

    def __init__(self, message: str) -> None:
        super().__init__(message, None)


class Overloaded(ProviderError):
    """Raised when the vendor is overloaded or broken for the moment."""


class NetworkProblem(ProviderError):
    """Raised when the connection failed before the answer was complete."""

    may_be_billed = True


class ContextOverflow(ProviderError):
    """Raised when a request no longer fits into the model's window."""


class BadRequest(ProviderError):
    """Raised when the vendor refuses the form of our request."""


class TurnTimedOut(PipelineError):
    """Raised when a turn's deadline has passed."""


def cannot_write(path: object, error: OSError) -> DiskProblem:
    """Return the line for a person whose disk is full, read-only or broken."""
    reason = error.strerror or type(error).__name__
    return DiskProblem(f"cannot write '{path}': {reason}; mend that and run again")


def cannot_use(error: OSError) -> PipelineError | None:
    """Return the line for a person whose file or disk refuses us; None when it is no such error."""
    if error.errno == errno.ENOENT and error.filename is None:
        return PipelineError("the current folder is not there any more: go to another one")
    if error.errno not in MENDABLE:
        return None
    what = f"cannot use {str(error.filename)!r}" if error.filename else "cannot read or write"
    return PipelineError(f"{what}: {error.strerror}; mend that and run again")
