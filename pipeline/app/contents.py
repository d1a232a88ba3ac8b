"""What tests may need and workspaces do not have: submodules, large files, generated files."""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from pipeline import git
from pipeline.git.read import ignored_files, submodules
from pipeline.plans.project import LANGUAGES

LFS = re.compile(rb"^[^#\n]*\sfilter=lfs(?:\s|$)", re.MULTILINE)
SHOWN = 3
SOURCES = frozenset(suffix for suffixes in LANGUAGES.values() for suffix in suffixes)


def missing_contents(repo: git.Repository, commit: str, keep: Sequence[str]) -> Iterator[str]:
    """Give a line for each kind of content that stays outside of workspaces on purpose.

    `keep` is what workspaces get besides the commit.
    """
    modules = submodules(repo, commit)
    if modules:
        yield f"submodules stay empty: {_named(modules)}"
    if uses_lfs(repo, commit):
        yield "files of Git LFS stay pointers: nothing is downloaded"
    made = [path for path in ignored_files(repo) if _is_source(path) and not _is_kept(path, keep)]
    if made:
        yield f"ignored files stay outside unless workspace.keep names them: {_named(made)}"


def _named(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return f"{', '.join(paths[:SHOWN])}{more}"


def _is_source(path: str) -> bool:
    return PurePosixPath(path).suffix in SOURCES


def _is_kept(path: str, keep: Sequence[str]) -> bool:
    return any(PurePosixPath(path).is_relative_to(name) for name in keep)


def uses_lfs(repo: git.Repository, commit: str) -> bool:
    """Tell whether a `.gitattributes` of the commit gives files to Git LFS."""
    attributes = (p for p in git.list_files(repo, commit) if p.split("/")[-1] == ".gitattributes")
    return any(LFS.search(git.show_file(repo, commit, path) or b"") for path in attributes)
