"""A repository in which solutions have landed, made without agents: real git, a real journal.

ground = Landings(tmp_path / "repo", {"notes.txt": "one\\n"})
ground.land("A", {"a.txt": "a\\n"})
ground.run("rollback", "SOL-A-1")
"""

import contextlib
import io
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson

from pipeline import git
from pipeline.app.books import open_book
from pipeline.app.project import Project, open_project
from pipeline.cli.entry import run
from pipeline.domain.plan import PlanState
from pipeline.domain.results import Commit, ExecutionRecord
from pipeline.domain.solution import Acceptance
from pipeline.events import EventBus
from pipeline.execution import land
from pipeline.store.entries import AttemptRecorded, PlanRecorded, RunClosed, RunOpened
from tests.builders import git as run_git
from tests.builders import make_repository, write_files
from tests.e2e.night import Ended
from tests.store import builders as make

BRANCH = "pipeline/R1"
SUITE = "check.sh"
Changes = Mapping[str, str | None]
"""Path -> text; None: the file goes."""


def typed(root: Path, *words: str) -> Ended:
    """Run one command in this process, in a checkout."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([*words, "-C", str(root)])
    return Ended(code, out.getvalue(), err.getvalue())


class Landings:
    """One repository with an open run `R1`, and the commands typed at it."""

    def __init__(self, folder: Path, files: Mapping[str, str], *, suite: str = "true\n") -> None:
        self.root = make_repository(folder, {SUITE: suite, **files})
        assert self.run("init").code == 0
        config = self.root / ".workflow" / "config.toml"
        config.write_text(f'[tests]\ncommand = "sh {SUITE}"\n')
        self.repo = self.project.repo
        self.base = git.head_commit(self.repo)
        git.update_ref(self.repo, f"refs/heads/{BRANCH}", self.base, None, "open")
        opened = RunOpened(run_id="R1", branch=BRANCH, base_commit=self.base, sandbox="bwrap")
        self.book = open_book(self.project, EventBus())
        self.book.record(opened)

    @property
    def project(self) -> Project:
        """Return the repository as commands open it."""
        return open_project(self.root)

    @property
    def tip(self) -> str:
        """Return where the run branch is."""
        return git.resolve(self.repo, f"refs/heads/{BRANCH}") or ""

    def run(self, *words: str) -> Ended:
        """Run one command in this process."""
        return typed(self.root, *words)

    def add(self, issue_id: str, *, depends_on: str = "") -> None:
        """Enter an issue."""
        after = ["--depends-on", depends_on] if depends_on else []
        assert self.run("add", f"do {issue_id}", "--id", issue_id, *after).code == 0

    def land(
        self,
        issue_id: str,
        changes: Changes,
        *,
        depends_on: str = "",
        acceptance: Sequence[str] = (),
    ) -> ExecutionRecord:
        """Let an issue's plan land: a commit of `changes`, and its records."""
        self.add(issue_id, depends_on=depends_on)
        planned = make.planned(issue_id)
        solution = planned.record.solution
        assert solution is not None
        solution = solution.model_copy(
            update={"acceptance": Acceptance(commands=tuple(acceptance))}
        )
        plan = make.plan(PlanState.APPROVED)
        record = planned.record.model_copy(update={"solution": solution, "plan": plan})
        nonce = f"nonce-{issue_id}"
        message = land.commit_message(solution, run_id="R1", attempt_id=nonce)
        base, commit = self.tip, self.commit(changes, message)
        attempt = make.attempted(issue_id).record.model_copy(
            update={
                "attempt_id": nonce,
                "branch": BRANCH,
                "base_commit": base,
                "commit_hash": commit,
                "commits": (Commit(hash=commit, message=message),),
                "files_modified": tuple(sorted(changes)),
            }
        )
        self.book.record_all([PlanRecorded(record=record), AttemptRecorded(record=attempt)])
        return attempt

    def commit(self, changes: Changes, message: str) -> str:
        """Put a commit of `changes` on the run branch."""
        base = self.tip
        with tempfile.TemporaryDirectory() as place:
            folder, index = Path(place) / "tree", Path(place) / "index"
            folder.mkdir()
            git.check_out(self.repo, base, work_tree=folder, index=index)
            for name in [name for name, text in changes.items() if text is None]:
                (folder / name).unlink()
            write_files(folder, {name: text for name, text in changes.items() if text is not None})
            tree = git.write_tree(self.repo, folder, index, base)
        commit = land.make_commit(self.repo, tree=tree, base=base, message=message, when=make.NOW)
        git.update_ref(self.repo, f"refs/heads/{BRANCH}", commit, base, "land")
        return commit

    def close_run(self) -> None:
        """Close the run."""
        self.book.record(RunClosed(run_id="R1", reason="done"))

    def statuses(self) -> dict[str, str]:
        """Return issue id -> status of its newest execution record, from the document."""
        path = self.root / ".workflow" / "execution-results.json"
        return {
            one["issue_id"]: one["status"] for one in orjson.loads(path.read_bytes())["results"]
        }

    def kinds(self) -> list[str]:
        """Return the kinds of the journal's lines."""
        lines = (self.root / ".workflow" / "journal.jsonl").read_bytes().splitlines()
        return [orjson.loads(line)["kind"] for line in lines]

    def files(self) -> dict[str, str]:
        """Return the files of the run branch, with their texts."""
        names = git.list_files(self.repo, self.tip)
        return {name: run_git(self.root, "show", f"{self.tip}:{name}") for name in names}
