"""Where a rehearsal plays: a throw-away clone that stands at the place of the user's checkout.

    <temporary folder>/clone      the repository at its base, with a backlog and no journal
                      /user       state and cache: keys, workspaces; the user's own stay closed
                      /flaky      what is written into `armed` lets the tests fail once
                      /pid        the process that plays

With bubblewrap every process sees the clone where the checkout is, so that environments, absolute
paths and installed packages work as they do at night. Without it the clone is where it is.
"""

import os
import shutil
import signal
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from pipeline import git, proc
from pipeline.agents.providers.registry import PROVIDERS
from pipeline.app.project import IGNORE_EVERYTHING, Project
from pipeline.cli.rehearse_inside import Order
from pipeline.domain.issue import Issue
from pipeline.git import Repository, program
from pipeline.paths import Places, UserPlaces
from pipeline.store.backlog import append_issues
from pipeline.store.files import make_folder
from pipeline.store.redaction import secret_values

CARRIED = ("config.toml", "prompts", "memory", "project-tech.json", "project-guidelines.json")
"""What a clone gets of the user's `.workflow/`."""
SMALL_DISK = 64 * 2**20
"""Bytes of the disk that gets full, besides what is there already."""
LONGEST_S = 1800.0
PROXIES = ("http_proxy", "https_proxy", "all_proxy")
ON_SMALL_DISK = (
    'cp -a "$0/." "$1/" || exit 99; kept=$0; flow=$1; shift; "$@"; code=$?; '
    'rm -f "$flow/filler"; cp -a "$flow/." "$kept/"; exit $code'
)
"""Takes what is kept to the small disk, works there, makes room and brings it back."""


@dataclass(frozen=True)
class Stage:
    """The folders of one rehearsal, and how a process is put there."""

    folder: Path
    checkout: Path
    """The user's checkout."""
    keep: tuple[str, ...]
    """What processes see of the checkout besides the clone: dependencies and caches."""
    bwrap: str | None
    """The program that puts the clone at the checkout's place, None where it cannot."""
    pipe: int
    """The writing end of `armed`; as long as it is open nobody waits for a line."""

    @property
    def clone(self) -> Repository:
        """Return the clone as it is seen from outside."""
        root = self.folder / "clone"
        return Repository(root, root / ".git")

    @property
    def places(self) -> Places:
        """Return the clone's files as they are seen from outside."""
        user = self.folder / "user"
        return Places(
            self.clone.root, UserPlaces(user, user / "state", user / "cache"), self.clone.git_dir
        )

    @property
    def root(self) -> Path:
        """Return where processes see the clone."""
        return self.checkout if self.bwrap else self.clone.root

    @property
    def armed(self) -> Path:
        """Return the pipe of which a failing test takes a line: a sandbox may read it."""
        return self.folder / "flaky" / "armed"

    @property
    def pid_file(self) -> Path:
        """Return where the process that plays writes its number."""
        return self.folder / "pid"

    def play(self, order: Order, *, small_disk: bool) -> proc.Finished:
        """Run one process to its end; `small_disk`: `.workflow/` is on one that can get full."""
        words = [sys.executable, "-m", "pipeline.cli.rehearse_inside"]
        if small_disk and self.bwrap:
            kept = str(self.folder / "kept")
            words = ["sh", "-c", ON_SMALL_DISK, kept, str(self.root / ".workflow"), *words]
        return proc.run(
            [*self._mounted(small_disk=small_disk), *words],
            cwd=self.folder,
            env=self._environment(os.environ),
            timeout_s=LONGEST_S,
            stdin=orjson.dumps(order.model_dump(mode="json")),
        )

    def arm(self) -> bool:
        """Let the tests fail once."""
        return os.write(self.pipe, b"now\n") > 0

    def kill(self) -> bool:
        """End the process that plays as `kill -9` does."""
        with suppress(OSError, ValueError):
            os.kill(int(self.pid_file.read_text()), signal.SIGKILL)
            return True
        return False

    def fill_disk(self) -> bool:
        """Leave no byte on the small disk of the process that plays; tell whether it is full.

        Any other disk is left alone.
        """
        if self.bwrap is None:
            return False
        flow = f"/proc/{self.pid_file.read_text()}/root{self.root}/.workflow"
        with suppress(OSError):
            if os.statvfs(flow).f_blocks * os.statvfs(flow).f_frsize > 4 * SMALL_DISK:
                return False
            with Path(f"{flow}/filler").open("wb", buffering=0) as filler:
                while filler.write(bytes(2**20)):
                    pass
        return Path(flow).is_dir() and os.statvfs(flow).f_bavail == 0

    def _mounted(self, *, small_disk: bool) -> list[str]:
        """Return what puts a process at its place."""
        if self.bwrap is None:
            return []
        words = [self.bwrap, "--die-with-parent", "--dev-bind", "/", "/"]
        words += ["--bind", str(self.clone.root), str(self.checkout)]
        for name in self.keep:
            words += ["--ro-bind", str(self.checkout / name), str(self.checkout / name)]
        if small_disk:
            flow = self.clone.root / ".workflow"
            held = sum(one.stat().st_size for one in flow.rglob("*") if one.is_file())
            words += ["--bind", str(flow), str(self.folder / "kept")]
            words += ["--size", str(SMALL_DISK + held), "--tmpfs", str(self.root / ".workflow")]
        return words

    def _environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the user's environment without secrets and ways out, with folders of ours."""
        secret = set(secret_values(environ))
        closed = {one.base_url_variable for one in PROVIDERS.values()}
        kept = {
            name: value
            for name, value in environ.items()
            if value not in secret and name not in closed and name.lower() not in PROXIES
        }
        user = self.folder / "user"
        return kept | {"XDG_STATE_HOME": str(user / "state"), "XDG_CACHE_HOME": str(user / "cache")}


