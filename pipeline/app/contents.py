"""What a commit names and its workspaces do not have: submodules, large files, missing objects."""

import re
from collections.abc import Iterator

from pipeline import git
from pipeline.git.read import submodules

LFS = re.compile(rb"^[^#\n]*\sfilter=lfs(?:\s|$)", re.MULTILINE)
SHOWN = 3


def missing_contents(repo: git.Repository, commit: str) -> Iterator[str]:
    """Give a line for each kind of content that stays outside of workspaces on purpose."""
    modules = submodules(repo, commit)
    if modules:
        more = f" and {len(modules) - SHOWN} more" if len(modules) > SHOWN else ""
        yield f"submodules stay empty: {', '.join(modules[:SHOWN])}{more}"
    if uses_lfs(repo, commit):
        yield "files of Git LFS stay pointers: nothing is downloaded"


def uses_lfs(repo: git.Repository, commit: str) -> bool:
    """Tell whether a `.gitattributes` of the commit gives files to Git LFS."""
    attributes = (p for p in git.list_files(repo, commit) if p.split("/")[-1] == ".gitattributes")
    return any(LFS.search(git.show_file(repo, commit, path) or b"") for path in attributes)
