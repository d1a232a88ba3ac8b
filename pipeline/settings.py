"""What can be set, and from where: later sources win.

    .workflow/config.toml      the project; may not hold what `RESERVED` names
    ~/.config/pipeline/config.toml    the user
    PIPELINE_<SECTION>_<KEY>   the environment: planner.provider is PIPELINE_PLANNER_PROVIDER;
                               a list is a TOML array or separated by commas
    flags                      dotted keys, as in the files: {"sandbox.kind": "none"}

`KEYS` is the table of all keys and of the attribute of `Settings` that each one sets. Keys of the
vendors are no settings: each vendor's own environment variable holds them.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails

from pipeline.domain.issue import AuthorTrust
from pipeline.domain.nearest import choose_one_of, nearest
from pipeline.domain.plan import RiskLevel, Role
from pipeline.domain.wording import what_is_wanted
from pipeline.errors import PipelineError, UsageProblem
from pipeline.paths import Places
from pipeline.sandbox import CommandLimits, Kind, Terms

Provider = Literal["anthropic", "openai", "openai-chat"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
History = Literal["ledger", "fresh", "full"]
AgentRole = Literal["planner", "executor"]

DEFAULT_MODELS: dict[tuple[Provider, AgentRole], str] = {
    ("anthropic", "planner"): "claude-opus-5-5",
    ("anthropic", "executor"): "claude-sonnet-5-5",
    ("openai", "planner"): "gpt-6.1-sol",
    ("openai", "executor"): "gpt-6.1-sol",
}
"""An `openai-chat` server has no model that we could know of."""

LOCK_FILES = (
    *("**/uv.lock", "**/poetry.lock", "**/pdm.lock", "**/Pipfile.lock", "**/package-lock.json"),
    *("**/yarn.lock", "**/pnpm-lock.yaml", "**/Cargo.lock", "**/go.sum", "**/Gemfile.lock"),
    *("**/composer.lock",),
)
TEST_FILES = (
    *("**/tests/**", "**/test/**", "**/__tests__/**", "**/test_*.py", "**/*_test.py"),
    *("**/*_test.go", "**/*.test.*", "**/*.spec.*"),
)
DEFAULT_CONFIG = Path(__file__).with_name("default_config.toml")

LONGEST_WAIT_S = 30 * 24 * 3600
DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def seconds(value: object) -> int:
    """Return a duration in seconds: text such as `2d`, `6h`, `90m`, `1h30m`, or 0.

    Raises ValueError for anything else: a number alone does not say of what.
    """
    is_number = isinstance(value, int) and not isinstance(value, bool)
    text = str(value).strip() if is_number or isinstance(value, str) else ""
    if text.isdecimal():
        if int(text) == 0:
            return 0
        units = ", ".join(f"{text}{unit}" for unit in "smh")
        raise ValueError(f"{text} what? write {units} or {text}d")
    found = DURATION.fullmatch(text)
    if not text or found is None:
        raise ValueError("write a duration such as 2d, 6h, 90m, 1h30m or 45s")
    days, hours, minutes, rest = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def duration_text(whole: int) -> str:
    """Return seconds as `seconds` reads them.

    >>> duration_text(5_400), duration_text(172_800), duration_text(0)
    ('1h30m', '2d', '0s')
    """
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"


def _some_days(value: object) -> int:
    """Return a duration in seconds; raises ValueError for one that no run lives through."""
    found = seconds(value)
    if found > LONGEST_WAIT_S:
        raise ValueError("write at most 30d")
    return found


def _inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or parts[0] in (".git", ".workflow"):
        raise ValueError("give paths inside the repository, relative, without '..'")
    return path


def _ref_part(prefix: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:[./][A-Za-z0-9_-]+)*", prefix):
        raise ValueError("give a name that git allows in a branch, such as 'pipeline'")
    if prefix.endswith(".lock"):
        raise ValueError("git allows no branch name that ends in '.lock'")
    return prefix


InsidePath = Annotated[str, AfterValidator(_inside)]


class Section(BaseModel):
    """A frozen group of settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class AgentSettings(Section):
    """Which model plays a role."""

    provider: Provider = "anthropic"
    model: str = ""
    """Empty: the default of `DEFAULT_MODELS` for provider and role."""
    fallback_model: str = ""
    """Answers while the model is overloaded, at the same provider; empty: nobody does."""
    base_url: str | None = None
    effort: Effort | None = None
    temperature: float | None = Field(None, ge=0, le=2, allow_inf_nan=False)
    """What a model takes of these two stands in `agents/providers/capabilities.py`."""
    max_output_tokens: int = Field(64_000, ge=8_000)


