"""The whole fault matrix, then a night of 60 issues with errors and an outage: `make faults`.

python -m tests.faults.campaign [WORDS...]      only cells whose name holds all words
"""

import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from tests.chosen import something
from tests.faults.matrix import CANNOT, PLACES, TROUBLES, VENDORS, cells
from tests.faults.night import bad_night
from tests.faults.trial import run_cell
from tests.surroundings import own_surroundings


def main(words: list[str]) -> int:
    """Run the cells and say what came of them; return the exit code."""
    chosen = something([one for one in cells() if all(word in one.id for word in words)], "cell")
    failed: list[str] = []
    took: Counter[str] = Counter()
    started = time.monotonic()
    for cell in chosen:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            try:
                run_cell(cell, Path(folder))
            except Exception:  # noqa: BLE001 - a cell that fails must not end the campaign
                failed.append(cell.id)
                print(f"FAILED {cell.id}\n{traceback.format_exc()}", file=sys.stderr)
        took[cell.trouble] += int(1000 * (time.monotonic() - begun))
    possible = len(VENDORS) * len(TROUBLES) * len(PLACES)
    left_out = len(VENDORS) * sum(len(places) for places in CANNOT.values())
    assert words or len(chosen) == possible - left_out
    print(
        f"{len(chosen)} cells, {len(failed)} failed, {time.monotonic() - started:.0f} s;"
        f" {left_out} of {possible} cannot be (tests/faults/matrix.py, CANNOT)"
    )
    for trouble, ms in took.most_common(5):
        print(f"    {trouble}: {ms / 1000:.1f} s")
    if not words:
        with tempfile.TemporaryDirectory() as folder, own_surroundings(Path(folder) / "user"):
            print(bad_night(Path(folder) / "repo", issues=60))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
