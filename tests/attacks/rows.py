"""The attacks of `attacks.toml`, each as one script for bash."""

import platform
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.sandbox import Profile
from pipeline.sandbox.seccomp import MACHINES, NUMBERS, X32

Kind = Literal["escape", "exfiltration", "symlink", "exhaustion", "persistence"]
TABLE = Path(__file__).with_name("attacks.toml")
BASH = 'hit() { echo "BREACH""ED $*"; }\n'
PYTHON = "def hit(): print('BREACH' + 'ED')\n"
CALL = """
import ctypes as c, os, struct
L = c.CDLL(None, use_errno=True)
if L.syscall({number}, {arguments}) {wins}:
    hit()
"""


@dataclass(frozen=True)
class Attack:
    """One attack; what its fields mean stands in the table."""

    name: str
    kind: Kind
    script: str = ""
    python: str = ""
    call: str = ""
    arguments: str = ""
    wins: str = ">= 0"
    landlock: str | None = None
    profile: Profile = "execute"
    works_bare: bool = False
    timeout_s: float = 10

    @property
    def text(self) -> str:
        """Return what bash runs."""
        return BASH + (self.script or f"python3 - 2>/dev/null <<'END'\n{PYTHON}{self._code()}\nEND")

    def _code(self) -> str:
        if self.python:
            return self.python
        return CALL.format(number=_number(self.call), arguments=self.arguments, wins=self.wins)


def _number(call: str) -> int:
    column, _ = MACHINES[platform.machine()]
    found = X32 | 39 if call == "x32" else NUMBERS[call][column]
    assert found is not None, call
    return found


ATTACKS: tuple[Attack, ...] = tuple(
    Attack(**row) for row in tomllib.loads(TABLE.read_text("utf-8"))["attack"]
)
