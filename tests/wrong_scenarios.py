"""How a repository is set up before something wrong is typed in it.

    fresh       set up, nothing in the backlog
    approved    ISS-1 has an approved plan
    decided     ISS-1 landed, ISS-2 rejected, ISS-3 sent back and planned again, ISS-4 pending;
                the run is open

The three are made once, with a stand-in for the models, and copied for each use.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import orjson

from pipeline.cli.entry import run
from pipeline.rehearsal.scripting import any_issue
from pipeline.safety.policy import current_approver
from tests.builders import GIT_ENVIRONMENT, commit_files, git, make_repository
from tests.e2e.night import PROJECT, TEST_COMMAND, Night

KINDS = ("config", "state", "cache", "data")
HOLD_THE_LOCK = """
import sys
from io import StringIO
from pathlib import Path
from pipeline.paths import Places, UserPlaces
from pipeline.store.run_file import hold
root = Path(sys.argv[1])
with hold(Places(root, UserPlaces.from_environment(), root / ".git")):
    print("held", flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True)
class Originals:
    """The repositories that are copied: `<folder>/<stage>/repo` and its user's `/user`."""

    folder: Path
    models: Mapping[str, str]
    """The environment in which agents talk to the stand-in."""


@dataclass
class Scene:
    """One repository of its own, and what the environment is there."""

    root: Path
    user: Path
    originals: Originals
    env: dict[str, str] = field(default_factory=dict)
    wrap: list[str] = field(default_factory=list)
    """Words before the command of a real process."""
    values: dict[str, str] = field(default_factory=dict)
    """More placeholders of the table."""
    after: ExitStack = field(default_factory=ExitStack)

    @property
    def workflow(self) -> Path:
        """The folder `.workflow/`."""
        return self.root / ".workflow"

    def copy(self, stage: str) -> None:
        """Become a copy of a stage."""
        shutil.copytree(self.originals.folder / stage / "repo", self.root, symlinks=True)
        shutil.copytree(self.originals.folder / stage / "user", self.user, dirs_exist_ok=True)
        self.env["PIPELINE_TESTS_COMMAND"] = TEST_COMMAND
        self.values["run"] = _open_run(self.workflow / "journal.jsonl")
        if stage == "approved":
            self._approve_here()

    def _approve_here(self) -> None:
        """Sign again: a signature holds for one repository, and a copy is another one."""
        before = dict(os.environ)
        os.environ |= GIT_ENVIRONMENT | homes(self.user) | self.originals.models
        try:
            with redirect_stdout(StringIO()):
                assert run(["approve", "SOL-ISS-1-1", "-C", str(self.root)]) == 0
        finally:
            os.environ.clear()
            os.environ.update(before)


