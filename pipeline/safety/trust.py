"""Whether the `.workflow/` that git tracks may be read: a clone must not configure its user.

    trust.json in the user's state folder    {git folder: digest}

The digest covers the tracked files as HEAD has them, so that a pull that changes them asks again
and the pipeline's own writing does not. A project that tracks nothing there has nothing to trust.
"""

import hashlib
import json

from pydantic import JsonValue

from pipeline.errors import PipelineError
from pipeline.git import Repository, blobs_at, head_commit
from pipeline.git.read import list_files_at_head
from pipeline.paths import Places
from pipeline.safety.digest import canonical
from pipeline.store.files import write_atomic

FOLDER = ".workflow"


def tracked_workflow(repo: Repository) -> tuple[str, ...]:
    """Return the paths below `.workflow/` that HEAD holds, sorted."""
    return tuple(sorted(list_files_at_head(repo, FOLDER)))


def is_trusted(repo: Repository, places: Places) -> bool:
    """Tell whether the tracked files are the ones that the user accepted, or there are none.

    Raises `PipelineError` for a symbolic link among them: what it leads to has no digest.
    """
    files = tracked_workflow(repo)
    if not files:
        return True
    return _read(places).get(str(repo.git_dir)) == _digest(repo, files)


def require_trust(repo: Repository, places: Places) -> None:
    """Raise `PipelineError` when `.workflow/` is tracked and not trusted."""
    if not is_trusted(repo, places):
        raise PipelineError(
            ".workflow/ is tracked by git and not trusted yet: look at it, then run "
            "'pipeline trust'"
        )


def record_trust(repo: Repository, places: Places) -> None:
    """Accept the tracked files as they are at HEAD."""
    known = _read(places)
    known[str(repo.git_dir)] = _digest(repo, tracked_workflow(repo))
    text = json.dumps(known, indent=2, sort_keys=True) + "\n"
    write_atomic(places.trust_file, text.encode(), mode=0o600)


def _digest(repo: Repository, files: tuple[str, ...]) -> str:
    links = [path for path in files if (repo.root / path).is_symlink()]
    if links:
        raise PipelineError(
            f"{links[0]} is a symbolic link: a tracked .workflow/ must hold plain files to be "
            "trusted"
        )
    blobs: dict[str, JsonValue] = {**blobs_at(repo, head_commit(repo), files)}
    return hashlib.sha256(canonical(blobs)).hexdigest()


def _read(places: Places) -> dict[str, JsonValue]:
    try:
        known = json.loads(places.trust_file.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise PipelineError(
            f"{places.trust_file} is not valid JSON: remove it, then run 'pipeline trust'"
        ) from error
    return known if isinstance(known, dict) else {}
