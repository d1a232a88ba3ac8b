"""Wiring of what an agent is told before anything else: its head, and what of it is secret."""

from pipeline.agents.context import project_context
from pipeline.agents.messages import Head
from pipeline.agents.prompts import Prompts
from pipeline.agents.providers.capabilities import edit_tools_of
from pipeline.agents.roles import PLANNER, make_head
from pipeline.app.hiding import redaction_of
from pipeline.git import Repository
from pipeline.paths import Places
from pipeline.sandbox import Sandbox
from pipeline.settings import AgentRole, AgentSettings, Settings


def settings_of(role: str, settings: Settings) -> AgentSettings:
    """Return the settings of the agent of a role."""
    return settings.planner if role == PLANNER else settings.executor


def agent_role(role: str) -> AgentRole:
    """Return the role as settings name it."""
    return "planner" if role == PLANNER else "executor"


def head_of(
    role: str,
    *,
    repo: Repository,
    places: Places,
    settings: Settings,
    sandbox: Sandbox,
    base_commit: str,
) -> Head:
    """Return the head of a role's conversation in a run from `base_commit`, without secrets."""
    redact = redaction_of(settings.secrets)
    head = make_head(
        role,
        Prompts((places.user_prompts, places.prompts)),
        redact(project_context(repo, places, base_commit)),
        has_shell=sandbox.has_shell("plan" if role == PLANNER else "execute"),
        limits=settings.limits,
        edit_tools=edit_tools_of(settings_of(role, settings), agent_role(role)),
    )
    return Head(head.tools, redact(head.system), head.context)