class Limits(Section):
    """How long anything may take, and how often it may go wrong."""

    calls_per_turn: int = Field(60, gt=0)
    planning_minutes: int = Field(20, gt=0)
    execution_minutes: int = Field(60, gt=0)
    command_seconds: int = Field(300, gt=0)
    failing_finishes: int = Field(3, gt=0)
    """Failing `finish_task` calls of one task."""
    answer_errors: int = Field(3, gt=0)
    repair_rounds: int = Field(3, ge=0)
    silence_seconds: int = Field(120, gt=0)
    provider_retries: int = Field(6, ge=0)
    compact_tokens: int = Field(150_000, ge=20_000)
    """The size of a request from which on the turn is summed up first."""


class ProviderSettings(Section):
    """What is asked of vendors besides answers."""

    cache_diagnostics: bool = False
    """Whether vendors are asked why their cache did not answer: they then keep a fingerprint of
    each request."""


class BudgetSettings(Section):
    """What a run, a day and a plan may spend; None is no cap."""

    tokens: int | None = Field(None, gt=0)
    usd: float | None = Field(None, gt=0, allow_inf_nan=False)
    minutes: int | None = Field(None, gt=0)
    day_tokens: int | None = Field(None, gt=0)
    """Of all runs of this repository in one day (UTC)."""
    day_usd: float | None = Field(None, gt=0, allow_inf_nan=False)
    issue_tokens: int = Field(100_000, gt=0)
    issue_minutes: int = Field(30, gt=0)
    unknown_price: Literal["count", "stop"] = "count"
    """What a cap in USD does with a model of unknown price: count tokens alone, or stop."""


class GateSettings(Section):
    """How long an approval lasts, what waits at the gate, and for how long."""

    overlap: Literal["sequence", "replan"] = "sequence"
    expires_days: int = Field(7, gt=0, le=3650)
    max_pending: int = Field(100, gt=0)
    """With so many plans waiting for a decision nothing more is planned."""
    checkpoint_every: int | None = Field(None, gt=0)
    """After so many attempts the run stops until a person confirms; None: never."""
    change_rounds: int = Field(3, ge=0)
    """How often changes of one issue's plan can be requested."""
    wait_s: Annotated[int, BeforeValidator(_some_days)] = 0
    """How long a run with nothing else to do waits for decisions (seconds)."""


class AutoRule(Section):
    """Which plans are approved without a person; all that is said has to hold."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    max_risk: RiskLevel = RiskLevel.LOW
    labels: tuple[str, ...] = ()
    """The issue has one of these; empty: any or none."""
    paths: tuple[str, ...] = ()
    """Globs; each file of the plan matches one of them; empty: any file."""
    max_files: int | None = Field(None, gt=0)
    max_steps: int | None = Field(None, gt=0)
    trust: tuple[AuthorTrust, ...] = (AuthorTrust.OWNER, AuthorTrust.MEMBER)
    """How far the least trusted author of the issue has to be trusted."""


class PolicySettings(Section):
    """Who may decide what; never read from a project."""

    required: dict[RiskLevel, Role] = Field(default_factory=dict)
    """The role that a risk needs, where it is another than the default."""
    auto_approve: tuple[AutoRule, ...] = ()
    lock_previews: bool = False
    """Whether the content that steps carry is shown only once the plan is approved."""


class ValidationSettings(Section):
    """How large a plan may be, and which rules of validation are off."""

    max_steps: int = Field(100, gt=0)
    max_files: int = Field(20, gt=0)
    off: dict[str, Annotated[str, StringConstraints(min_length=1)]] = Field(default_factory=dict)
    """Id of a rule -> why it is off; never read from a project."""


class TestSettings(Section):
    """How the project is tested; None: detected."""

    __test__ = False

    command: str | None = Field(None, min_length=1)
    suite_seconds: int = Field(900, gt=0)
    """How long the project's own tests may take, a command."""


class WorkspaceSettings(Section):
    """What a workspace holds besides the commit it starts from."""

    keep: tuple[InsidePath, ...] = (".venv", "venv", "node_modules", "target", ".tox")
    """Paths of the checkout that are mounted (dependencies) or copied (caches) into it."""
    setup: tuple[str, ...] = ()
    """Commands run in a fresh workspace."""


