"""Imported once by the server that commands fork from: plays a story, so that all is warm.

The pipeline imports the vendors' SDKs when it needs them, and they build what they need when they
need it. No thread may be left: a process with one is not safe to fork.
"""

import contextlib
import gc
import io
import os
import tempfile
import threading
from pathlib import Path

from tests.kill import driver, scenario
from tests.kill.lane import Lane

STORY = (
    *(step.words for step in scenario.SET_UP[:2]),
    ("plan",),
    ("approve", "SOL-ISS-A-1"),
    ("run",),
    ("issues", "--json"),
)
GRACE_S = 10


def play() -> None:
    """Take one issue from the backlog to its commit in this process, in a folder of its own."""
    before = dict(os.environ)
    said = io.StringIO()
    with tempfile.TemporaryDirectory(prefix="pipeline-warm-") as folder:
        lane = Lane(Path(folder) / "lane")
        with lane.models(), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            os.environ.update(lane.environment())
            for words in STORY:
                driver.run(words, lane.root)
    os.environ.clear()
    os.environ.update(before)
    gc.collect()  # the thread that starts a sandbox's commands ends with the sandbox
    for thread in set(threading.enumerate()) - {threading.main_thread()}:
        thread.join(GRACE_S)
    if threading.active_count() > 1:
        raise RuntimeError(f"threads are left: {threading.enumerate()}; {said.getvalue()[-500:]}")


play()
