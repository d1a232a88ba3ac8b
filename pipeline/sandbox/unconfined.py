"""No sandbox, because the user said so."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline import proc
from pipeline.errors import SandboxMissing
from pipeline.sandbox.jail import WRITABLE, Jail, Profile, environment
from pipeline.sandbox.kind import MAX_OUTPUT

MARK = "PIPELINE_COMMAND"
"""The variable by which a command's processes are known where no namespace holds them."""


@dataclass(frozen=True)
class Unconfined:
    """Runs commands without a sandbox, because the user said `sandbox = "none"`."""

    name: Literal["none"] = "none"
    lacks: tuple[str, ...] = ("everything: commands run as you do",)

    def objects_path(self, objects: Path) -> Path:
        """Return the object store itself."""
        return objects

    def has_shell(self, profile: Profile) -> bool:
        """Return False where the workspace is to stay as it is: nothing would keep it so."""
        return "workspace" in WRITABLE[profile]

    def run(
        self,
        script: str,
        jail: Jail,
        profile: Profile,
        *,
        timeout_s: float,
        stop: Callable[[], bool] = proc.never,
    ) -> proc.Finished:
        """Run a script in the workspace itself, with the same small environment.

        What it leaves running is looked for by a mark in its environment, and killed.
        """
        if not self.has_shell(profile):
            raise SandboxMissing("without a sandbox the planner has no shell: install bubblewrap")
        mark = secrets.token_hex(8)
        try:
            return proc.run(
                ["bash", "-c", script],
                cwd=jail.workspace,
                env=environment(jail) | {MARK: mark},
                timeout_s=timeout_s,
                stop=stop,
                merge_errors=True,
                max_output=MAX_OUTPUT,
            )
        finally:
            proc.end_marked(f"{MARK}={mark}")
