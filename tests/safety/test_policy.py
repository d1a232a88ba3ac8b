import os
import pwd
from itertools import product

import pytest

from pipeline.domain.plan import PlanRisk, PlanState, RiskLevel, Role
from pipeline.domain.solution import Operation, Privilege
from pipeline.errors import PipelineError
from pipeline.paths import Places, UserPlaces
from pipeline.plans.privileges import TERMS
from pipeline.safety.gate import Cleared, Gate, Returned
from pipeline.safety.policy import (
    NEEDED_ROLE,
    Approver,
    current_approver,
    needed_role,
    require_owner,
    role_of,
)
from pipeline.settings import PolicySettings, Settings
from tests.plans.nouns import change, solution, task
from tests.safety.world import World, not_mine


@pytest.fixture
def world(scratch):
    return World(scratch)


def asks_for(world, *operations, risk=RiskLevel.LOW):
    """Record a pending plan that asks for `operations`."""
    asked = [Privilege(operation=one, reason="it has to") for one in operations]
    names = tuple(one.name for one in asked)
    world.plan(1, change("new.py", "create"), risk=PlanRisk(level=risk), grants=names)
    planned = world.current(1)
    made = solution(1, task(1, change("new.py", "create")), privileges=asked)
    return planned.model_copy(update={"solution": made})


def test_every_risk_needs_a_role_and_more_risk_never_a_lower_one():
    assert set(NEEDED_ROLE) == set(RiskLevel)
    ranks = [NEEDED_ROLE[level].rank for level in RiskLevel]
    assert ranks == sorted(ranks)


# the matrix: who may approve what, through the gate


MAY_APPROVE = {
    RiskLevel.LOW: {Role.USER, Role.REVIEWER, Role.MAINTAINER, Role.ADMIN},
    RiskLevel.MEDIUM: {Role.REVIEWER, Role.MAINTAINER, Role.ADMIN},
    RiskLevel.HIGH: {Role.MAINTAINER, Role.ADMIN},
    RiskLevel.CRITICAL: {Role.ADMIN},
}
MAY_GRANT = {
    Operation.NETWORK: set(),
    Operation.INSTALL: {Role.MAINTAINER, Role.ADMIN},
    Operation.SHELL_EXEC: {Role.MAINTAINER, Role.ADMIN},
    Operation.GIT_DESTRUCTIVE: {Role.ADMIN},
    Operation.FILE_WRITE_EXTERNAL: {Role.ADMIN},
}


@pytest.mark.parametrize(("role", "risk"), list(product(Role, RiskLevel)))
def test_a_role_approves_up_to_its_risk(world, role, risk):
    pending = asks_for(world, risk=risk)
    approver = Approver("ann", 1000, role)
    if role in MAY_APPROVE[risk]:
        assert world.gate.sign(pending, after=(), approver=approver).role is role
    else:
        with pytest.raises(PipelineError, match=f"is {risk}: an? .* has to approve it"):
            world.gate.sign(pending, after=(), approver=approver)


@pytest.mark.parametrize(("role", "operation"), list(product(Role, Operation)))
def test_a_role_grants_what_the_matrix_lets_it(world, role, operation):
    pending = asks_for(world, operation)
    approver = Approver("ann", 1000, role)
    if role in MAY_GRANT[operation]:
        assert world.gate.sign(pending, after=(), approver=approver).role is role
    else:
        with pytest.raises(PipelineError, match=f"SOL-ISS-1-1 asks for .*{operation}"):
            world.gate.sign(pending, after=(), approver=approver)


def test_nobody_can_grant_the_network_and_is_told_why(world):
    with pytest.raises(PipelineError) as caught:
        world.gate.sign(asks_for(world, Operation.NETWORK), after=(), approver=world.approver)
    assert str(caught.value) == (
        "SOL-ISS-1-1 asks for what nobody can grant: network cannot be granted: there is no "
        "filtering proxy, so a command would reach every address; plan without the network, or "
        "ask a person for what has to be downloaded"
    )


