"""Who may decide about what.

    risk       needs at least
    LOW        user
    MEDIUM     reviewer
    HIGH       maintainer
    CRITICAL   admin

With no [roles] in the user's settings whoever is there is alone, and admin; with them, a name that
is not listed is a user.
"""

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.domain.plan import RiskLevel, Role

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


def current_approver(roles: Mapping[str, Role]) -> Approver:
    """Return the user this process runs as; the environment has no say."""
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    return Approver(name, uid, role_of(name, roles))


def role_of(name: str, roles: Mapping[str, Role]) -> Role:
    """Return the role of a user name; without any roles, admin."""
    return roles.get(name, Role.USER) if roles else Role.ADMIN


def may_decide(role: Role, risk: RiskLevel) -> bool:
    """Tell whether `role` is high enough for a plan of `risk`."""
    return role.rank >= NEEDED_ROLE[risk].rank
