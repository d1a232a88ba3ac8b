"""Which sandbox a run uses: the one that settings name, tried once."""

import platform
import shutil
from collections.abc import Callable

from pipeline import proc
from pipeline.errors import SandboxMissing
from pipeline.sandbox import seccomp
from pipeline.sandbox.bubblewrap import CORE, Bubblewrap
from pipeline.sandbox.groups import find_groups
from pipeline.sandbox.kind import Kind, Sandbox, Terms
from pipeline.sandbox.landlock import OLDEST_ABI, Landlock, abi
from pipeline.sandbox.unconfined import Unconfined

WEAKER = "--sandbox landlock (weaker, see docs/safety.md), or --sandbox none"


def find_sandbox(wanted: Kind, terms: Terms | None = None) -> Sandbox:
    """Return the sandbox that settings name; raise `SandboxMissing` when it does not work here."""
    return FINDERS[wanted](terms or Terms())


def _bubblewrap(terms: Terms) -> Sandbox:
    program = shutil.which("bwrap", path=proc.search_path())
    if program is None:
        raise SandboxMissing(
            f"bubblewrap is not installed: sudo apt-get install bubblewrap, or run with {WEAKER}"
        )
    sized = [program, *CORE, "--size", "65536", "--tmpfs", "/tmp", "true"]
    sizes = proc.run(sized, env={}, timeout_s=20).ok
    if not sizes and not (done := proc.run([program, *CORE, "true"], env={}, timeout_s=20)).ok:
        reason = done.errors.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
        raise SandboxMissing(
            f"bubblewrap does not work here ({reason[0]}); "
            f"allow user namespaces for it, or run with {WEAKER}"
        )
    return Bubblewrap(program, terms, find_groups(terms.limits), sizes=sizes)


def _unconfined(terms: Terms) -> Sandbox:
    return Unconfined()


def _landlock(terms: Terms) -> Sandbox:
    if abi() < OLDEST_ABI:
        raise SandboxMissing(
            f"Landlock does not work here (its version is {abi()}, {OLDEST_ABI} is needed: Linux "
            "6.12): install bubblewrap, or run with --sandbox none"
        )
    if seccomp.program(seccomp.RULES, platform.machine()) is None:
        raise SandboxMissing(
            f"there is no filter of system calls for {platform.machine()}, and Landlock needs one: "
            "install bubblewrap, or run with --sandbox none"
        )
    return Landlock(terms, find_groups(terms.limits))


FINDERS: dict[Kind, Callable[[Terms], Sandbox]] = {
    "bwrap": _bubblewrap,
    "landlock": _landlock,
    "none": _unconfined,
}
