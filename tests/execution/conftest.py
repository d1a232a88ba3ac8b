"""A real repository with real workspaces in a real sandbox."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline import git
from pipeline.events import Event, EventBus
from pipeline.execution.toolchains import Toolchains, find_toolchains
from pipeline.execution.verify import Verifier
from pipeline.execution.workspace import Workspaces
from pipeline.paths import Places, UserPlaces
from pipeline.sandbox import Sandbox, find_sandbox
from tests.builders import make_repository

FILES = {
    ".gitignore": ".venv/\nnode_modules/\ntarget/\n*.pyc\n*.log\n",
    "app.py": "VALUE = 1\n",
    "src/pkg/__init__.py": "NUMBER = 1\n",
    "tests/test_app.py": "import app\nassert app.VALUE == 1\n",
    "docs/note.md": "note\n",
}


@dataclass
class Ground:
    """A repository and everything that works on it."""

    repo: git.Repository
    places: Places
    sandbox: Sandbox
    workspaces: Workspaces
    verifier: Verifier
    events: list[Event]

    @property
    def head(self) -> str:
        return git.head_commit(self.repo)


@pytest.fixture(scope="session")
def toolchains() -> Toolchains:
    """What this machine's PATH leads to; asked once for all tests."""
    return find_toolchains(Path.home(), "/root/.pyenv/shims:/usr/local/bin:/usr/bin:/bin")


def ground(root: Path, toolchains: Toolchains, sandbox: Sandbox) -> Ground:
    """Build everything around the checkout `root`, with the user's folders beside it."""
    repo = git.open_repository(root)
    user = root.parent / "user"
    places = Places(
        root=repo.root,
        user=UserPlaces(config=user / "config", state=user / "state", cache=user / "cache"),
        git_dir=repo.git_dir,
    )
    workspaces = Workspaces(repo, places, sandbox, toolchains=toolchains)
    events: list[Event] = []
    bus = EventBus([events.append])
    verifier = Verifier(repo, workspaces, sandbox, places.outputs, bus, 30)
    return Ground(repo, places, sandbox, workspaces, verifier, events)


@pytest.fixture
def site(tmp_path: Path, toolchains: Toolchains) -> Ground:
    root = make_repository(tmp_path / "checkout", FILES)
    return ground(root, toolchains, find_sandbox("bwrap"))
