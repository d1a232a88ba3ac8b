import os
import pwd

import pytest

from pipeline.domain.plan import RiskLevel, Role
from pipeline.safety.policy import (
    NEEDED_ROLE,
    current_approver,
    may_decide,
    role_of,
)


def test_every_risk_needs_a_role_and_more_risk_never_a_lower_one():
    assert set(NEEDED_ROLE) == set(RiskLevel)
    ranks = [NEEDED_ROLE[level].rank for level in RiskLevel]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize("risk", list(RiskLevel))
def test_whoever_is_alone_decides_about_everything(risk):
    assert may_decide(role_of("ann", {}), risk)


def test_with_roles_a_stranger_is_a_user():
    roles = {"ann": Role.MAINTAINER}
    assert role_of("ann", roles) is Role.MAINTAINER
    assert role_of("bob", roles) is Role.USER
    assert may_decide(Role.USER, RiskLevel.LOW)
    assert not may_decide(Role.USER, RiskLevel.MEDIUM)
    assert not may_decide(Role.MAINTAINER, RiskLevel.CRITICAL)


def test_the_approver_is_who_the_operating_system_says():
    os.environ.update(USER="mallory", LOGNAME="mallory")
    me = current_approver({})
    assert (me.name, me.uid) == (pwd.getpwuid(os.getuid()).pw_name, os.getuid())
    assert me.role is Role.ADMIN
