"""The versions that a bug report needs: of the pipeline, and of what it stands on."""

import platform
import shutil

from pipeline import __version__, proc

PROGRAMS = {"git": ("git", "version"), "bwrap": ("bwrap", "--version")}
"""Name -> what prints its version in the first line."""
SECONDS = 5.0
NOT_THERE = "not found"


def versions() -> dict[str, str]:
    """Return name -> version; whatever cannot be told is said to be so, and nothing is raised."""
    found = {
        "pipeline": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "kernel": f"{platform.release()} {platform.machine()}",
    }
    return found | {name: _version(*words) for name, words in PROGRAMS.items()}


def _version(program: str, word: str) -> str:
    path = shutil.which(program, path=proc.search_path())
    if path is None:
        return NOT_THERE
    try:
        done = proc.run([path, word], timeout_s=SECONDS, env={}, max_output=1000)
    except Exception as error:  # noqa: BLE001 - a log of a bug is written in any case
        return f"cannot be asked: {error!r:.100}"
    said = done.output.decode("utf-8", "replace").strip().splitlines()
    return said[0].removeprefix(f"{program} version ").removeprefix("bubblewrap ") if said else "?"
