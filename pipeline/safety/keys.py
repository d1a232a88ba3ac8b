"""The key that signs approvals: 32 random bytes in the user's state folder, readable by them alone.

It lies outside every repository and is never mounted into a sandbox. It protects against agents,
repositories and other users, not against programs that run as the user.
"""

import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from pipeline.errors import PipelineError

KEY_BYTES = 32


def signing_key(path: Path) -> bytes:
    """Return the key at `path`, made on first use.

    Raises `PipelineError` when others can read it or when it is no key.
    """
    if not path.exists():
        _make(path)
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        key = file.read()
    if mode & 0o077:
        raise PipelineError(f"{path} can be read by others: run 'chmod 600 {path}'")
    if len(key) != KEY_BYTES:
        raise PipelineError(
            f"{path} is not a key: move it away; a new one is made and approvals are given again"
        )
    return key


def mac(key: bytes, message: bytes) -> str:
    """Return the HMAC-SHA256 (hex) of `message`."""
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def _make(path: Path) -> None:
    """Write a whole key or none; of two processes at once, the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    finally:
        draft.unlink()
