"""A server that keeps a call waiting keeps it no longer than its deadline, and leaves nothing."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest

from pipeline.errors import TurnTimedOut
from pipeline.rehearsal.faults import Fault, FaultKind
from pipeline.rehearsal.script import ReplySpec
from pipeline.rehearsal.scripting import turn
from pipeline.rehearsal.server import StandIn
from pipeline.settings import Provider
from tests.agents.providers.asking import SUFFIX, adapter
from tests.agents.providers.vendor import limits, model_request

SCRIPT = turn("executor", "*", ReplySpec(text="Hello."))
DEADLINE_S = 0.4
LATEST_S = 5.0
"""After the deadline, on a machine that has much else to do; none of these servers ever ends."""


def open_sockets() -> int:
    """Count this process's sockets."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum(link.readlink().name.startswith("socket:") for link in links)


@contextmanager
def nothing_left() -> Iterator[None]:
    """Prove that no thread and no socket is left of what happens inside, servers included."""
    threads, sockets = set(threading.enumerate()), open_sockets()
    yield
    for thread in set(threading.enumerate()) - threads:
        thread.join(2)
    assert set(threading.enumerate()) <= threads
    assert open_sockets() <= sockets


def call_until(deadline_s: float, vendor: Provider, url: str) -> float:
    """Make a call that has no chance; return how long it took after its deadline, in seconds."""
    with adapter(vendor, url, retries=3) as provider:
        begun = monotonic()
        with pytest.raises(TurnTimedOut, match="time is over"):
            provider.complete(model_request(), limits(deadline_s))
        return monotonic() - begun - deadline_s


@pytest.mark.parametrize("kind", ["pings", "drip", "hang"])
@pytest.mark.parametrize("vendor", SUFFIX)
def test_a_server_that_keeps_us_waiting_is_left_at_the_deadline(
    vendor: Provider, kind: FaultKind
) -> None:
    with nothing_left(), StandIn(SCRIPT, faults=[Fault(kind, times=9)]) as server:
        assert 0 <= call_until(DEADLINE_S, vendor, server.url) < LATEST_S
        assert [request.fault for request in server.requests] == [kind]


@pytest.mark.parametrize("vendor", SUFFIX)
def test_a_connection_that_is_never_made_is_given_up_at_the_deadline(vendor: Provider) -> None:
    with nothing_left(), socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:  # fill the backlog: whoever comes now is not answered at all
            one.setblocking(False)
            one.connect_ex(address)
        try:
            assert 0 <= call_until(DEADLINE_S, vendor, f"http://127.0.0.1:{address[1]}") < LATEST_S
        finally:
            for one in waiting:
                one.close()