def test_the_highest_need_counts():
    asked = [Privilege(operation=Operation.INSTALL), Privilege(operation=Operation.SHELL_EXEC)]
    assert needed_role(RiskLevel.LOW, asked).role is Role.MAINTAINER
    assert needed_role(RiskLevel.LOW, asked).because == "asks for install"
    assert needed_role(RiskLevel.CRITICAL, asked).role is Role.ADMIN
    assert needed_role(RiskLevel.CRITICAL, asked).because == "is CRITICAL"


def test_the_settings_can_ask_for_another_role():
    required = {RiskLevel.LOW: Role.ADMIN, RiskLevel.HIGH: Role.USER}
    assert needed_role(RiskLevel.LOW, (), required).role is Role.ADMIN
    assert needed_role(RiskLevel.MEDIUM, (), required).role is Role.REVIEWER
    assert needed_role(RiskLevel.HIGH, (), required).role is Role.USER
    installs = [Privilege(operation=Operation.INSTALL)]
    assert needed_role(RiskLevel.HIGH, installs, required).role is TERMS[Operation.INSTALL].role


def test_a_plan_is_granted_exactly_what_it_asks_for(world):
    pending = asks_for(world, Operation.INSTALL)
    more = pending.plan.model_copy(update={"grants": ("install", "shell_exec")})
    with pytest.raises(PipelineError, match="other privileges than it asks for"):
        world.gate.sign(
            pending.model_copy(update={"plan": more}), after=(), approver=world.approver
        )


# an approval that was given, when roles change


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (
            Settings(policy=PolicySettings(required={RiskLevel.LOW: Role.ADMIN})),
            "it is LOW and needs an admin; a maintainer approved it",
        ),
        (
            Settings(roles={"ann": Role.USER}),
            "it asks for install and needs a maintainer; 'ann', who approved it, is user now",
        ),
        (
            Settings(roles={"bob": Role.ADMIN}),
            "it asks for install and needs a maintainer; 'ann', who approved it, is user now",
        ),
    ],
)
def test_an_approval_counts_by_the_roles_as_they_are_now(world, settings, reason):
    pending = asks_for(world, Operation.INSTALL)
    approver = Approver("ann", 1000, Role.MAINTAINER)
    given = world.gate.sign(pending, after=(), approver=approver)
    plan = pending.plan.model_copy(update={"state": PlanState.APPROVED, "approval": given})
    approved = pending.model_copy(update={"plan": plan})
    assert isinstance(world.gate.check(approved, world.book.state, world.tip), Cleared)
    other = world.gate_with(settings)
    assert other.check(approved, world.book.state, world.tip) == Returned(reason)


def test_with_roles_a_stranger_is_a_user_and_without_everybody_is_alone():
    roles = {"ann": Role.MAINTAINER}
    assert role_of("ann", roles) is Role.MAINTAINER
    assert role_of("bob", roles) is Role.USER
    assert role_of("bob", {}) is Role.ADMIN


# who decides where


def test_the_approver_is_who_the_operating_system_says():
    os.environ.update(USER="mallory", LOGNAME="mallory")
    me = current_approver({})
    assert (me.name, me.uid) == (pwd.getpwuid(os.getuid()).pw_name, os.getuid())
    assert me.role is Role.ADMIN


def test_a_folder_that_is_not_there_belongs_to_who_makes_it(tmp_path):
    require_owner(tmp_path / "state")
    require_owner(tmp_path)


def test_only_the_owner_of_the_state_folder_signs_there(world):
    pending = asks_for(world)
    state = not_mine(world.root.parent / "theirs")
    places = Places(world.root, UserPlaces(state, state, state), world.repo.git_dir)
    gate = Gate(world.repo, places, world.settings, lambda: world.now)
    with pytest.raises(PipelineError) as caught:
        gate.sign(pending, after=(), approver=world.approver)
    me, owner = (pwd.getpwuid(uid).pw_name for uid in (os.getuid(), state.stat().st_uid))
    assert str(caught.value) == (
        f"'{state}' belongs to {owner!r}: only they decide there, and you are {me!r}; "
        "XDG_STATE_HOME names a folder of your own"
    )
