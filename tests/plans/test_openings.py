"""A reviewer sees with each glob why it is open."""

from pipeline.plans.openings import BY_SETTING, openings
from pipeline.settings import LOCK_FILES, TEST_FILES, Settings


def test_every_glob_that_the_settings_open_by_default_has_its_reason() -> None:
    found = openings(Settings().may_touch)

    assert [one.why.partition(",")[0] for one in found] == ["tests", "lock files"]
    assert [one.globs for one in found] == [TEST_FILES, LOCK_FILES]


def test_what_somebody_opened_says_so_and_nothing_is_left_out() -> None:
    given = ("docs/**", LOCK_FILES[0], "**/tests/**", "notes.md")

    found = {one.why: one.globs for one in openings(given)}

    assert found[BY_SETTING] == ("docs/**", "notes.md")
    assert sorted(glob for globs in found.values() for glob in globs) == sorted(given)
    assert openings(()) == []
