"""Attacks from inside the sandbox, by a program that does whatever it likes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.sandbox import Jail, find_sandbox

BWRAP = find_sandbox("bwrap")


@pytest.fixture
def jail(tmp_path: Path) -> Iterator[Jail]:
    """A jail with nothing in it."""
    for name in ("workspace", "checkout", "objects"):
        (tmp_path / name).mkdir()
    yield Jail(tmp_path / "workspace", tmp_path / "checkout", tmp_path / "objects")


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
