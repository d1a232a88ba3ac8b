"""What may be spent, as it was said to whoever worked last on the newest run.

a process that works, or was killed     run.json
one that ended                          report.json, which it wrote last
nobody yet                              the settings, without anybody's flags
"""

import os
from collections.abc import Mapping
from typing import Any

import orjson

from pipeline.app.project import Project
from pipeline.safety.budget import caps_of
from pipeline.settings import load_settings
from pipeline.store.balance import Caps
from pipeline.store.run_info import read_run_info
from pipeline.store.state import State


def caps_to_come(project: Project) -> Caps:
    """Return the caps that a command without flags has."""
    return caps_of(load_settings(project.places, os.environ, None).budget)


def last_caps(project: Project, state: State) -> Caps:
    """Return the caps of the process that works, or worked last, on the newest run."""
    run_id = state.runs[-1].run_id if state.runs else None
    info = read_run_info(project.places.run_file)
    try:
        if run_id is not None and info is not None and info.run_id == run_id and info.caps:
            told: dict[str, Any] = info.caps
            return Caps(**told)
        found = orjson.loads(project.places.report_json.read_bytes())
        if run_id is not None and found["run_id"] == run_id:
            return _caps(found["budget"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return caps_to_come(project)


def _caps(budget: Mapping[str, Mapping[str, Mapping[str, int]]]) -> Caps:
    run, day = budget["run"], budget["day"]
    return Caps(
        tokens=run["tokens"]["cap"],
        usd=run["usd"]["cap"],
        minutes=run["minutes"]["cap"],
        day_tokens=day["tokens"]["cap"],
        day_usd=day["usd"]["cap"],
    )
