"""What every sandbox can do; which kinds there are."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from pipeline import proc
from pipeline.errors import PipelineError
from pipeline.sandbox.jail import Jail, Profile
from pipeline.sandbox.limits import CommandLimits

Kind = Literal["bwrap", "landlock", "none"]
MAX_OUTPUT = 10 * 2**20


class SandboxFailed(PipelineError):
    """Raised when the sandbox itself could not start; says nothing about the command."""


def require_started(done: proc.Finished, complaints: tuple[bytes, ...]) -> None:
    """Raise `SandboxFailed` where the second stream begins as what starts the command complains."""
    if done.exit_code != 0 and done.errors.startswith(complaints):
        reason = done.errors.decode("utf-8", "replace").strip().splitlines()[0]
        raise SandboxFailed(f"the sandbox did not start: {reason}; see `pipeline doctor`")


@dataclass(frozen=True)
class Terms:
    """What the user's own settings say of every command."""

    limits: CommandLimits = field(default_factory=CommandLimits)
    read: tuple[Path, ...] = ()
    """Further places that commands may read."""
    write: tuple[Path, ...] = ()
    """Further places that commands may write; the planner and the verification only read them."""


class Sandbox(Protocol):
    """Runs commands for agents and for verification."""

    @property
    def name(self) -> Kind:
        """Return the name that settings and records use."""

    @property
    def lacks(self) -> tuple[str, ...]:
        """Return what this sandbox does not give here, each in a few words for a person."""

    def objects_path(self, objects: Path) -> Path:
        """Return the path under which commands see the object store."""

    def has_shell(self, profile: Profile) -> bool:
        """Tell whether commands may be run at all under `profile`."""

    def run(
        self,
        script: str,
        jail: Jail,
        profile: Profile,
        *,
        timeout_s: float,
        stop: Callable[[], bool] = proc.never,
    ) -> proc.Finished:
        """Run `bash -c script` in the checkout; both streams are in `output`.

        Raises `SandboxFailed` when the command could not be started for reasons of ours.
        """
