"""Who may decide about what.

    risk       needs at least            privilege              needs at least
    LOW        user                      network                maintainer; granted to nobody yet
    MEDIUM     reviewer                  install                maintainer
    HIGH       maintainer                shell_exec             maintainer
    CRITICAL   admin                     git_destructive        admin
                                         file_write_external    admin

The highest one counts. `policy.required` in the user's settings changes the left side. With no
[roles] there whoever is there is alone, and admin; with them, a name that is not listed is a user.
Whoever may decide here at all may turn a plan down, send it back or set it aside: that can only
make less happen.
"""

import os
import pwd
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.domain.plan import RiskLevel, Role
from pipeline.domain.solution import Privilege
from pipeline.errors import PipelineError
from pipeline.plans.privileges import TERMS

NEEDED_ROLE: dict[RiskLevel, Role] = {
    RiskLevel.LOW: Role.USER,
    RiskLevel.MEDIUM: Role.REVIEWER,
    RiskLevel.HIGH: Role.MAINTAINER,
    RiskLevel.CRITICAL: Role.ADMIN,
}
"""The lowest role that may approve a plan of a risk (seed 000's hierarchy, seed 002's levels)."""


@dataclass(frozen=True)
class Approver:
    """A person who decides, as the operating system names them."""

    name: str
    uid: int
    role: Role


@dataclass(frozen=True)
class Need:
    """The lowest role that may approve a plan, and what it is that needs it."""

    role: Role
    because: str
    """`is HIGH`, `asks for install`."""


def current_approver(roles: Mapping[str, Role]) -> Approver:
    """Return the user this process runs as; the environment has no say."""
    uid = os.getuid()
    name = _name_of(uid)
    return Approver(name, uid, role_of(name, roles))


def role_of(name: str, roles: Mapping[str, Role]) -> Role:
    """Return the role of a user name; without any roles, admin."""
    return roles.get(name, Role.USER) if roles else Role.ADMIN


def needed_role(
    risk: RiskLevel,
    privileges: Sequence[Privilege] = (),
    required: Mapping[RiskLevel, Role] | None = None,
) -> Need:
    """Return what a plan of this risk that asks for these privileges needs: the highest counts.

    `required`: the roles that the user's settings give to risks instead of the default ones.
    """
    return max(_needs(risk, privileges, required or {}), key=lambda need: need.role.rank)


def _needs(
    risk: RiskLevel, privileges: Sequence[Privilege], required: Mapping[RiskLevel, Role]
) -> Iterator[Need]:
    yield Need((NEEDED_ROLE | dict(required))[risk], f"is {risk}")
    for asked in privileges:
        yield Need(TERMS[asked.operation].role, f"asks for {asked.name}")


def ungrantable(privileges: Sequence[Privilege]) -> str | None:
    """Return why nobody can grant one of these privileges, or None."""
    for asked in privileges:
        if refused := TERMS[asked.operation].refused:
            return f"{asked.operation} {refused}"
    return None


def require_owner(state_folder: Path) -> None:
    """Raise `PipelineError` unless the user this process runs as owns the folder of decisions.

    One that is not there yet belongs to whoever makes it.
    """
    try:
        owner = state_folder.stat().st_uid
    except FileNotFoundError:
        return
    if owner != os.getuid():
        raise PipelineError(
            f"{str(state_folder)!r} belongs to {_name_of(owner)!r}: only they decide there, and "
            f"you are {_name_of(os.getuid())!r}; XDG_STATE_HOME names a folder of your own"
        )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
