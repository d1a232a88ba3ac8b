"""How a command of the project is confined: what it sees, may write and use; it dies with us."""

from pipeline.sandbox.bubblewrap import OBJECTS_MOUNT, Bubblewrap
from pipeline.sandbox.finding import find_sandbox
from pipeline.sandbox.jail import (
    SYSTEM_BINS,
    Jail,
    Profile,
    environment,
    hidden,
)
from pipeline.sandbox.kind import Kind, Sandbox, SandboxFailed, Terms
from pipeline.sandbox.landlock import LACKS, Landlock
from pipeline.sandbox.limits import CommandLimits
from pipeline.sandbox.unconfined import Unconfined

__all__ = [
    "LACKS",
    "OBJECTS_MOUNT",
    "SYSTEM_BINS",
    "Bubblewrap",
    "CommandLimits",
    "Jail",
    "Kind",
    "Landlock",
    "Profile",
    "Sandbox",
    "SandboxFailed",
    "Terms",
    "Unconfined",
    "environment",
    "find_sandbox",
    "hidden",
]
