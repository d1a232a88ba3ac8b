"""An environment in which nothing of the person at this machine is seen or touched."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.builders import GIT_ENVIRONMENT

KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "OPENAI_API_KEY", "OPENAI_CHAT_API_KEY")


@contextmanager
def own_surroundings(home: Path) -> Iterator[None]:
    """Give the block user folders of its own in `home` and take keys and settings away.

    This Python is the first on the path, as in an activated environment: a version manager's shim
    takes ten times as long to start as what is tested.
    """
    before = dict(os.environ)
    for name in list(os.environ):
        if name in KEYS or name.startswith(("PIPELINE_", "GIT_")):
            del os.environ[name]
    os.environ.update(GIT_ENVIRONMENT)
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{before['PATH']}"
    for kind in ("CONFIG", "STATE", "CACHE", "DATA"):
        os.environ[f"XDG_{kind}_HOME"] = str(home / kind.lower())
    yield
    os.environ.clear()
    os.environ.update(before)
