"""Places outside of the workspace: which a grant opens, which none does."""

from pathlib import Path

import pytest

from pipeline.domain.solution import Operation, Privilege
from pipeline.paths import Places, UserPlaces
from pipeline.plans.external import closed_places, external_problem, opened


@pytest.fixture
def places(scratch: Path) -> Places:
    for name in ("repo/.git", "repo/.workflow", "state", "config", "cache/x", "data", "else/where"):
        (scratch / name).mkdir(parents=True)
    (scratch / "link").symlink_to(scratch / "repo")
    user = UserPlaces(scratch / "config", scratch / "state", scratch / "cache")
    return Places(scratch / "repo", user, scratch / "repo" / ".git")


def asked(target: Path) -> Privilege:
    return Privilege(operation=Operation.FILE_WRITE_EXTERNAL, target=str(target))


@pytest.mark.parametrize("name", ["data", "else", "else/where"])
def test_a_place_of_the_users_can_be_opened(places: Places, name: str) -> None:
    place = places.root.parent / name
    assert external_problem(str(place), closed_places(places)) is None
    assert opened([asked(place)], closed_places(places)) == (place,)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("repo", "closed to every plan"),
        ("repo/.git", "closed to every plan"),
        ("repo/.workflow", "closed to every plan"),
        ("state", "closed to every plan"),
        ("config", "closed to every plan"),
        ("cache/x", "closed to every plan"),
        (".", "closed to every plan"),
        ("/", "closed to every plan"),
        ("missing", "is not there"),
        ("link", "name the place itself"),
        ("/etc", "belongs to the machine"),
        ("/proc/sys", "belongs to the machine"),
        ("/dev/shm", "belongs to the machine"),
    ],
)
def test_a_closed_place_is_refused_with_what_to_do(places: Places, name: str, words: str) -> None:
    place = places.root.parent / name
    assert words in str(external_problem(str(place), closed_places(places)))
    assert opened([asked(place)], closed_places(places)) == ()


def test_the_home_folder_its_parents_and_its_settings_are_closed(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = scratch / "home" / "me"
    for name in (".ssh", "data/.hidden"):
        (home / name).mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    for place in (home, home.parent):
        assert "home folder" in str(external_problem(str(place), ()))
    assert "settings" in str(external_problem(str(home / ".ssh"), ()))
    for place in (home / "data", home / "data" / ".hidden"):
        assert external_problem(str(place), ()) is None
