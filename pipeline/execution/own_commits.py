"""Commits that were made inside a workspace: counted for the report, never used."""

from pipeline.execution.workspace import Workspace
from pipeline.proc import never
from pipeline.sandbox import Sandbox

COUNT_SECONDS = 10.0


def count_own_commits(sandbox: Sandbox, workspace: Workspace) -> int:
    """Return how many commits the workspace's private repository holds on top of its base.

    Asked inside the sandbox, because an agent may have written anything there; 0 when it does
    not answer with a number.
    """
    script = f"git rev-list --count HEAD --branches --not {workspace.commit} 2>/dev/null"
    done = sandbox.run(script, workspace.jail, "execute", timeout_s=COUNT_SECONDS, stop=never)
    said = done.output.decode("ascii", "replace").strip()
    return int(said) if done.ok and said.isdecimal() and said.isascii() else 0
