"""What the model is sent: two heads that never change, and ledgers that only grow."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import orjson
import pytest

from pipeline.rehearsal.scripting import any_issue
from pipeline.rehearsal.server import LoggedRequest
from tests.e2e.night import Night

ISSUES = ("ISS-1", "ISS-2", "ISS-3")
HEAD: dict[str, tuple[str, ...]] = {
    "anthropic": ("tools", "system"),
    "openai": ("tools", "instructions"),
}
"""Vendor -> the fields of a request that hold nothing but the head."""


def heads(requests: Sequence[LoggedRequest]) -> list[str]:
    """Return the different heads in the order in which they came up."""
    return list(dict.fromkeys(one.head_sha256 for one in requests))


def growth(requests: Sequence[LoggedRequest]) -> list[int]:
    """Return how long the ledger was at each request, proving that it was only appended to."""
    for before, after in pairwise(requests):
        assert after.ledger[: len(before.ledger)] == before.ledger
    return [len(one.ledger) for one in requests]


def head_bytes(request: LoggedRequest) -> bytes:
    """Return the frozen part of a request as it was sent, without cache marks."""
    sent = [request.body.get(field) for field in HEAD[request.vendor]]
    return orjson.dumps(sent)


@pytest.mark.parametrize(
    ("planner", "executor"), [("anthropic", "openai"), ("openai", "anthropic")]
)
def test_a_run_has_exactly_two_heads_and_its_ledgers_only_grow(
    tmp_path: Path, planner: str, executor: str
) -> None:
    with Night(tmp_path / "repo", any_issue(), planner=planner, executor=executor) as night:
        night.add(*ISSUES)
        night.run("plan")
        night.approve_all()
        assert night.run("run").code == 0

        requests = night.stand_in.requests
        assert len(heads(requests)) == 2
        for agent in ("planner", "executor"):
            own = night.requests(agent)
            assert len(heads(own)) == 1
            assert len({head_bytes(one) for one in own}) == 1
            assert growth(own)[0] == 0
            assert growth(own)[-1] == len(ISSUES) - 1


def test_a_process_that_resumes_the_run_goes_on_with_the_same_heads_and_ledgers(
    tmp_path: Path,
) -> None:
    with Night(tmp_path / "repo", any_issue()) as night:
        night.add("ISS-1", "ISS-2")
        night.run("plan")
        night.run("approve", "SOL-ISS-1-1")
        assert night.run("run").code == 3
        night.run("approve", "SOL-ISS-2-1")
        night.add("ISS-3")

        resumed = night.process("run")
        _, err = resumed.communicate(timeout=60)

        assert resumed.returncode == 3, err
        assert len(heads(night.stand_in.requests)) == 2
        assert growth(night.requests("planner")) == [0, 1, 2]
        assert growth(night.requests("executor"))[-1] == 1
        assert len(night.branch.splitlines()) == 1, "the second process continued the run"
