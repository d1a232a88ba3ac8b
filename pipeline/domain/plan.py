"""A plan: the envelope around one solution; state, mode, risk, budget, approval."""

from enum import StrEnum

from pydantic import Field

from pipeline.domain.base import DerivedId, Noun, Time


class PlanState(StrEnum):
    """Where a plan stands (seed 000's states, and `stale` for a plan whose ground has moved)."""

    INACTIVE = "inactive"
    DRAFTING = "drafting"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    STALE = "stale"


class ExecutionMode(StrEnum):
    """How a plan is carried out."""

    SINGLE = "single"
    ORCHESTRATED = "orchestrated"
    COMPETITION = "competition"


class RiskLevel(StrEnum):
    """Seed 002's levels; compare with `rank`."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"

    @property
    def rank(self) -> int:
        """Return 0 for LOW up to 3 for CRITICAL."""
        return list(RiskLevel).index(self)


class Role(StrEnum):
    """Who may decide; seed 000's hierarchy, lowest first."""

    USER = "user"
    REVIEWER = "reviewer"
    MAINTAINER = "maintainer"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """Return 0 for user up to 3 for admin."""
        return list(Role).index(self)


class PlanRisk(Noun):
    """How risky a plan is, with the reasons that a reviewer reads."""

    level: RiskLevel
    reasons: tuple[str, ...] = ()


class Budget(Noun):
    """What one plan may spend."""

    tokens: int = Field(100_000, gt=0)
    """Output plus uncached input (seed 000's session cap)."""
    usd: float | None = None
    minutes: int = Field(30, gt=0)


class Earlier(Noun):
    """A plan that is run, or to be run, before this one and may touch the same paths."""

    solution_id: DerivedId
    digest: str


class Approval(Noun):
    """A signature: what was approved, on which ground, by whom, until when."""

    digest: str
    """SHA-256 (hex) over the canonical JSON of the solution and of the plan's terms."""
    base_commit: str
    files: dict[str, str | None]
    """For each path the plan touches its blob id at the base; None: it must not exist."""
    after: tuple[Earlier, ...] = ()
    approver: str
    uid: int
    role: Role
    decided_at: Time
    expires_at: Time
    comment: str = ""
    rule: str | None = None
    """The auto-approval rule that decided; None: a person did."""
    rule_max_risk: RiskLevel | None = None
    """Up to which risk that rule approves."""
    journal_offset: int | None = None
    """Byte offset of its journal line; outside the mac."""
    mac: str
    """HMAC-SHA256 (hex) over everything above except `journal_offset`, and the solution id."""


class Plan(Noun):
    """The envelope around one solution."""

    state: PlanState
    deferred: bool = False
    mode: ExecutionMode = ExecutionMode.SINGLE
    risk: PlanRisk
    budget: Budget = Budget()
    may_touch: tuple[str, ...] = ()
    """Globs of paths that may change besides the plan's files; shown to the reviewer."""
    grants: tuple[str, ...] = ()
    """The privileges that an approval grants, as `Privilege.name` renders them."""
    warnings: tuple[str, ...] = ()
    """What validation tells the reviewer; not signed."""
    after: tuple[Earlier, ...] = ()
    approval: Approval | None = None
    created_at: Time
    created_by: str
    updated_at: Time
    state_reason: str | None = None

    @property
    def opened(self) -> tuple[str, ...]:
        """The globs that open more than its files to its work: those that a person agreed to.

        A rule looks at the files of a plan, so what it approves is held to them.
        """
        by_rule = self.approval is not None and self.approval.rule is not None
        return () if by_rule else self.may_touch
