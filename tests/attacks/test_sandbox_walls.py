"""Attacks from inside the sandbox, by a program that does whatever it likes."""

import time
from pathlib import Path

import pytest

from pipeline.sandbox import Bubblewrap, Jail

BWRAP = Bubblewrap("bwrap")


@pytest.fixture
def jail(tmp_path: Path) -> Jail:
    """A jail with nothing in it."""
    for name in ("workspace", "checkout", "objects"):
        (tmp_path / name).mkdir()
    return Jail(tmp_path / "workspace", tmp_path / "checkout", tmp_path / "objects")


WRITABLE_SETTINGS_OF_THE_KERNEL = """
import os
found = []
for folder, folders, files in os.walk("/proc"):
    if folder == "/proc":
        folders[:] = [name for name in folders if not name.isdigit()]
    found += [p for name in files if os.access(p := os.path.join(folder, name), os.W_OK)]
print(*[p for p in found if not p.startswith("/proc/pressure/")])
"""


@pytest.mark.parametrize("profile", ["plan", "execute"])
def test_no_setting_of_the_kernel_can_be_opened_for_writing(jail: Jail, profile: str) -> None:
    script = f"python3 - <<'END'\n{WRITABLE_SETTINGS_OF_THE_KERNEL}\nEND"

    done = BWRAP.run(script, jail, "plan" if profile == "plan" else "execute", timeout_s=20)

    assert done.output.decode().strip() == ""


DAEMON = """
import os, time
if os.fork():
    time.sleep(0.1)
    os._exit(0)
os.setsid()
os.closerange(0, 64)
while True:
    with open("beat", "w") as file:
        file.write(str(time.monotonic_ns()))
"""


def test_nothing_in_the_background_writes_after_its_command_has_ended(jail: Jail) -> None:
    late = []
    for _ in range(8):
        BWRAP.run(f"python3 - <<'END'\n{DAEMON}\nEND", jail, "execute", timeout_s=20)
        ended = time.monotonic_ns()
        until = ended + 20_000_000
        while time.monotonic_ns() < until:
            said = (jail.workspace / "beat").read_text()
            late += [int(said)] if said and int(said) > ended else []

    assert late == []


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 7", 7), ("kill -9 $$", 137), ("kill $$; exit 1", 143), ("true; false", 1), ("true", 0)],
)
def test_a_command_ends_with_its_own_exit_code_and_its_own_words(
    jail: Jail, script: str, code: int
) -> None:
    done = BWRAP.run(f"echo out; echo err >&2; {script}", jail, "execute", timeout_s=20)

    assert (done.exit_code, done.output) == (code, b"out\nerr\n")
