"""Work that is kept beside the branch, and how it is brought back into a folder.

refs/pipeline/checkpoints/<attempt>/<task>   after each task whose tests passed
refs/pipeline/failed/<attempt>               what an attempt that failed had done
refs/pipeline/recovery/<attempt>             what an attempt that was cut off had done

A ref is what `git gc` goes by: it takes nothing of what one of these names.
"""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.domain.results import ExecutionRecord
from pipeline.errors import PipelineError
from pipeline.execution.land import CHECKPOINT_REFS, FAILED_REFS, RECOVERY_REFS, kept_ref
from pipeline.git import Repository, check_out, dated_refs

OUR_REFS = "refs/pipeline/"
KINDS = {CHECKPOINT_REFS: "checkpoint", FAILED_REFS: "failed", RECOVERY_REFS: "interrupted"}


@dataclass(frozen=True)
class KeptWork:
    """One state of an attempt's files that was kept."""

    ref: str
    commit: str
    made_at: datetime

    @property
    def kind(self) -> str:
        """Return why it was kept: `checkpoint`, `failed` or `interrupted`; else `unknown`."""
        return next((KINDS[one] for one in KINDS if self.ref.startswith(f"{one}/")), "unknown")

    @property
    def is_ours(self) -> bool:
        """Tell whether this version of the pipeline makes such refs."""
        return self.kind != "unknown"

    @property
    def attempt(self) -> str:
        """Return the part of the ref that names the attempt, as git has it."""
        return self.ref.removeprefix(OUR_REFS).split("/")[1]

    @property
    def task(self) -> str | None:
        """Return the task whose end it is, where it is a checkpoint."""
        return self.ref.rpartition("/")[2] if self.kind == "checkpoint" else None


def all_kept(repo: Repository) -> list[KeptWork]:
    """Return everything that is kept, oldest first."""
    found = [KeptWork(ref, *rest) for ref, rest in dated_refs(repo, OUR_REFS).items()]
    known = [one for one in found if one.ref.count("/") > 2]
    return sorted(known, key=lambda one: (one.made_at, one.ref))


def kept_of(repo: Repository, attempts: Iterable[ExecutionRecord]) -> list[KeptWork]:
    """Return what is kept of these attempts, oldest first."""
    names = {kept_ref("", one.key).strip("/") for one in attempts}
    return [one for one in all_kept(repo) if one.attempt in names]


def newest_of(kept: Iterable[KeptWork], attempt: ExecutionRecord) -> KeptWork | None:
    """Return the newest of `kept`, oldest first, that is of this attempt; None: there is none."""
    name = kept_ref("", attempt.key).strip("/")
    return next((one for one in reversed([*kept]) if one.attempt == name), None)


def choose(name: str, kept: list[KeptWork], task: str | None) -> KeptWork:
    """Return the newest, or the newest checkpoint of a task; raises where there is none."""
    wanted = None if task is None else kept_ref("", task).strip("/")
    fitting = [one for one in kept if wanted is None or one.task == wanted]
    if fitting:
        return fitting[-1]
    tasks = ", ".join(dict.fromkeys(one.task for one in kept if one.task))
    what = f"task {task!r} of {name}" if task is not None else name
    there = f"; there is {tasks}" if tasks and task is not None else ""
    raise PipelineError(
        f"nothing is kept of {what}{there} (`pipeline restore` lists everything that is)"
    )


def write_into(repo: Repository, kept: KeptWork, folder: Path) -> None:
    """Write the kept files into a folder that is new or empty; raises for any other."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise PipelineError(f"{str(folder)!r} is no folder: name one that is new or empty")
    if folder.is_dir() and next(folder.iterdir(), None) is not None:
        raise PipelineError(f"{str(folder)!r} is not empty: name a folder that is new or empty")
    if folder.resolve().is_relative_to(repo.git_dir):
        raise PipelineError(f"{str(folder)!r} lies inside git's own folder: name another one")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="pipeline-index-") as place:
            check_out(repo, kept.commit, work_tree=folder, index=Path(place) / "index")
    except OSError as error:
        raise PipelineError(f"cannot write into {str(folder)!r}: {error.strerror}") from error
