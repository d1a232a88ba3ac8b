"""The person's editor: `$VISUAL`, `$EDITOR`, or vi."""

import os
import shlex
import sys
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.proc import in_foreground


def open_editor(path: Path) -> int:
    """Let the person write in `path`; return the editor's exit code.

    Raises when no editor can be started, or none is named and there is no terminal for vi.
    """
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not named and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise PipelineError("there is no terminal to edit in: set EDITOR, or use --file")
    try:
        words = shlex.split(named or "vi")
    except ValueError as error:
        raise PipelineError(f"EDITOR is {named!r}: {error}") from error
    return in_foreground([*words, str(path)])
