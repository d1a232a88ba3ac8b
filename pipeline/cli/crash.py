"""The log of a bug: versions, the command and the traceback, in the user's state folder."""

import os
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pipeline.app.versions import versions
from pipeline.paths import UserPlaces
from pipeline.store.redaction import Redaction, secret_values


def write_crash_log(words: Sequence[str]) -> Path:
    """Write what a bug report needs about the exception being handled; return the file.

    Only the command's name is kept, not its arguments: they may carry private text.
    """
    name = f"crash-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.log"
    known = [f"{name} {said}" for name, said in versions().items()]
    head = "\n".join([*known, f"command pipeline {' '.join(words[:1])}", "", ""])
    text = head + Redaction(secret_values(os.environ))(traceback.format_exc())
    try:
        return _write(UserPlaces.from_environment().state / "logs", name, text)
    except OSError:
        return _write(Path(tempfile.mkdtemp(prefix="pipeline-")), name, text)


def _write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / name
    path.write_text(text, encoding="utf-8", errors="backslashreplace")
    return path
