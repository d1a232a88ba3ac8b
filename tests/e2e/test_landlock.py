"""A night without bubblewrap: it works, and whoever reads of it is told what Landlock lacks."""

import os
import platform
from pathlib import Path

import pytest

from pipeline.rehearsal.scripting import edit, execute, plan
from pipeline.sandbox import LACKS
from pipeline.sandbox.landlock import OLDEST_ABI, abi
from tests.e2e.night import Night

has_landlock = abi() >= OLDEST_ABI and platform.machine() == "x86_64"


@pytest.mark.skipif(not has_landlock, reason=f"LOUD: this kernel's Landlock has version {abi()}")
def test_doctor_and_report_say_that_landlock_is_weaker_and_what_it_lacks(tmp_path: Path) -> None:
    change = edit("app.py", "return a + b", "return b + a")
    script = plan(files={"app.py": "modify"}) + execute(edits=[change])
    with Night(tmp_path / "repo", script) as night:
        os.environ["PIPELINE_SANDBOX_KIND"] = "landlock"
        doctor = night.run("doctor").out
        night.add("ISS-1")
        assert night.run("plan").code == 3
        night.approve_all()
        ended = night.run("run")
        assert ended.code == 0, ended.err
        report = night.run("report").out

    assert "sandbox: landlock" in str(night.executed()[0]["verification"])
    for page, words in ((doctor, "weaker than bubblewrap"), (report, "A weaker sandbox")):
        told = " ".join(page.split())
        assert words in told
        assert all(lack in told for lack in LACKS), page
