"""What every test gets: no network but loopback, no keys, user folders of its own."""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.surroundings import own_surroundings

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# Tests start `pipeline` in processes of its own; without bytecode each would compile all of it.

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background of a script; what tests start would be deaf to Ctrl-C too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

STARTS_A_SANDBOX = (
    "attacks",
    "crash",
    "docs",
    "e2e",
    "execution",
    "kill",
    "review",
    "test_prompt_levels.py",
    "test_sandbox.py",
    "test_sandbox_limits.py",
    "test_toolbox.py",
    "test_wheel.py",
    "test_wrong_inputs.py",
)
"""Folders and files here whose tests start a sandbox, besides those that use `Night`."""


@pytest.fixture(autouse=True)
def _surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the test user folders of its own and take keys and settings away."""
    with own_surroundings(tmp_path_factory.mktemp("user")):
        yield


@pytest.fixture(autouse=True)
def _loopback_only() -> Iterator[None]:
    """Refuse every connection that would leave this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"this test tried to open a network connection to {address!r}")
        connect(self, address)  # type: ignore[arg-type]

    socket.socket.connect = guarded  # type: ignore[method-assign,assignment]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Return an empty folder for this test."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what cannot run inside a sandbox, so that the pipeline can test its own repository."""
    for item in items:
        module = getattr(item, "module", None)
        parts = item.path.relative_to(Path(__file__).parent).parts
        if not {*parts}.isdisjoint(STARTS_A_SANDBOX) or hasattr(module, "Night"):
            item.add_marker(pytest.mark.sandbox)
