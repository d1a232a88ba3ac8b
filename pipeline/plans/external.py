"""Places outside of the workspace that a plan may ask to write, and those that none may."""

from collections.abc import Iterable
from pathlib import Path

from pipeline.domain.solution import Operation, Privilege
from pipeline.paths import Places

MACHINE = tuple(
    map(
        Path,
        (
            *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sbin"),
            *("/sys", "/usr"),
        ),
    )
)
"""The machine's own folders: what is in them belongs to every program and user."""


def closed_places(places: Places) -> tuple[Path, ...]:
    """Return the folders that no grant opens: the repository and the pipeline's own."""
    user = places.user
    return (places.root, places.git_dir, user.config, user.state, user.cache)


def external_problem(target: str, closed: Iterable[Path]) -> str | None:
    """Return why `file_write_external` cannot open a place, with what to do; None when it can.

    Where the place is decides, links followed. What begins with a dot in the home folder are the
    settings and keys of the user's programs.
    """
    place, home = Path(target), Path.home().resolve()
    if not place.exists():
        return "is not there: name a file or folder that exists"
    real = place.resolve()
    if real != place:
        return f"is reached by a link: name the place itself, {str(real)!r}"
    for one in map(Path.resolve, closed):
        if one.is_relative_to(real) or real.is_relative_to(one):
            return f"is closed to every plan, because of {str(one)!r}: name another place"
    if home.is_relative_to(real):
        return "is the home folder, or holds it: name one folder in it"
    if real.is_relative_to(home) and real.relative_to(home).parts[0].startswith("."):
        return "holds settings of the user's programs: name another place"
    if any(real.is_relative_to(one) for one in MACHINE):
        return "belongs to the machine itself: name another place"
    return None


def opened(privileges: Iterable[Privilege], closed: Iterable[Path]) -> tuple[Path, ...]:
    """Return the places that granted privileges open, those left out that nothing may open."""
    walls = tuple(closed)
    asked = [one.target for one in privileges if one.operation is Operation.FILE_WRITE_EXTERNAL]
    return tuple(Path(target) for target in asked if external_problem(target, walls) is None)
