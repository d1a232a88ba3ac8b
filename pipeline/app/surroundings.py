"""What is around a repository when it is set up: the first things that `init` and `doctor` show."""

import os
import shutil

from pipeline.agents.providers.registry import has_key
from pipeline.app.books import read_state
from pipeline.app.check import Check
from pipeline.app.project import Project
from pipeline.errors import PipelineError
from pipeline.git import head_commit, list_files, show_file
from pipeline.git.checkout import look_at_checkout
from pipeline.plans.history import left_out
from pipeline.plans.project import Project as Found
from pipeline.plans.project import detect_project
from pipeline.settings import DEFAULT_MODELS, AgentRole, Provider

VENDORS: tuple[Provider, ...] = tuple(dict.fromkeys(vendor for vendor, _ in DEFAULT_MODELS))
ROLES: tuple[AgentRole, ...] = ("planner", "executor")


NO_TESTS = (
    'write [tests] command = "..." into .workflow/config.toml, or `pipeline run --allow-untested`'
)


def look_at_files(project: Project) -> Found:
    """Return what the files at HEAD say of the project."""
    commit = head_commit(project.repo)
    return detect_project(
        lambda path: show_file(project.repo, commit, path), list_files(project.repo, commit)
    )


def set_up_check(project: Project) -> Check:
    """Tell whether there is a `.workflow/` to work with."""
    places = project.places
    if not places.issues_file.parent.is_dir():
        return Check("set up", False, "no .workflow/ yet", "pipeline init")
    own = " and your own file" if places.user_config.exists() else ""
    config = "config.toml" if places.config_file.exists() else "no config.toml: the defaults hold"
    return Check("set up", True, f".workflow/ with {config}{own}")


def base_check(project: Project) -> Check:
    """Tell what a new run would start from, and what would stay out of it."""
    checkout = look_at_checkout(project.repo)
    branch = checkout.branch or "a detached HEAD"
    shown = f"{branch} at {checkout.commit[:10]}"
    if checkout.changed:
        paths = (
            "1 uncommitted path is"
            if checkout.changed == 1
            else f"{checkout.changed} uncommitted paths are"
        )
        shown += f"; {paths} no part of it"
    if not project.places.journal.exists():
        return Check("base", True, shown)
    try:
        landed = left_out(project.repo, read_state(project), checkout.commit)
    except PipelineError as error:
        return Check("base", False, f"{shown}; the journal cannot be read", str(error))
    return Check("base", True, f"{shown}; {landed}" if landed else shown)


def github_check(project: Project) -> Check:
    """Tell how issues come in from GitHub; nothing here is needed without it."""
    name = look_at_checkout(project.repo).github
    if name is None:
        return Check("github", True, "origin is not on GitHub: pipeline add, or pipeline import")
    if shutil.which("gh") is None:
        return Check(
            "github", True, f"{name}; gh is not installed, pipeline import --github needs it"
        )
    return Check("github", True, f"{name}: pipeline import --github {name}")


def proposed_vendors(project: Project) -> dict[str, object]:
    """Return settings that give an agent without a key to a vendor whose key is set."""
    keyed = [vendor for vendor in VENDORS if has_key(vendor, os.environ)]
    chosen = {"planner": project.settings.planner, "executor": project.settings.executor}
    return {
        f"{role}.provider": keyed[0]
        for role in ROLES
        if keyed
        and not chosen[role].base_url
        and chosen[role].provider in VENDORS
        and chosen[role].provider not in keyed
    }


def is_keyless() -> bool:
    """Tell whether no vendor's key is set at all."""
    return not any(has_key(vendor, os.environ) for vendor in VENDORS)
