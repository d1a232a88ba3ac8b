from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from pipeline.rehearsal.script import Script
from pipeline.rehearsal.server import StandIn
from tests.rehearsal.clients import Claude, Gpt

Started = tuple[StandIn, Claude, Gpt]


@pytest.fixture
def start() -> Iterator[Callable[..., Started]]:
    """Start stand-ins with clients; all of them are closed after the test."""
    with ExitStack() as stack:

        def started(script: Script, **options: object) -> Started:
            server = stack.enter_context(StandIn(script, **options))
            claude, gpt = Claude(server), Gpt(server)
            stack.callback(claude.close)
            stack.callback(gpt.close)
            return server, claude, gpt

        yield started
