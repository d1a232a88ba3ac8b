"""Which sandbox a run uses: the one that settings name, tried once."""

import shutil
from collections.abc import Callable

from pipeline import proc
from pipeline.errors import SandboxMissing
from pipeline.sandbox.bubblewrap import CORE, Bubblewrap
from pipeline.sandbox.groups import find_groups
from pipeline.sandbox.kind import Kind, Sandbox, Terms
from pipeline.sandbox.unconfined import Unconfined


def find_sandbox(wanted: Kind, terms: Terms | None = None) -> Sandbox:
    """Return the sandbox that settings name; raise `SandboxMissing` when it does not work here."""
    return FINDERS[wanted](terms or Terms())


def _bubblewrap(terms: Terms) -> Sandbox:
    program = shutil.which("bwrap")
    if program is None:
        raise SandboxMissing(
            "bubblewrap is not installed: sudo apt-get install bubblewrap, "
            "or run with --sandbox none"
        )
    done = proc.run([program, *CORE, "true"], env={}, timeout_s=20)
    if not done.ok:
        reason = done.errors.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
        raise SandboxMissing(
            f"bubblewrap does not work here ({reason[0]}); "
            "allow user namespaces for it, or run with --sandbox none"
        )
    sized = [program, *CORE, "--size", "65536", "--tmpfs", "/tmp", "true"]
    sizes = proc.run(sized, env={}, timeout_s=20).ok
    return Bubblewrap(program, terms, find_groups(), sizes=sizes)


def _unconfined(terms: Terms) -> Sandbox:
    return Unconfined()


FINDERS: dict[Kind, Callable[[Terms], Sandbox]] = {
    "bwrap": _bubblewrap,
    "none": _unconfined,
}
