"""What `plan`, `execute` and `run` share: flags to settings, the run lock, signals.

Little is imported until the run lock is taken: working needs most of this package, and whoever
starts a second run has an answer before that.
"""

from collections.abc import Mapping
from pathlib import Path

from pipeline.app.project import open_project
from pipeline.app.stopping import StopFlag
from pipeline.cli.tables import load_function
from pipeline.domain.wanted import Wanted
from pipeline.store.journal import Probe, no_probe
from pipeline.store.run_file import hold


def work(
    repo: Path,
    wanted: Wanted,
    flags: Mapping[str, object],
    *,
    as_json: bool,
    plain: bool = False,
    probe: Probe = no_probe,
) -> int:
    """Work through the wanted phases, then say what stands and what to type next."""
    project = open_project(repo, flags)
    with StopFlag().listening() as stop, hold(project.places) as held:
        work_watched = load_function("watched", "work_watched")
        code: int = work_watched(
            held, project, wanted, stop=stop, as_json=as_json, plain=plain, probe=probe
        )
    if not as_json:
        load_function("closing", "close")(project, code)
    return code
