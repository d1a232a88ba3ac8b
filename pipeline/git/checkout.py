"""What stands in the user's checkout; nothing there is touched, its index neither."""

import re
from dataclasses import dataclass

from pipeline.git.program import Repository, call, discovery_environment, fields, plain

GITHUB = re.compile(
    r"(?:https://|ssh://git@|git@)(?:[^@/]+@)?github\.com[/:](?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/?"
)


@dataclass(frozen=True)
class Checkout:
    """What a new run would start from, and what would stay out of it."""

    branch: str | None
    """None: HEAD is detached."""
    commit: str
    changed: int
    """Paths that are not as HEAD has them; new ones count, ignored ones do not."""
    github: str | None
    """`OWNER/REPO` when `origin` is on GitHub."""


def look_at_checkout(repo: Repository) -> Checkout:
    """Return what the checkout of a repository with a commit looks like."""
    commit = _ask(repo, "rev-parse", "--verify", "HEAD^{commit}").decode().strip()
    origin = _ask(repo, "config", "--get", "remote.origin.url").decode("utf-8", "replace").strip()
    on_github = GITHUB.fullmatch(origin)
    return Checkout(
        branch=_ask(repo, "symbolic-ref", "--short", "-q", "HEAD").decode().strip() or None,
        commit=commit,
        changed=_count_changed(repo, commit),
        github=on_github["name"] if on_github else None,
    )


def _count_changed(repo: Repository, commit: str) -> int:
    """Count as `git status` does, but without the filters that the repository's config names.

    A file is compared byte by byte only where its index entry is out of date.
    """
    index = repo.root / _ask(repo, "rev-parse", "--git-path", "index").decode().strip()
    with plain(repo, work_tree=repo.root, index=index) as git:
        known = git.run(
            *("diff-index", "-z", "--name-only", "--no-renames", "--ignore-submodules=all"),
            commit,
            cwd=repo.root,
        )
        new = git.run(
            *("ls-files", "-z", "--others", "--exclude-standard"),
            *("--directory", "--no-empty-directory"),
            cwd=repo.root,
        )
        return len(fields(known.output)) + len(fields(new.output))


def _ask(repo: Repository, *words: str) -> bytes:
    """Return what git prints in the checkout; empty when it refuses."""
    return call(words, cwd=repo.root, env=discovery_environment(), may_fail=True).output
