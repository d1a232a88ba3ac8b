"""How git is called: a cleaned environment, an explicit git folder, no hooks, no monitors.

Two ways of calling it:

    run(repo, ...)            reads objects and refs through the repository's own git folder
    plain(repo) -> Plain      work-tree commands and merges, through a git folder that holds nothing
                              but settings of ours; only the object store is the repository's

The second way reads no config of the repository: an agent writes `.gitattributes`, and a filter or
merge driver that the user has configured would run on the host with a program from the work tree.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pipeline import proc
from pipeline.errors import PipelineError

SAFE = (
    ("core.fsmonitor", "false"),
    ("core.hooksPath", "/dev/null"),
    ("core.quotePath", "false"),
    ("core.fsync", "objects,derived-metadata,reference"),
    ("core.fsyncMethod", "fsync"),
    ("core.untrackedCache", "false"),
    ("core.protectHFS", "true"),
    ("core.attributesFile", "/dev/null"),
    ("core.excludesFile", "/dev/null"),
    ("i18n.commitEncoding", "UTF-8"),
    ("log.showSignature", "false"),
    ("submodule.recurse", "false"),
    ("checkout.workers", "2"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
)
"""Given to every call; git's default durability loses refs on power loss.

All is synced but indexes: ours are private and made again, and syncing one makes a file system
such as ext4 write out all files of the workspace that it belongs to.
"""

TIMEOUT_S = 600.0
MAX_OUTPUT = 256 * 2**20


OLDEST = (2, 39)
"""git before 2.39 can corrupt packed refs on power loss even with core.fsync=reference."""


class GitError(PipelineError):
    """Raised when git refuses; the text is git's last line."""


@dataclass(frozen=True)
class Repository:
    """A repository of the user's, as its two folders (absolute)."""

    root: Path
    """The checkout's top level."""
    git_dir: Path
    """The common git folder; for a linked worktree it lies in the main checkout."""

    @property
    def objects(self) -> Path:
        """Return the object store's folder."""
        return self.git_dir / "objects"


def run(
    repo: Repository,
    *words: str,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    may_fail: bool = False,
) -> proc.Finished:
    """Run git on the repository's own git folder, without a work tree.

    Raises `GitError` on a non-zero exit unless `may_fail`.
    """
    full = environment() | {"GIT_DIR": str(repo.git_dir)} | dict(env or {})
    return call(words, cwd=repo.git_dir, env=full, stdin=stdin, may_fail=may_fail)


def text(repo: Repository, *words: str) -> str:
    """Return what git prints, stripped of its last line break."""
    return run(repo, *words).output.decode("utf-8", "surrogateescape").rstrip("\n")


def maybe(repo: Repository, *words: str) -> str | None:
    """Return what git prints, or None when it refuses."""
    done = run(repo, *words, may_fail=True)
    return done.output.decode("utf-8", "surrogateescape").rstrip("\n") if done.ok else None


def fields(output: bytes) -> list[str]:
    """Split `-z` output; names that are no UTF-8 keep their bytes as surrogates."""
    return [part.decode("utf-8", "surrogateescape") for part in output.split(b"\0") if part]


def call(
    words: tuple[str, ...],
    *,
    cwd: Path,
    env: Mapping[str, str],
    stdin: bytes = b"",
    may_fail: bool = False,
) -> proc.Finished:
    """Run git with exactly `env`; raise `GitError` on a non-zero exit unless `may_fail`."""
    done = proc.run(
        safe(words), cwd=cwd, env=env, stdin=stdin, timeout_s=TIMEOUT_S, max_output=MAX_OUTPUT
    )
    if done.truncated:
        raise GitError(f"git {words[0]} in {str(cwd)!r} printed more than {MAX_OUTPUT} bytes")
    if done.timed_out:
        raise GitError(f"git {words[0]} in {str(cwd)!r} did not end within {TIMEOUT_S:.0f} s")
    if not done.ok and not may_fail:
        raise GitError(f"git {words[0]} failed in {str(cwd)!r}: {last_line(done.errors)}")
    return done


def safe(words: tuple[str, ...]) -> list[str]:
    """Return the command line of a git call, with our settings before its words."""
    return ["git", *(word for name, value in SAFE for word in ("-c", f"{name}={value}")), *words]


def last_line(errors: bytes) -> str:
    """Return the line of git's errors that says what is wrong."""
    lines = errors.decode("utf-8", "replace").strip().splitlines()
    told = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (told or lines or ["no reason given"])[-1]