@contextmanager
def make_originals(folder: Path) -> Iterator[Originals]:
    """Bring one repository from stage to stage, keeping a copy of each."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith(("PIPELINE_", "GIT_"))]:
        del os.environ[name]
    work, user = folder / "work", folder / "user"
    os.environ |= GIT_ENVIRONMENT | homes(user)
    try:
        with Night(work, any_issue()) as night:

            def keep(stage: str) -> None:
                (user / "state").mkdir(parents=True, exist_ok=True)
                shutil.copytree(work, folder / stage / "repo", symlinks=True)
                shutil.copytree(user / "state", folder / stage / "user" / "state")

            keep("fresh")
            night.add("ISS-1")
            night.run("plan")
            night.approve_all()
            keep("approved")
            assert night.run("execute").code == 0
            commit_files(work, {"NEWS.md": "news\n"})
            night.add("ISS-2", "ISS-3", "ISS-4")
            night.run("plan")
            night.run("reject", "SOL-ISS-2-1", "--reason", "no")
            night.run("request-changes", "SOL-ISS-3-1", "smaller")
            assert night.run("plan").code == 3
            keep("decided")
            yield Originals(folder, night.settings())
    finally:
        os.environ.clear()
        os.environ.update(before)


def homes(user: Path) -> dict[str, str]:
    """Return the environment that gives a user folders of their own."""
    return {f"XDG_{kind.upper()}_HOME": str(user / kind) for kind in KINDS}


def _open_run(journal: Path) -> str:
    runs = [line for line in _lines(journal) if line["kind"] == "run_opened"]
    data = runs[-1]["data"] if runs else {}
    return str(data["run_id"]) if isinstance(data, dict) and data else ""


def _lines(journal: Path) -> list[dict[str, object]]:
    if not journal.exists():
        return []
    return [orjson.loads(line) for line in journal.read_bytes().splitlines()]


def _copy(stage: str, *, models: bool = False) -> Callable[[Scene], None]:
    def make(scene: Scene) -> None:
        scene.copy(stage)
        if models:
            scene.env |= scene.originals.models

    return make


def _after(stage: str, change: Callable[[Scene], None]) -> Callable[[Scene], None]:
    def make(scene: Scene) -> None:
        scene.copy(stage)
        change(scene)

    return make


def _repository(files: Mapping[str, str]) -> Callable[[Scene], None]:
    def make(scene: Scene) -> None:
        make_repository(scene.root, files)

    return make


def _bare(scene: Scene) -> None:
    scene.root.mkdir()
    git(scene.root, "init", "-q", "--bare")


def _no_commits(scene: Scene) -> None:
    scene.root.mkdir()
    git(scene.root, "init", "-q")


def _link_to_nowhere(scene: Scene) -> None:
    make_repository(scene.root, PROJECT)
    scene.workflow.symlink_to("nowhere")


def _asked(scene: Scene) -> None:
    """Ask for something: without work no test is run."""
    scene.env |= scene.originals.models
    (scene.workflow / "issues/issues.jsonl").write_text('{"id": "ISS-7", "title": "seven"}\n')


def _no_tests(scene: Scene) -> None:
    scene.copy("fresh")
    _asked(scene)
    del scene.env["PIPELINE_TESTS_COMMAND"]
    git(scene.root, "rm", "-rq", "tests")
    git(scene.root, "commit", "-qm", "no tests")


def _red_tests(scene: Scene) -> None:
    _asked(scene)
    commit_files(scene.root, {"app.py": "def add(a, b):\n    return a - b\n"})


def _track_settings(scene: Scene) -> None:
    git(scene.root, "add", "-f", ".workflow/config.toml")
    git(scene.root, "commit", "-qm", "settings")


def _branch_in_the_way(scene: Scene) -> None:
    git(scene.root, "branch", "pipeline")


def _backlog_is_a_folder(scene: Scene) -> None:
    (scene.workflow / "issues" / "issues.jsonl").mkdir()


def _read_only(scene: Scene) -> None:
    """Mount `.workflow/` read-only for the process; permissions do not hold root back."""
    place = str(scene.workflow)
    scene.wrap += ["bwrap", "--dev-bind", "/", "/", "--ro-bind", place, place]


def _only_programs(*names: str) -> Callable[[Scene], None]:
    """Put nothing but these programs on PATH."""

    def change(scene: Scene) -> None:
        bins = scene.root.parent / "bin"
        bins.mkdir()
        for name in names:
            (bins / name).symlink_to(shutil.which(name) or name)
        scene.env["PATH"] = str(bins)

    return change


def _old_git(scene: Scene) -> None:
    bins = scene.root.parent / "bin"
    bins.mkdir()
    fake = bins / "git"
    fake.write_text(
        "#!/bin/sh\n"
        'for word in "$@"; do [ "$word" = version ] && echo git version 2.20.1 && exit; done\n'
        f'exec {shutil.which("git")} "$@"\n'
    )
    fake.chmod(0o755)
    scene.env["PATH"] = f"{bins}:{os.environ['PATH']}"


def _live_run(scene: Scene) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_LOCK, str(scene.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    scene.after.enter_context(holder)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    info = orjson.loads((scene.workflow / "run.json").read_bytes())
    scene.values |= {"pid": str(holder.pid), "since": info["started_at"], "host": info["host"]}


def _open_key(scene: Scene) -> None:
    (scene.user / "state" / "pipeline" / "approval.key").chmod(0o644)


def _with_roles(scene: Scene) -> None:
    """Give roles to others, and let even LOW plans need a reviewer."""
    folder = scene.user / "config" / "pipeline"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(
        '[roles]\nsomebody = "admin"\n[policy.required]\nLOW = "reviewer"\n'
    )
    scene.env["PIPELINE_RUN_REHEARSAL"] = "true"
    scene.values["me"] = current_approver({}).name


def _newer_document(scene: Scene) -> None:
    path = scene.workflow / "planning-results.json"
    text = path.read_text()
    assert '"schema_version":1,' in text
    path.write_text(text.replace('"schema_version":1,', '"schema_version":99,'))


def _no_journal(scene: Scene) -> None:
    (scene.workflow / "journal.jsonl").unlink()


def _newer_document_alone(scene: Scene) -> None:
    _newer_document(scene)
    _no_journal(scene)


def _edit_journal(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Scene], None]:
    def edit(scene: Scene) -> None:
        path = scene.workflow / "journal.jsonl"
        lines = path.read_bytes().splitlines(keepends=True)
        header = (scene.workflow / "planning-results.json").read_bytes().splitlines()[0]
        scene.values["lines"] = str(orjson.loads(header + b"]}")["journal_seq"])
        path.write_bytes(b"".join(change(lines)))

    return edit


def _damage(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], b"garbage\n", *lines[3:]]


def _alter(lines: list[bytes]) -> list[bytes]:
    assert b'"data":{"' in lines[2]
    return [*lines[:2], lines[2].replace(b'"data":{"', b'"data":{ "'), *lines[3:]]


SCENARIOS: dict[str, Callable[[Scene], None]] = {
    "fresh": _copy("fresh"),
    "approved": _copy("approved"),
    "approved, with models": _copy("approved", models=True),
    "decided": _copy("decided"),
    "decided, with models": _copy("decided", models=True),
    "no repository": lambda scene: scene.root.mkdir(),
    "bare repository": _bare,
    "no commits": _no_commits,
    "not set up": _repository(PROJECT),
    "link to nowhere": _link_to_nowhere,
    "backlog is a folder": _after("fresh", _backlog_is_a_folder),
    "read-only": _after("fresh", _read_only),
    "tracked settings": _after("fresh", _track_settings),
    "branch in the way": _after("fresh", _branch_in_the_way),
    "no tests": _no_tests,
    "red tests": _after("fresh", _red_tests),
    "no bubblewrap": _after("approved", _only_programs("git")),
    "no git": _after("fresh", _only_programs()),
    "old git": _after("fresh", _old_git),
    "a live run": _after("fresh", _live_run),
    "open key": _after("decided", _open_key),
    "roles of others": _after("decided", _with_roles),
    "newer document": _after("decided", _newer_document),
    "newer document, no journal": _after("decided", _newer_document_alone),
    "no journal": _after("decided", _no_journal),
    "damaged journal": _after("decided", _edit_journal(_damage)),
    "changed journal": _after("decided", _edit_journal(_alter)),
    "short journal": _after("decided", _edit_journal(lambda lines: lines[:3])),
}
"""Key of the table -> what sets the repository up."""
