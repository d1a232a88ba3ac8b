"""Where things lie."""

import os
from pathlib import Path

import pytest

from pipeline.paths import Places, UserPlaces


def test_user_folders_follow_the_environment(scratch: Path) -> None:
    for kind in ("CONFIG", "STATE", "CACHE"):
        os.environ[f"XDG_{kind}_HOME"] = str(scratch / kind)

    user = UserPlaces.from_environment()

    assert user.config == scratch / "CONFIG" / "pipeline"
    assert user.state == scratch / "STATE" / "pipeline"
    assert user.cache == scratch / "CACHE" / "pipeline"


@pytest.mark.parametrize("name", ["approval_key", "trust_file", "repo_cache", "user_config"])
def test_what_a_repository_must_not_touch_lies_outside_of_it(scratch: Path, name: str) -> None:
    user = UserPlaces(Path("/u/config"), Path("/u/state"), Path("/u/cache"))

    place: Path = getattr(Places(scratch, user, scratch / ".git"), name)

    assert place.is_relative_to("/u")


def test_worktrees_of_one_repository_share_their_cache() -> None:
    user = UserPlaces(Path("/u/config"), Path("/u/state"), Path("/u/cache"))
    one, two, other = (
        Places(Path(root), user, Path(git))
        for root, git in (("/a", "/r/.git"), ("/b", "/r/.git"), ("/a", "/s/.git"))
    )

    assert one.repo_cache == two.repo_cache != other.repo_cache
    assert one.journal == Path("/a/.workflow/journal.jsonl")
