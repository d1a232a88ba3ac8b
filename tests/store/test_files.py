"""What a crash leaves of a file that is replaced as a whole."""

import os
import subprocess
import sys
from pathlib import Path

from pipeline.store.files import remove_all_temporaries, remove_temporaries, write_atomic

KILLED = """
import os, signal, sys
from pathlib import Path
from pipeline.store.files import write_atomic
sys.addaudithook(lambda event, _: event == "os.rename" and os.kill(os.getpid(), signal.SIGKILL))
write_atomic(Path(sys.argv[1]), b"new")
"""


def test_a_killed_writer_leaves_the_old_content_and_the_next_one_clears_up(scratch: Path) -> None:
    path = scratch / "report.md"
    write_atomic(path, b"old")
    subprocess.run([sys.executable, "-c", KILLED, str(path)])
    assert path.read_bytes() == b"old"
    assert len(list(scratch.iterdir())) == 2

    write_atomic(path, b"newer")

    assert path.read_bytes() == b"newer"
    assert list(scratch.iterdir()) == [path]


def test_a_living_writer_and_other_files_keep_their_temporaries(scratch: Path) -> None:
    living = scratch / f".report.md.{os.getpid()}.tmp"
    other = scratch / ".report.json.999999999.tmp"
    living.touch()
    other.touch()

    remove_temporaries(scratch / "report.md")

    assert living.exists()
    assert other.exists()

    remove_all_temporaries(scratch)
    remove_all_temporaries(scratch / "that was never made")

    assert living.exists()
    assert not other.exists()
