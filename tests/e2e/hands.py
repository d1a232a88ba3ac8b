"""What other hands do to a repository while the pipeline is not looking, or while it is."""

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.builders import git


def commit_on_branch(
    root: Path, branch: str, files: Mapping[str, str], *, gone: Sequence[str] = ()
) -> str:
    """Commit `files` on top of a branch that nobody has checked out, with plumbing alone.

    `gone`: paths that are deleted.

    Neither the checkout nor its index is touched. Returns the commit.
    """
    tip = git(root, "rev-parse", branch)
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"GIT_INDEX_FILE": str(Path(folder) / "index")}

        def plumbing(*words: str, given: str = "") -> str:
            done = subprocess.run(
                ["git", *words],
                cwd=root,
                env=environment,
                input=given,
                check=True,
                capture_output=True,
                text=True,
                timeout=60,
            )
            return done.stdout.strip()

        plumbing("read-tree", tip)
        for name, text in files.items():
            blob = plumbing("hash-object", "-w", "--stdin", given=text)
            plumbing("update-index", "--add", "--cacheinfo", f"100644,{blob},{name}")
        for name in gone:
            plumbing("update-index", "--force-remove", name)
        commit = plumbing("commit-tree", plumbing("write-tree"), "-p", tip, "-m", "by hand")
        plumbing("update-ref", f"refs/heads/{branch}", commit, tip)
    return commit
