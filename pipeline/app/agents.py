"""Wiring of `pipeline agents`: what each agent would be sent now, and what its last run used."""

from dataclasses import dataclass, field

from pipeline.agents.conversation import head_fields, head_sha256, size
from pipeline.agents.limits import tokens
from pipeline.agents.messages import Head
from pipeline.agents.notes import read_notes
from pipeline.agents.roles import EXECUTOR, PLANNER
from pipeline.app.books import read_state
from pipeline.app.heads import head_of
from pipeline.app.hiding import redaction_of
from pipeline.app.project import Project
from pipeline.domain.base import iso
from pipeline.domain.results import Usage
from pipeline.git import head_commit
from pipeline.sandbox import find_sandbox
from pipeline.store.entries import AgentSpawned, CallSettled, RunOpened, TurnSettled
from pipeline.store.journal import Journal

ROLES = (PLANNER, EXECUTOR)
COUNTED = frozenset({"run_opened", "agent_spawned", "turn_settled", "call_settled"})


@dataclass(frozen=True)
class Next:
    """What the next request of an agent begins with."""

    role: str
    head: Head
    notes: str
    memory: str
    ledger: tuple[str, ...]
    proposals: dict[str, str]
    """Convention that it would keep -> the issue it comes from; no model is sent one."""

    @property
    def tokens(self) -> dict[str, int]:
        """Return about how many tokens each part has."""
        return {
            "tools": tokens(self.head.tool_bytes),
            "system": tokens(self.head.system),
            "context": tokens(self.head.context),
            "head": size(self.head),
            "notes": tokens(self.notes),
            "memory": tokens(self.memory),
            "ledger": sum(map(tokens, self.ledger)),
        }

    def fields(self, *, full: bool) -> dict[str, object]:
        """Return it as JSON; `full` with the texts of the head."""
        texts = {"head": head_fields(self.head)} if full else {}
        return {
            "role": self.role,
            "head_sha256": head_sha256(self.head),
            "tools": [tool.name for tool in self.head.tools],
            "tokens": self.tokens,
            "notes": self.notes,
            "memory": self.memory,
            "ledger": list(self.ledger),
            "proposals": [{"text": text, "issue_id": one} for text, one in self.proposals.items()],
            **texts,
        }


@dataclass
class Ran:
    """What an agent did in the newest run."""

    role: str
    provider: str
    model: str
    spawned_at: str | None = None
    turns: int = 0
    usage: Usage = field(default_factory=Usage)

    @property
    def cached_share(self) -> float | None:
        """Return which share of the input came from the vendor's cache; None without any."""
        used = self.usage
        whole = used.input_tokens + used.cache_read_tokens + used.cache_write_tokens
        return used.cache_read_tokens / whole if whole else None


def next_of(project: Project, role: str) -> Next:
    """Return what the next request of a role would begin with, as a run here would lay it out."""
    state, settings, places = read_state(project), project.settings, project.places
    redact = redaction_of(settings.secrets)
    head = head_of(
        role,
        repo=project.repo,
        places=places,
        settings=settings,
        sandbox=find_sandbox(settings.sandbox.kind, settings.sandbox.terms),
        base_commit=state.run.base_commit if state.run else head_commit(project.repo),
    )
    return Next(
        role=role,
        head=head,
        notes=read_notes(places.memory, role, redact),
        memory=state.memory.get(role, ""),
        ledger=tuple(state.ledger.get(role, ())),
        proposals=dict(state.proposals.get(role, {})),
    )


def ran(project: Project) -> list[Ran]:
    """Return what both agents did in the newest run; the journal is read once."""
    settings = project.settings
    fresh = {
        PLANNER: (settings.planner.provider, settings.planner.model),
        EXECUTOR: (settings.executor.provider, settings.executor.model),
    }
    found = {role: Ran(role, *fresh[role]) for role in ROLES}
    for line in Journal(project.places).lines():
        if line.kind not in COUNTED:
            continue
        match line.entry:
            case RunOpened():
                found = {role: Ran(role, *fresh[role]) for role in ROLES}
            case AgentSpawned(role=role, provider=provider, model=model) if role in found:
                found[role].provider, found[role].model = provider, model
                found[role].spawned_at = iso(line.at)
            case TurnSettled(role=role) if role in found:
                found[role].turns += 1
            case CallSettled(role=role, usage=usage) if role in found:
                found[role].usage = found[role].usage.plus(usage)
            case _:
                pass
    return list(found.values())
