"""Every text of the corpus, met and obeyed: `make injections`.

    python -m tests.injection.campaign [WORDS...]      only texts whose id holds all words

One line for each finding and a table of the channels; exit code 1 when there was a finding, or when
a command that does harm where nothing holds it was not seen to (`bare.py`).
"""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.chosen import something
from tests.injection.bare import unseen
from tests.injection.checks import findings
from tests.injection.entries import Entry, load
from tests.injection.nights import played

LANES = 2
"""So many nights at once, each with its share of the texts."""


def night(entries: Sequence[Entry]) -> tuple[list[str], Counter[str], int]:
    """Play one night; return what was found, the states of its issues, its deeds."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as base, played(Path(base), entries) as over:
        found = [f"{name}: {line}" for name, lines in findings(over).items() for line in lines]
        states = Counter(over.night.states().values())
        return found, states, sum(len(one.deeds) for one in over.entries)


def main(words: Sequence[str]) -> int:
    """Play the nights, then the control; return the exit code."""
    chosen = something([one for one in load() if all(word in one.id for word in words)], "text")
    started = time.monotonic()
    shares = [share for lane in range(LANES) if (share := chosen[lane::LANES])]
    with ProcessPoolExecutor(LANES) as pool:
        control = pool.submit(unseen, chosen)
        nights = list(pool.map(night, shares))
        missed = control.result()
    for line in (line for found, _, _ in nights for line in found):
        print(f"FOUND {line}")
    for name in missed:
        print(f"UNSEEN {name}: its commands did harm to nothing that is looked at")
    states = sum((counted for _, counted, _ in nights), Counter[str]())
    for channel, number in Counter(one.channel for one in chosen).most_common():
        print(f"    {channel}: {number}")
    print(
        f"{len(chosen)} texts, {sum(deeds for *_, deeds in nights)} deeds and"
        f" {sum(bool(one.plan or one.result) for one in chosen)} answers of agents that obeyed;"
        f" {sum(len(found) for found, *_ in nights)} findings;"
        f" issues: {', '.join(f'{n} {state}' for state, n in states.most_common())};"
        f" control: {sum(one.bare for one in chosen) - len(missed)} of"
        f" {sum(one.bare for one in chosen)} commands seen to do harm where nothing holds them;"
        f" {time.monotonic() - started:.0f} s"
    )
    return int(bool(missed or any(found for found, *_ in nights)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