class FenceSettings(Section):
    """What happens to changes that a plan does not allow."""

    quarantine: Literal["fail", "aside", "ask"] = "aside"
    """`aside`: a patch, and the rest goes on; `fail`: so does the attempt; `ask`: a person."""


OF_THE_KERNEL = tuple(map(Path, ("/proc", "/sys", "/dev")))
"""Shown again, these would show the host's processes, their environments, and its devices."""
NEVER_WHOLE = tuple(map(Path, ("/", "/run")))
"""`/run` holds the sockets of all daemons."""


def _from_root(path: str) -> str:
    """Return an absolute path, `~` being the user's home.

    Raises ValueError for other paths and, links followed, for places that no sandbox survives.
    """
    found = Path(path).expanduser()
    if not found.is_absolute() or ".." in found.parts or len(found.parts) < 2:
        raise ValueError("give absolute paths, or '~/...', and never '/' itself")
    real = found.resolve()
    if real in NEVER_WHOLE or any(real.is_relative_to(one) for one in OF_THE_KERNEL):
        raise ValueError(f"{str(real)!r} would undo the sandbox: name a folder of files")
    return str(found)


HostPath = Annotated[str, AfterValidator(_from_root)]


class SandboxSettings(Section):
    """How commands are confined, and what each may use; never read from a project."""

    kind: Kind = "bwrap"
    memory_mb: int = Field(CommandLimits.memory_mb, ge=64)
    processes: int = Field(CommandLimits.processes, ge=16)
    file_mb: int = Field(CommandLimits.file_mb, gt=0)
    cpu_seconds: int = Field(CommandLimits.cpu_seconds, gt=0)
    disk_mb: int = Field(CommandLimits.disk_mb, gt=0)
    read: tuple[HostPath, ...] = ()
    write: tuple[HostPath, ...] = ()

    @property
    def terms(self) -> Terms:
        """Return what a sandbox is made with."""
        return Terms(
            limits=CommandLimits(
                memory_mb=self.memory_mb,
                processes=self.processes,
                file_mb=self.file_mb,
                cpu_seconds=self.cpu_seconds,
                disk_mb=self.disk_mb,
            ),
            read=tuple(map(Path, self.read)),
            write=tuple(map(Path, self.write)),
        )


class SecretSettings(Section):
    """Names of variables that hold a secret, or do not, whatever they are called."""

    variables: tuple[str, ...] = ()
    """Further variables whose values are taken out of every text."""
    not_secret: tuple[str, ...] = ()
    """Variables whose values may be seen; it holds for no vendor's key."""


class Settings(Section):
    """All settings of one process; the defaults are decisions."""

    planner: AgentSettings = AgentSettings()
    executor: AgentSettings = AgentSettings()
    limits: Limits = Limits()
    providers: ProviderSettings = ProviderSettings()
    budget: BudgetSettings = BudgetSettings()
    gate: GateSettings = GateSettings()
    policy: PolicySettings = PolicySettings()
    validation: ValidationSettings = ValidationSettings()
    tests: TestSettings = TestSettings()
    workspace: WorkspaceSettings = WorkspaceSettings()
    fence: FenceSettings = FenceSettings()
    secrets: SecretSettings = SecretSettings()
    sandbox: SandboxSettings = SandboxSettings()
    roles: dict[str, Role] = Field(default_factory=dict)
    """Role of each user name; empty: whoever is there is admin."""
    may_touch: tuple[str, ...] = TEST_FILES + LOCK_FILES
    """Globs that every plan may change besides its files."""
    branch_prefix: Annotated[str, AfterValidator(_ref_part)] = "pipeline"
    wait_quota_s: Annotated[int, BeforeValidator(seconds)] = 0
    """How long a run waits for a vendor's quota (seconds)."""
    allow_untested: bool = False
    allow_red_baseline: bool = False
    keep_days: int = Field(30, ge=1)
    """How long work that did not land is kept beside the branch (days)."""
    rehearsal: bool = False
    overlap: bool = False
    """Whether issues are planned while approved plans are executed."""
    history: History = "ledger"
    """What an agent's requests send of its earlier turns."""

    @field_validator("planner", "executor")
    @classmethod
    def _choose_model(cls, agent: AgentSettings, info: ValidationInfo) -> AgentSettings:
        role: AgentRole = "planner" if info.field_name == "planner" else "executor"
        return agent.model_copy(
            update={"model": agent.model or DEFAULT_MODELS.get((agent.provider, role), "")}
        )