def make_stage(folder: Path, project: Project, base: str, issues: Iterable[Issue]) -> Stage:
    """Clone the repository at a commit into `folder`, with settings and a backlog.

    Only what git has is cloned, and nothing of it is shared with the original.
    """
    names = [name for name in project.settings.workspace.keep if _is_there(project, name)]
    bwrap = find_bwrap(project.repo.root)
    for name in ("flaky", "kept", "user"):
        make_folder(folder / name)
    os.mkfifo(folder / "flaky" / "armed")
    pipe = os.open(folder / "flaky" / "armed", os.O_RDWR | os.O_CLOEXEC)
    stage = Stage(folder, project.repo.root, tuple(names if bwrap else ()), bwrap, pipe)
    _clone(project.repo, stage.clone, base)
    places = stage.places
    make_folder(places.issues_file.parent)
    (places.workflow / ".gitignore").write_text(IGNORE_EVERYTHING)
    for name in CARRIED:
        _carry(project.places.workflow / name, places.workflow / name)
    append_issues(places, issues)
    for name in names:
        _mount_point(project.repo.root / name, stage.clone.root / name)
    return stage


def find_bwrap(checkout: Path) -> str | None:
    """Return the program that can show one folder at another's place, and a sandbox inside."""
    found = shutil.which("bwrap", path=proc.search_path())
    if found is None:
        return None
    inner = [found, "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "true"]
    outer = [found, "--dev-bind", "/", "/", "--bind", str(checkout), str(checkout)]
    small = ["--size", "65536", "--tmpfs", "/tmp"]
    return found if proc.run([*outer, *small, *inner], timeout_s=20).ok else None


def _is_there(project: Project, name: str) -> bool:
    return (project.repo.root / name).exists()


def _clone(source: Repository, clone: Repository, base: str) -> None:
    """Clone without files and without a way back; HEAD is `base`, on a branch of the same name."""
    environment = program.environment() | {"GIT_ALLOW_PROTOCOL": "file"}
    how = ("-q", "--no-checkout", "--no-hardlinks")  # git touches the objects that it finds
    program.call(
        ("clone", *how, "--", str(source.root), str(clone.root)),
        cwd=clone.root.parent,
        env=environment,
    )
    branch = program.maybe(clone, "symbolic-ref", "-q", "--short", "HEAD") or "main"
    git.program.run(clone, "update-ref", f"refs/heads/{branch}", base)
    git.program.run(clone, "symbolic-ref", "HEAD", f"refs/heads/{branch}")
    git.program.run(clone, "remote", "remove", "origin")


def _carry(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif source.is_file():
        shutil.copyfile(source, target)


def _mount_point(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        target.mkdir(exist_ok=True)
    else:
        target.touch()


def commit_by_hand(repo: Repository, branch: str, path: str, line: str, folder: Path) -> None:
    """Commit one more line of a file on a branch, as somebody else would who has it."""
    tip = git.text(repo, "rev-parse", f"refs/heads/{branch}")
    before = git.show_file(repo, tip, path) or b""
    index = {"GIT_INDEX_FILE": str(folder / "index")}
    text = before + (b"" if before.endswith(b"\n") or not before else b"\n") + line.encode() + b"\n"
    blob = _printed(program.run(repo, "hash-object", "-w", "--stdin", stdin=text))
    program.run(repo, "read-tree", tip, env=index)
    program.run(repo, "update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", env=index)
    tree = _printed(program.run(repo, "write-tree", env=index))
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Somebody"), ("EMAIL", "somebody@example.invalid"))
    }
    commit = _printed(
        program.run(repo, "commit-tree", tree, "-p", tip, "-m", f"change {path} by hand", env=who)
    )
    program.run(repo, "update-ref", f"refs/heads/{branch}", commit, tip)


def _printed(done: proc.Finished) -> str:
    return done.output.decode().strip()