def environment() -> dict[str, str]:
    """Return the environment of every call: nothing of the user's but PATH.

    `GIT_ALLOW_PROTOCOL`: an object missing from a partial clone would be fetched, and a config may
    say by which program; what a config allows by name outdoes our `protocol.allow`.
    """
    return {
        "PATH": proc.search_path(),
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_LAZY_FETCH": "1",
    }


def discovery_environment() -> dict[str, str]:
    """Return the environment for finding a checkout: the user's own settings count.

    Only there: `safe.directory` is set in the user's config, and it guards discovery alone.
    """
    users = ("HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM")
    ours = {name: value for name, value in environment().items() if name not in users}
    return ours | {name: os.environ[name] for name in users if name in os.environ}


@dataclass(frozen=True)
class Plain:
    """A git folder without any config of the repository, over the repository's objects."""

    git_dir: Path
    env: Mapping[str, str]

    def run(
        self, *words: str, cwd: Path | None = None, stdin: bytes = b"", may_fail: bool = False
    ) -> proc.Finished:
        """Run git in `cwd` (the work tree; default: the git folder itself)."""
        where = cwd or self.git_dir
        return call(words, cwd=where, env=self.env, stdin=stdin, may_fail=may_fail)


@contextmanager
def plain(
    repo: Repository,
    *,
    work_tree: Path | None = None,
    index: Path | None = None,
    exclude: tuple[str, ...] = (),
) -> Iterator[Plain]:
    """Make a throw-away git folder; `exclude` are ignore patterns beside the user's own."""
    with tempfile.TemporaryDirectory(prefix="pipeline-git-") as folder:
        git_dir = Path(folder)
        write_skeleton(git_dir, repo, exclude=exclude)
        env = environment() | {
            "GIT_DIR": str(git_dir),
            "GIT_OBJECT_DIRECTORY": str(repo.objects),
        }
        if work_tree is not None:
            env["GIT_WORK_TREE"] = str(work_tree)
        if index is not None:
            env["GIT_INDEX_FILE"] = str(index)
        yield Plain(git_dir, env)


def write_skeleton(
    git_dir: Path, repo: Repository, *, head: str | None = None, exclude: tuple[str, ...] = ()
) -> None:
    """Write an empty git folder of the repository's object format by hand, without templates.

    `head` is the commit of a detached HEAD. The user's `info/exclude` and `info/attributes` and
    the `shallow` file are copied.
    """
    for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info"):
        (git_dir / name).mkdir(parents=True, exist_ok=True)
    (git_dir / "HEAD").write_text(f"{head}\n" if head else "ref: refs/heads/none\n")
    (git_dir / "config").write_text(_config(repo))
    for name in ("shallow", "info/attributes", "info/exclude"):
        if (repo.git_dir / name).is_file():
            shutil.copyfile(repo.git_dir / name, git_dir / name)
    if exclude:
        with (git_dir / "info" / "exclude").open("a", encoding="utf-8") as patterns:
            patterns.write("\n" + "\n".join(exclude) + "\n")


def _config(repo: Repository) -> str:
    kind = object_format(repo)
    version, extension = (
        (0, "") if kind == "sha1" else (1, f"[extensions]\n\tobjectFormat={kind}\n")
    )
    return (
        f"[core]\n\trepositoryformatversion = {version}\n\tfilemode = true\n\tbare = false\n"
        "\tlogAllRefUpdates = true\n"
        f"{extension}"
        "[user]\n\tname = pipeline\n\temail = pipeline@localhost\n"
        "[commit]\n\tgpgSign = false\n[tag]\n\tgpgSign = false\n"
        "[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[advice]\n\tdetachedHead = false\n"
    )


@cache
def object_format(repo: Repository) -> str:
    """Return `sha1` or `sha256`, asked once: a repository never changes it."""
    return text(repo, "rev-parse", "--show-object-format")


def version() -> tuple[int, ...]:
    """Return git's version, as `(2, 39, 5)`."""
    done = call(("version",), cwd=Path("/"), env=environment())
    words = done.output.decode().split()
    return tuple(int(part) for part in words[2].split(".") if part.isdigit())


def require_version() -> None:
    """Raise `PipelineError` when git is too old to be trusted with landing commits."""
    found = version()
    if found[:2] < OLDEST:
        raise PipelineError(
            f"git {'.'.join(map(str, found))} is too old: install git "
            f"{'.'.join(map(str, OLDEST))} or newer"
        )
