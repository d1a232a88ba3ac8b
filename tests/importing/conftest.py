"""A repository to type commands in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.rehearsal.scripting import any_issue
from tests.e2e.night import Night


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    """Return a repository with a stand-in whose agents do the least for any issue."""
    with Night(tmp_path / "repo", any_issue()) as made:
        yield made
