"""A sample of `make kill`: each kind of point once, in one story."""

from pathlib import Path
from subprocess import CalledProcessError
from typing import get_args

import orjson
import pytest

from pipeline.store.entries import AnyEntry
from tests.builders import git
from tests.kill import scenario
from tests.kill.checks import PHASES
from tests.kill.gauntlet import SPARED, run_gauntlet
from tests.kill.lane import Lane

KINDS = {kind.model_fields["kind"].default for kind in get_args(AnyEntry)}
JOURNAL = {f"journal:{when}:{kind}" for kind in KINDS for when in ("before", "after")}
OTHERS = {
    *(f"render:{when}:{name}" for when in ("before", "after") for name in PHASES),
    "update-ref:before",
    "update-ref:after",
    "update-ref:start:refs/heads/pipeline",
    "update-ref:start:refs/pipeline/checkpoints",
    "update-ref:start:refs/pipeline/failed",
    "update-ref:start:refs/pipeline/recovery",
}


@pytest.fixture
def lane(tmp_path: Path) -> Lane:
    return Lane(tmp_path / "lane")


def entries(lane: Lane, kind: str) -> list[dict[str, str]]:
    lines = map(orjson.loads, (lane.workflow / "journal.jsonl").read_bytes().splitlines())
    return [line["data"] for line in lines if line["kind"] == kind]


def test_a_death_at_each_kind_of_point_loses_nothing_and_does_nothing_twice(lane: Lane) -> None:
    deaths = run_gauntlet(lane)

    never = {one for one in JOURNAL if one.split(":")[2] in scenario.NEVER_HERE}
    assert set(deaths) == (JOURNAL - never | OTHERS) - SPARED
    assert len(deaths) == len(set(deaths))


@pytest.fixture(scope="module")
def about_to_land(tmp_path_factory: pytest.TempPathFactory) -> Lane:
    """Return a lane whose state `killed` is that of a death just before the first landing."""
    lane = Lane(tmp_path_factory.mktemp("landing") / "lane")
    spared = frozenset(JOURNAL | OTHERS) - {"journal:after:landing_begun"}
    with lane.models():
        for step in scenario.SET_UP[:2]:
            lane.must(*step.words)
        lane.must("plan", codes=(3,))
        lane.must("approve", "SOL-ISS-A-1")
        assert lane.run("run", spared=spared).was_killed
    lane.save("killed")
    return lane


@pytest.mark.parametrize("outlives", [True, False])
def test_what_was_about_to_land_lands_once_even_when_git_outlives_the_kill(
    about_to_land: Lane, outlives: bool
) -> None:
    lane = about_to_land
    lane.restore("killed")
    (landing,) = entries(lane, "landing_begun")
    (run,) = entries(lane, "run_opened")
    move = ("update-ref", f"refs/heads/{run['branch']}", landing["commit"], landing["expected"])
    if outlives:
        git(lane.root, *move)

    with lane.models():
        lane.must("run")

    (record,) = lane.document("execution")
    assert (record["status"], record["recovered"]) == ("completed", True)
    assert record["commit_hash"] == landing["commit"]
    assert git(lane.root, "rev-list", f"main..{run['branch']}") == landing["commit"]
    with pytest.raises(CalledProcessError):
        git(lane.root, *move)
