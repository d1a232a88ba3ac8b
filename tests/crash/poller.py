"""An outside reader: jq parses both results documents again and again while something happens."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from types import TracebackType

from tests.kill.lane import Wrong

LOOP = """
while :; do
    for phase in planning execution; do
        file="$1/$phase-results.json"
        if [ -e "$file" ]; then
            jq -e ".phase == \\"$phase\\" and (.results | type == \\"array\\")" "$file" \
                >/dev/null 2>>"$2.why" && printf . >>"$2.good" || echo "$phase" >>"$2.bad"
        fi
    done
    sleep 0.01
done
"""


class Poller:
    """Reads the documents of a `.workflow/` while inside; raises `Wrong` at the end of a bad one.

    `reads` counts the documents that were read and whole, over all uses.
    """

    def __init__(self, workflow: Path, notes: Path) -> None:
        if shutil.which("jq") is None:
            raise SystemExit("jq is missing: sudo apt-get install jq")
        self.reads = 0
        self._notes = notes
        self._seen = notes.with_name(f"{notes.name}.seen")
        self._seen.symlink_to(workflow)  # a name of its own: it does not work in the lane

    def __enter__(self) -> "Poller":
        for kind in ("good", "bad", "why"):
            self._note(kind).write_text("")
        words = ["nice", "sh", "-c", LOOP, "poll", str(self._seen), str(self._notes)]
        self._process = subprocess.Popen(words, cwd="/", start_new_session=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait()
        self.reads += self._note("good").stat().st_size
        if error is None and (bad := self._note("bad").read_text().split()):
            why = self._note("why").read_text().strip()[-300:]
            raise Wrong(f"a reader found an invalid document {len(bad)} times ({bad[0]}): {why}")

    def _note(self, kind: str) -> Path:
        return self._notes.with_name(f"{self._notes.name}.{kind}")
