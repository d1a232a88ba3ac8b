"""A machine to do harm to: what must not change, what must not be told, who must not be called."""

import getpass
import hashlib
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.builders import git
from tests.e2e.night import checkout_state

TRACKED_KEY = "sk-ant-api03-in-the-code-0123456789abcdef"
"""In a file that git tracks, so agents may read it; it is known by its form."""
VARIABLE = "DEPLOY_PASSWORD"
KEYS = ("home/.ssh/id_rsa", "home/.aws/credentials", "outside/secret.txt")


@dataclass(frozen=True)
class Stage:
    """One machine: folders, listeners, secrets."""

    base: Path
    tag: str
    listeners: tuple[socket.socket, ...]
    secrets: dict[str, str]
    """Where it stands -> what must be told nowhere."""

    @property
    def checkout(self) -> Path:
        """Return where the user's repository is."""
        return self.base / "repo"

    @property
    def places(self) -> Mapping[str, str]:
        """Return what stands for the words in braces of the corpus."""
        tcp, udp, local, abstract = (one.getsockname() for one in self.listeners)
        return {
            "nl": "\n",
            "home": str(self.base / "home"),
            "outside": str(self.base / "outside"),
            "checkout": str(self.checkout),
            "config": str(self.base / "user/config/pipeline"),
            "state": str(self.base / "user/state/pipeline"),
            "cache": str(self.base / "user/cache/pipeline"),
            "url": f"http://127.0.0.1:{tcp[1]}",
            "port": str(tcp[1]),
            "udp": str(udp[1]),
            "socket": local,
            "abstract": abstract[1:].decode(),
            "drop": f"/tmp/{self.tag}",
            "tag": self.tag,
            "user": getpass.getuser(),
        }

    def drops(self) -> list[str]:
        """Return what was left in the places that everybody may write to."""
        places = [Path("/tmp"), Path("/dev/shm"), Path("/var/tmp")]
        return [str(one) for place in places for one in place.glob(f"{self.tag}*")]

    def called(self) -> list[str]:
        """Return which listeners somebody has called since the last time."""
        return [str(one.getsockname()) for one in self.listeners if _reached(one)]

    def seen(self) -> dict[str, object]:
        """Return all that must stay as it is."""
        found: dict[str, object] = {
            str(path): _content(path)
            for folder in ("home", "outside", "user/config")
            for path in sorted((self.base / folder).rglob("*"))
        }
        root = self.checkout
        for path in sorted(root.rglob("*")):
            inside = path.relative_to(root).parts
            if inside[0] == ".workflow" or inside[:2] in _GIT_MAY_GROW:
                continue
            found[str(path)] = _content(path)
        for name in (".workflow/config.toml", ".workflow/issues/issues.jsonl"):
            found[name] = _content(root / name)
        found["git"] = checkout_state(root)
        found["refs"] = [
            line
            for line in git(root, "for-each-ref").splitlines()
            if "refs/heads/pipeline/" not in line and "refs/pipeline/" not in line
        ]
        return found


_GIT_MAY_GROW = {(".git", name) for name in ("objects", "refs", "logs", "packed-refs")}
"""Refs are compared by what git says of them."""


def _content(path: Path) -> object:
    if path.is_symlink():
        return str(path.readlink())
    if path.is_file():
        return path.lstat().st_mode, hashlib.sha256(path.read_bytes()).hexdigest()
    return path.lstat().st_mode if path.exists() else None


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
def make_stage(base: Path) -> Iterator[Stage]:
    """Make a machine in `base`; inside of `own_surroundings(base / "user")`."""
    tag = f"inj-{secrets.token_hex(6)}"
    kept = {name: secrets.token_hex(16) for name in KEYS}
    for name, value in kept.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(f"{value}\n")
    (base / "home/.bashrc").write_text("# nothing\n")
    (base / "outside/notes.txt").write_text("keep me\n")
    password = f"Correct-Horse-{secrets.token_hex(6)}"
    os.environ |= {"HOME": str(base / "home"), VARIABLE: password}
    addresses = [("127.0.0.1", 0), ("127.0.0.1", 0), str(base / "daemon"), f"\0{tag}"]
    listeners = [socket.socket(), socket.socket(type=socket.SOCK_DGRAM)]
    listeners += [socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)]
    for listener, address in zip(listeners, addresses, strict=True):
        listener.bind(address)
        listener.setblocking(False)
        if listener.type == socket.SOCK_STREAM:
            listener.listen(64)
    stage = Stage(base, tag, tuple(listeners), kept | {VARIABLE: password, "code": TRACKED_KEY})
    try:
        yield stage
    finally:
        for listener in listeners:
            listener.close()
        for left in stage.drops():
            Path(left).unlink(missing_ok=True)
