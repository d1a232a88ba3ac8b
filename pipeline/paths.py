"""Where everything lies: the project's `.workflow/` and the user's own folders.

<checkout>/.workflow/    journal, documents, backlog, plans, outputs, reports
user config/             settings, prompts, roles: what a repository must not decide
user state/              the approval key, what is trusted, logs: outside every repository
user cache/              workspaces: private clones, safe to delete while nothing runs
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import platformdirs

APP_NAME = "pipeline"
REPOSITORY_KEY_LENGTH = 12


@dataclass(frozen=True)
class UserPlaces:
    """The user's own folders; none of them is ever mounted into a sandbox."""

    config: Path
    state: Path
    cache: Path

    @classmethod
    def from_environment(cls) -> "UserPlaces":
        """Return the platform's folders; `XDG_CONFIG_HOME` and its siblings are honoured."""
        folders = platformdirs.PlatformDirs(APP_NAME, appauthor=False)
        return cls(
            config=folders.user_config_path,
            state=folders.user_state_path,
            cache=folders.user_cache_path,
        )


@dataclass(frozen=True)
class Places:
    """All files and folders of one repository; `root` is the checkout's top level."""

    root: Path
    user: UserPlaces
    git_dir: Path
    """The repository's common git folder, absolute; worktrees of one repository share it."""

    @cached_property
    def workflow(self) -> Path:
        """The project's own folder; git ignores what is in it."""
        return self.root / ".workflow"

    @cached_property
    def issues_file(self) -> Path:
        """The backlog, one issue a line."""
        return self.workflow / "issues" / "issues.jsonl"

    @cached_property
    def backlog_lock(self) -> Path:
        """Held for one change of the backlog."""
        return self.issues_file.parent / "backlog.lock"

    @cached_property
    def journal(self) -> Path:
        """Every state change, one hash-chained line each."""
        return self.workflow / "journal.jsonl"

    @cached_property
    def journal_torn(self) -> Path:
        """Where unfinished last lines of the journal are kept."""
        return self.workflow / "journal.torn"

    @cached_property
    def journal_lock(self) -> Path:
        """Held by any process for one append or one render."""
        return self.workflow / "journal.lock"

    @cached_property
    def run_lock(self) -> Path:
        """Held by the orchestrator while it works."""
        return self.workflow / "run.lock"

    @cached_property
    def room(self) -> Path:
        """Holds room on the disk while a run works."""
        return self.workflow / "room"

    @cached_property
    def run_file(self) -> Path:
        """Who holds the run lock, for whoever asks without taking it."""
        return self.workflow / "run.json"

    @cached_property
    def planning_results(self) -> Path:
        """The document of the planning phase."""
        return self.workflow / "planning-results.json"

    @cached_property
    def execution_results(self) -> Path:
        """The document of the execution phase."""
        return self.workflow / "execution-results.json"

    @cached_property
    def plans(self) -> Path:
        """Each plan as Markdown."""
        return self.workflow / "plans"

    @cached_property
    def edits(self) -> Path:
        """Texts of `pipeline edit` that could not be taken yet."""
        return self.workflow / "edits"

    @cached_property
    def outputs(self) -> Path:
        """Whole outputs of commands and tools."""
        return self.workflow / "outputs"

    @cached_property
    def tested(self) -> Path:
        """What tests came to on which tree; safe to delete."""
        return self.workflow / "tested"

    @cached_property
    def quarantine(self) -> Path:
        """Patches of unplanned changes."""
        return self.workflow / "quarantine"

    @cached_property
    def transcripts(self) -> Path:
        """What agents and pipeline said to each other."""
        return self.workflow / "transcripts"

    @cached_property
    def archive(self) -> Path:
        """What was packed of closed runs, one file each."""
        return self.workflow / "archive"

    @cached_property
    def report_md(self) -> Path:
        """The last report, for people."""
        return self.workflow / "report.md"

    @cached_property
    def report_html(self) -> Path:
        """The last report, as a page."""
        return self.workflow / "report.html"

    @cached_property
    def report_json(self) -> Path:
        """The last report, for programs."""
        return self.workflow / "report.json"

    @cached_property
    def config_file(self) -> Path:
        """The project's settings."""
        return self.workflow / "config.toml"

    @cached_property
    def project_tech(self) -> Path:
        """What the project is made of, if somebody wrote it down."""
        return self.workflow / "project-tech.json"

    @cached_property
    def project_guidelines(self) -> Path:
        """How the project wants its code, if somebody wrote it down."""
        return self.workflow / "project-guidelines.json"

    @cached_property
    def prompts(self) -> Path:
        """The project's own prompts, over the user's and the shipped ones."""
        return self.workflow / "prompts"

    @cached_property
    def memory(self) -> Path:
        """What the agents remember across runs."""
        return self.workflow / "memory"

    @cached_property
    def repo_cache(self) -> Path:
        """This repository's workspaces."""
        return self.user.cache / "workspaces" / self.repository_key

    @cached_property
    def summary_file(self) -> Path:
        """What `status` showed last, with the ground it stands on; safe to delete."""
        name = hashlib.sha256(str(self.root).encode()).hexdigest()[:REPOSITORY_KEY_LENGTH]
        return self.user.cache / "summaries" / f"{name}.json"

    @cached_property
    def now_file(self) -> Path:
        """What the process that works here is doing; safe to delete."""
        return self.summary_file.with_suffix(".now.json")

    @cached_property
    def repository_key(self) -> str:
        """Twelve hex digits that stand for this repository in the user's folders."""
        return hashlib.sha256(str(self.git_dir).encode()).hexdigest()[:REPOSITORY_KEY_LENGTH]

    @cached_property
    def approval_key(self) -> Path:
        """The key that signs approvals."""
        return self.user.state / "approval.key"

    @cached_property
    def journal_head(self) -> Path:
        """How far the journal was when somebody last decided or a run ended."""
        name = hashlib.sha256(str(self.root).encode()).hexdigest()[:REPOSITORY_KEY_LENGTH]
        return self.user.state / "journals" / f"{name}.json"

    @cached_property
    def asked_file(self) -> Path:
        """What a person asks of the process that works here."""
        name = hashlib.sha256(str(self.root).encode()).hexdigest()[:REPOSITORY_KEY_LENGTH]
        return self.user.state / "asked" / f"{name}.json"

    @cached_property
    def withdrawn_file(self) -> Path:
        """The approvals that a person took back, by their signatures, one a line."""
        return self.user.state / "withdrawn-approvals"

    @cached_property
    def trust_file(self) -> Path:
        """Digests of tracked `.workflow/` folders that the user accepted."""
        return self.user.state / "trust.json"

    @cached_property
    def user_config(self) -> Path:
        """The user's own settings."""
        return self.user.config / "config.toml"

    @cached_property
    def user_prompts(self) -> Path:
        """The user's own prompts, over the shipped ones."""
        return self.user.config / "prompts"

    @cached_property
    def logs(self) -> Path:
        """Where a bug leaves its traceback."""
        return self.user.state / "logs"
