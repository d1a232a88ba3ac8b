"""The lines of the page on runs that wait, in its order."""

import os
import re
import shlex
import signal
from pathlib import Path

from pipeline.rehearsal.scripting import any_issue
from tests.docs.pages import page
from tests.e2e.live import WAITS, live
from tests.e2e.night import Night

NUMBERS = re.compile(r"\d+-\d+-\w+|\d\d:\d\d|(?<=pid )\d+")


def test_the_lines_of_the_page_on_waiting_run(tmp_path: Path) -> None:
    waits, shown, *rest = page("docs/waiting.md").code_lines
    with Night(tmp_path / "repo", any_issue()) as night:
        os.environ["PIPELINE_GATE_CHECKPOINT_EVERY"] = "1"
        night.add("ISS-1", "ISS-2")
        night.run("plan")
        night.approve_all()
        with live(night, *shlex.split(waits)[1:]) as run:
            run.until(WAITS)
            status = night.run("status").out.splitlines()
            run.stop(signal.SIGTERM)

        assert NUMBERS.sub("#", status[0]) == NUMBERS.sub("#", shown)
        for line in rest:
            ended = night.run(*shlex.split(line)[1:])
            assert ended.code == 0, f"{line}\n{ended.err}"
        assert len(night.commits()) == 2
