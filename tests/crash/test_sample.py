"""A sample of `make crash`: kills and disks at points that matter, and a few group kills."""

import errno
from pathlib import Path

import pytest

from tests.crash.groups import try_kills
from tests.crash.story import STEPS
from tests.crash.trials import Stage, Trial
from tests.crash.troubles import ROOM, TROUBLES
from tests.kill.watcher import GO, Decision, Point, Watcher

SAMPLE = {
    "kill": ("git:rename:repo/.git/refs/heads/pipeline",),
    "full": ("pipeline:rename:repo/.workflow/planning",),
    "sync": ("pipeline:fsync:repo/.git/refs/heads/pipeline",),
}
"""Trouble -> how the names of points begin at which it is tried, once each, as late as possible."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("crash"))


def test_the_story_has_the_points_that_must_be_tried(stage: Stage) -> None:
    assert len(stage.places(TROUBLES["kill"])) > 300
    names = {place.name.split(":")[1] for place in stage.places(TROUBLES["kill"])}
    assert {"write", "rename", "fsync", "fdatasync", "unlink", "execve"} <= names


@pytest.mark.parametrize(
    ("trouble", "start"), [(name, start) for name, starts in SAMPLE.items() for start in starts]
)
def test_what_comes_at_a_system_call_loses_nothing(stage: Stage, trouble: str, start: str) -> None:
    found = [one for one in stage.places(TROUBLES[trouble]) if one.name.startswith(start)]
    result = stage.try_out(Trial(trouble, found[-1]))
    assert result.problem is None
    assert not result.was_late
    assert result.reads > 0


def _no_room(point: Point) -> Decision:
    return errno.ENOSPC if point.call in ROOM else GO


def test_a_full_disk_is_found_before_a_model_is_asked(stage: Stage, scratch: Path) -> None:
    lane = stage.lane
    lane.restore(str(STEPS.index((("plan",), 3))))
    with lane.models() as stand_in:
        with Watcher(scratch / "line", lane.live, _no_room) as watcher:
            ended = lane.run("plan", watch=watcher.line)
        assert ended.code == 1
        assert ended.err.splitlines()[-1] == (
            f"pipeline: cannot write '{lane.workflow}/room': No space left on device; "
            "mend that and run again"
        )
        assert stand_in.requests == []


def test_groups_killed_at_random_moments_lose_nothing(scratch: Path) -> None:
    told = try_kills(scratch, kills=3, issues=2, longest_s=0.8, say=print)
    assert told.problems == []
    assert told.kills == 3