ELSEWHERE = {
    "gate.wait": "gate.wait_s",
    "roles": "roles",
    "plans.may_touch": "may_touch",
    "run.branch_prefix": "branch_prefix",
    "run.wait_quota": "wait_quota_s",
    "run.allow_untested": "allow_untested",
    "run.allow_red_baseline": "allow_red_baseline",
    "run.keep_days": "keep_days",
    "run.rehearsal": "rehearsal",
    "run.overlap": "overlap",
    "run.history": "history",
}
"""Keys whose attribute of `Settings` has another name than they have in the files."""


def _section_keys() -> dict[str, str]:
    sections: dict[str, type[Section]] = {
        "planner": AgentSettings,
        "executor": AgentSettings,
        "limits": Limits,
        "providers": ProviderSettings,
        "budget": BudgetSettings,
        "gate": GateSettings,
        "policy": PolicySettings,
        "validation": ValidationSettings,
        "tests": TestSettings,
        "workspace": WorkspaceSettings,
        "fence": FenceSettings,
        "secrets": SecretSettings,
        "sandbox": SandboxSettings,
    }
    names = [f"{name}.{key}" for name, model in sections.items() for key in model.model_fields]
    return {name: name for name in names if name not in ELSEWHERE.values()}


KEYS: dict[str, str] = _section_keys() | ELSEWHERE
"""Every key of the files -> the attribute of `Settings` it sets, both dotted."""

RESERVED = (
    *("planner.base_url", "executor.base_url", "workspace.setup", "run.rehearsal"),
    "validation.off",
)
RESERVED_SECTIONS = ("sandbox", "roles", "policy", "secrets")
"""What a project cannot set for its users (D15): keys, and whole sections."""

TABLES = {"roles", "policy.required", "policy.auto_approve", "validation.off"}
"""Keys whose value is a table, which no variable can hold."""
LISTS = {
    *("workspace.keep", "workspace.setup", "plans.may_touch"),
    *("secrets.variables", "secrets.not_secret", "sandbox.read", "sandbox.write"),
}

ENVIRONMENT: dict[str, str] = {
    "PIPELINE_" + key.upper().replace(".", "_"): key for key in KEYS if key not in TABLES
}
"""Every variable that is read -> its key."""


SourceKind = Literal["project", "user", "environment", "flags"]


class Source(NamedTuple):
    """One place that settings come from, and what it says; its values are known and allowed."""

    kind: SourceKind
    name: str
    """How messages call it: a file, `environment` or `command line`."""
    values: dict[str, object]


def load_settings(
    places: Places,
    environ: Mapping[str, str],
    flags: Mapping[str, object] | None = None,
    *,
    tracked_ok: bool = True,
) -> Settings:
    """Read all sources and return what holds.

    `flags` maps dotted keys to values; None means not given. `tracked_ok=False` leaves the
    project's file unread (`.workflow/` is tracked and not trusted). Raises PipelineError, for flags
    UsageProblem, one line: the source, the key, what is allowed.
    """
    merged: dict[str, object] = {}
    for source in read_sources(places, environ, flags, tracked_ok=tracked_ok):
        _merge(merged, source.values)
    return _build(merged)


def read_sources(
    places: Places,
    environ: Mapping[str, str],
    flags: Mapping[str, object] | None = None,
    *,
    tracked_ok: bool = True,
) -> Iterator[Source]:
    """Yield all sources, the one that wins last; arguments and errors as for `load_settings`."""
    project, user = places.config_file.relative_to(places.root).as_posix(), str(places.user_config)
    if tracked_ok:
        values = _read_file(places.config_file, project)
        _refuse_reserved(values, project, places.user_config)
        yield Source("project", project, _checked(values, project))
    yield Source("user", user, _checked(_read_file(places.user_config, user), user))
    yield Source("environment", "environment", _checked(_read_environment(environ), "environment"))
    given = {key: value for key, value in (flags or {}).items() if value is not None}
    named = "command line"
    yield Source("flags", named, _checked(given, named, kind=UsageProblem))


def set_by(sources: Iterable[Source]) -> dict[str, Source]:
    """Return for each key that is not at its default the source whose value holds."""
    merged: dict[str, object] = {}
    found: dict[str, Source] = {}
    for source in sources:
        _merge(merged, source.values)
        found = {key: found[key] for key in found if key in merged}
        found |= dict.fromkeys(source.values, source)
    return found


def value_of(settings: Settings, key: str) -> object:
    """Return the value that holds for a key of the files."""
    value: object = settings
    for part in KEYS[key].split("."):
        value = getattr(value, part)
    return value


