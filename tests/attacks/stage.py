"""A host with secrets, listeners and a process, for attacks; and whether one got through.

python3 -m tests.attacks.stage bwrap      every attack, as whoever runs it; what got through
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.proc import Finished
from pipeline.sandbox import CommandLimits, Jail, Kind, Sandbox, Terms, find_sandbox
from tests.attacks.rows import ATTACKS, Attack

TERMS = Terms(CommandLimits(memory_mb=512, processes=200, file_mb=64, cpu_seconds=20, disk_mb=100))
HIT = b"BREACHED"


@dataclass(frozen=True)
class Stage:
    """One host to attack."""

    base: Path
    secret: str
    listeners: tuple[socket.socket, ...]
    host: "subprocess.Popen[bytes]"
    tmp: Path
    shm: Path

    def attack(self, sandbox: Sandbox, one: Attack) -> list[str]:
        """Run one attack in a workspace of its own; return what it achieved."""
        folder = Path(tempfile.mkdtemp(dir=self.base / "workspaces"))
        workspace = folder / "tree"
        (workspace / ".venv").mkdir(parents=True)
        if sandbox.name != "bwrap":
            (workspace / ".venv").rmdir()
            (workspace / ".venv").symlink_to(self.base / "checkout/.venv")
        before = self._seen()
        script = self._names() + one.text
        jail = self._jail(workspace)
        profile = "execute" if sandbox.name == "none" else one.profile
        done = sandbox.run(script, jail, profile, timeout_s=one.timeout_s)
        found = list(self._achieved(done, one))
        after = self._seen()
        found += [f"changed {name}" for name in before.keys() | after.keys()
                  if before.get(name) != after.get(name)]  # fmt: skip
        shutil.rmtree(folder, ignore_errors=True)
        return found

    def _jail(self, workspace: Path) -> Jail:
        base = self.base
        return Jail(
            workspace=workspace,
            checkout=base / "checkout",
            objects=base / "checkout/.git/objects",
            keep=(base / "checkout/.venv",),
            hide=(base / "state",),
        )

    def _names(self) -> str:
        tcp, udp, daemon, abstract = (one.getsockname() for one in self.listeners)
        values = {
            "CHECKOUT": self.base / "checkout",
            "HOME_OF_USER": self.base / "home",
            "STATE": self.base / "state",
            "OTHER": self.base / "other",
            "OBJECTS": self.base / "checkout/.git/objects",
            "TAG": self.base.name,
            "HOST": self.host.pid,
            "TCP": tcp[1],
            "UDP": udp[1],
            "SOCKET": daemon,
            "ABSTRACT": abstract[1:].decode(),
            "DROP": self.tmp,
            "SHM": self.shm,
        }
        return "".join(f"export {name}='{value}'\n" for name, value in values.items())

    def _achieved(self, done: Finished, one: Attack) -> Iterator[str]:
        if HIT in done.output:
            yield f"succeeded: {done.output[:200]!r}"
        if self.secret.encode() in done.output:
            yield "printed a secret"
        if done.duration_s > one.timeout_s + 2:
            yield f"held us up for {done.duration_s:.1f} s"
        for listener in self.listeners:
            if _reached(listener):
                yield f"reached {listener.getsockname()!r}"
        for place in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if place.read_bytes().startswith(f"survivor-{self.base.name}-".encode()):
                    os.kill(int(place.parent.name), 9)
                    yield "lives on"
        for place in (self.tmp, self.shm):
            if place.exists():
                place.unlink()
                yield f"left {place}"
        if self.host.poll() is not None:
            yield "killed a process of the host"

    def _seen(self) -> dict[str, tuple[int, float, bytes]]:
        """Return mode, time and content of everything that no attack may change."""
        found = {}
        for folder, folders, files in os.walk(self.base):
            if Path(folder) == self.base:
                folders.remove("workspaces")
            for place in (Path(folder, name) for name in (*files, *folders)):
                state = place.lstat()
                content = place.read_bytes() if place.is_file() else b""
                time = state.st_mtime if place.is_file() else 0.0
                found[str(place)] = (state.st_mode, time, content)
        return found


def _reached(listener: socket.socket) -> bool:
    try:
        if listener.type == socket.SOCK_DGRAM:
            listener.recv(100)
        else:
            listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


@contextmanager
def make_stage() -> Iterator[Stage]:
    """Make a host for attacks; its folder is removed at the end."""
    base, secret = Path(tempfile.mkdtemp(prefix="attacks-", dir="/var/tmp")), secrets.token_hex(12)
    files = {
        "checkout/secret.txt": secret,
        "checkout/.git/config": "[core]\n",
        "checkout/.git/hooks/readme": "none",
        "checkout/.git/objects/pack/x": "object",
        "checkout/.workflow/planning-results.json": '{"results": []}',
        "checkout/.venv/pyvenv.cfg": "home = /usr/bin\n",
        "checkout/.venv/bin/tool": "#!/bin/sh\n",
        "home/.ssh/id_rsa": secret,
        "home/.bashrc": f"export KEY={secret}\n",
        "state/key": secret,
        "other/secret.txt": secret,
    }
    for name, content in files.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(content)
    (base / "workspaces").mkdir()
    os.environ["ATTACKED_API_KEY"] = secret
    host = subprocess.Popen(["sleep", "600"], env={"HELD": secret})
    named = subprocess.Popen(["bash", "-c", "read; :", secret], stdin=subprocess.PIPE)
    listeners = [socket.socket(), socket.socket(type=socket.SOCK_DGRAM)]
    listeners += [socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)]
    addresses = [("127.0.0.1", 0)] * 2, [str(base / "daemon"), f"\0attacks-{secret[:6]}"]
    for listener, address in zip(listeners, [*addresses[0], *addresses[1]], strict=True):
        listener.bind(address)
        listener.setblocking(False)
        if listener.type == socket.SOCK_STREAM:
            listener.listen(8)
    tag = secret[:8]
    stage = Stage(
        base, secret, tuple(listeners), host,
        Path(f"/tmp/attack-{tag}"), Path(f"/dev/shm/attack-{tag}"),
    )  # fmt: skip
    try:
        yield stage
    finally:
        del os.environ["ATTACKED_API_KEY"]
        for process in (host, named):
            process.kill()
            process.wait()
        assert named.stdin is not None
        named.stdin.close()
        for listener in listeners:
            listener.close()
        shutil.rmtree(base, ignore_errors=True)


def got_through(kind: Kind, *, without: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Run every attack but those named; return those that achieved something."""
    sandbox, found = find_sandbox(kind, TERMS), {}
    with make_stage() as stage:
        for one in ATTACKS:
            if one.name not in without and (achieved := stage.attack(sandbox, one)):
                found[one.name] = achieved
    return found


if __name__ == "__main__":
    wanted = "landlock" if sys.argv[1:] == ["landlock"] else "bwrap"
    left_out = tuple(one.name for one in ATTACKS if one.landlock and wanted == "landlock")
    through = got_through("landlock" if wanted == "landlock" else "bwrap", without=left_out)
    for name, achieved in through.items():
        sys.stdout.write(f"{name}: {'; '.join(achieved)}\n")
    sys.stdout.write(f"{len(ATTACKS) - len(left_out)} attacks, {len(through)} got through\n")
    sys.exit(bool(through))
