"""Writing where a person says: anywhere but over what the pipeline or git keeps."""

import os
from pathlib import Path

from pipeline.errors import PipelineError, cannot_write
from pipeline.paths import Places
from pipeline.store.files import write_atomic


def write_outside(places: Places, path: Path, text: str) -> None:
    """Replace a file by `text`, whole or not at all; links, devices and pipes are written to.

    A rename would put a plain file in the place of `/dev/null`, and of `/dev/stdout`, which is a
    link. Raises what `require_outside` raises; `DiskProblem` when it cannot be written.
    """
    require_outside(places, path)
    if not path.is_symlink() and (not path.exists() or path.is_file()):
        write_atomic(path.absolute(), text.encode())
        return
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise cannot_write(path.absolute(), error) from error


def require_outside(places: Places, path: Path) -> None:
    """Raise `PipelineError` inside the pipeline's or git's own folders, but for the reports."""
    target = _real(path)
    reports = (places.report_md, places.report_html, places.report_json)
    if target in map(_real, reports):
        return
    for folder in (places.workflow, places.root / ".git", places.git_dir, places.user.state):
        if target.is_relative_to(_real(folder)):
            raise PipelineError(
                f"{str(path)!r} lies in {str(folder)!r}, which is not for this: name a file "
                "elsewhere"
            )


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