def default_config() -> str:
    """Return the commented `config.toml` that `init` writes."""
    return DEFAULT_CONFIG.read_text(encoding="utf-8")


def _read_file(path: Path, name: str) -> dict[str, object]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PipelineError(f"{name} is not valid TOML: {error}") from error
    except OSError as error:
        raise PipelineError(f"{name} cannot be read: {error.strerror}") from error
    values: dict[str, object] = {}
    for section, content in document.items():
        if section == "roles" or not isinstance(content, dict):
            values[section] = content
        else:
            values |= {f"{section}.{key}": value for key, value in content.items()}
    return values


def _read_environment(environ: Mapping[str, str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, text in environ.items():
        key = ENVIRONMENT.get(name)
        if key is not None:
            values[key] = _items(text, name) if key in LISTS else text
        elif name.startswith("PIPELINE_"):
            _refuse_typing_error(name)
    return values


def _refuse_typing_error(name: str) -> None:
    """Refuse a variable that is almost one of ours; others' PIPELINE_* variables are theirs."""
    near = nearest(name, ENVIRONMENT, likeness=0.9)
    if near:
        raise PipelineError(f"environment: {name} is not a setting: did you mean {near}?")


def _items(text: str, name: str) -> object:
    if not text.strip().startswith("["):
        return tuple(item.strip() for item in text.split(",") if item.strip())
    try:
        return tomllib.loads(f"items = {text}")["items"]
    except tomllib.TOMLDecodeError as error:
        raise PipelineError(f"environment: {name} is not a TOML array: {error}") from error


def _refuse_reserved(values: Mapping[str, object], project: str, user_config: Path) -> None:
    for key in values:
        if key in RESERVED or key.partition(".")[0] in RESERVED_SECTIONS:
            raise PipelineError(
                f"{project}: {key} is read only from {user_config}, the environment or flags: "
                "a project cannot set it for its users"
            )


def _checked(
    values: dict[str, object], source: str, *, kind: type[PipelineError] = PipelineError
) -> dict[str, object]:
    """Return `values` when each is known and allowed, else raise with their source."""
    for key in values:
        if key not in KEYS:
            raise kind(f"{source}: {key} is not a setting: {_instead(key)}")
    try:
        _build(values)
    except ValidationError as error:
        raise kind(_explain(error.errors()[0], source)) from error
    return values


def _instead(key: str) -> str:
    near = nearest(key, KEYS, likeness=0.75)
    if near:
        return f"did you mean {near}?"
    section = key.partition(".")[0]
    known = [name.partition(".")[2] for name in KEYS if name.startswith(f"{section}.")]
    if known:
        return f"[{section}] has {', '.join(known)}"
    return f"the sections are {', '.join(dict.fromkeys(name.partition('.')[0] for name in KEYS))}"


def _explain(error: ErrorDetails, source: str) -> str:
    """Say in one line what is wrong with one value, and what is allowed."""
    place = ".".join(str(part) for part in error["loc"])
    for key, attribute in KEYS.items():
        if place == attribute or place.startswith(f"{attribute}."):
            place = (key + place.removeprefix(attribute)).removesuffix(".[key]")
            break
    if error["type"] == "missing":
        return f"{source}: {place} is missing: give it"
    if error["type"] == "extra_forbidden":
        return f"{source}: {place} is not a setting: a rule has {', '.join(AutoRule.model_fields)}"
    expected = error.get("ctx", {}).get("expected")
    if expected is not None:
        allowed = re.findall(r"'([^']*)'", str(expected))
        choices = choose_one_of(str(error["input"]), allowed)
    else:
        choices = what_is_wanted(error)
    return f"{source}: {place} is {error['input']!r}: {choices}"


def _merge(merged: dict[str, object], later: Mapping[str, object]) -> None:
    """Let `later` win; a provider of its own takes the models of the earlier one away."""
    for role in ("planner", "executor"):
        if later.get(f"{role}.provider", merged.get(f"{role}.provider")) != merged.get(
            f"{role}.provider"
        ):
            for key in ("model", "fallback_model", "base_url"):
                merged.pop(f"{role}.{key}", None)
    merged.update(later)


def _build(values: Mapping[str, object]) -> Settings:
    nested: dict[str, object] = {}
    for key, value in values.items():
        section, _, name = KEYS[key].partition(".")
        if not name:
            nested[section] = value
            continue
        inner = nested.setdefault(section, {})
        assert isinstance(inner, dict)
        inner[name] = value
    return Settings.model_validate(nested)
