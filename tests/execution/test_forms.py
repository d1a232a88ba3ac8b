"""Repositories of every form: the commit in a workspace, one change landed, the checkout as it was.

HOW     name -> how the checkout comes from `origin`, which has two commits of `CONTENT`
FILES   what of `CONTENT` looks otherwise in a workspace, by form
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline import git
from pipeline.app.contents import missing_contents
from pipeline.errors import PipelineError
from pipeline.execution.toolchains import Toolchains
from pipeline.sandbox import find_sandbox
from tests.builders import commit_files, make_repository, write_files
from tests.builders import git as run_git
from tests.execution.conftest import Ground, ground
from tests.execution.test_workspace import fingerprint, run

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 5\n".format("0" * 64)
CONTENT: dict[str, bytes] = {
    "app.py": b"VALUE = 2\n",
    "deep/er/note.md": b"note\n",
    "lines.txt": b"one\r\ntwo\r\n",
    "mixed.txt": b"one\r\ntwo\n",
    "data.bin": POINTER.encode(),
}
BRANCH = "refs/heads/pipeline/run"

Make = Callable[[Path, Path], None]
"""Makes a checkout (second) of an origin (first)."""


def clone(*words: str) -> Make:
    return lambda origin, root: void(run_git(origin, "clone", "-q", *words, str(origin), str(root)))


def fetched(*words: str) -> Make:
    """Clone as from a server."""

    def make(origin: Path, root: Path) -> None:
        run_git(origin, "config", "uploadpack.allowFilter", "true")
        run_git(origin, "clone", "-q", *words, f"file://{origin}", str(root))

    return make


def configured(**settings: str) -> Make:
    """Clone, and set what the names say (`core_autocrlf`)."""

    def make(origin: Path, root: Path) -> None:
        clone()(origin, root)
        for name, value in settings.items():
            run_git(root, "config", name.replace("_", "."), value)

    return make


def attributed(lines: str) -> Make:
    """Clone, and commit a `.gitattributes`."""

    def make(origin: Path, root: Path) -> None:
        clone()(origin, root)
        (root / ".gitattributes").write_text(lines)
        run_git(root, "add", ".gitattributes")
        run_git(root, "commit", "-q", "-m", "attributes")

    return make


def linked(origin: Path, root: Path) -> None:
    run_git(origin, "worktree", "add", "-q", "-b", "side", str(root))


def sparse(origin: Path, root: Path) -> None:
    clone()(origin, root)
    run_git(root, "sparse-checkout", "set", "--no-cone", "/app.py")
    assert not (root / "deep").exists()


def with_submodule(origin: Path, root: Path) -> None:
    clone()(origin, root)
    run_git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(origin), "sub")
    run_git(root, "commit", "-q", "-m", "submodule")


def with_nested(origin: Path, root: Path) -> None:
    clone()(origin, root)
    make_repository(root / "nested", {"x": "x"})


def void(_: object) -> None:
    return None


HOW: dict[str, Make] = {
    "plain": clone(),
    "linked": linked,
    "shallow": fetched("--depth=1"),
    "borrowing": clone("--shared"),
    "sha256": clone(),
    "partial": fetched("--filter=blob:none"),
    "sparse": sparse,
    "autocrlf": configured(core_autocrlf="true"),
    "safecrlf": configured(core_autocrlf="input", core_safecrlf="true"),
    "eol": configured(core_eol="crlf"),
    "text": attributed("*.txt text\n"),
    "text auto": attributed("* text=auto\n"),
    "eol=crlf": attributed("*.py text eol=crlf\n"),
    "lfs": attributed("*.bin filter=lfs diff=lfs merge=lfs -text\n"),
    "no identity": configured(user_useConfigOnly="true", user_name="", user_email=""),
    "submodule": with_submodule,
    "nested": with_nested,
}
FILES: dict[str, dict[str, bytes]] = {"eol=crlf": {"app.py": b"VALUE = 2\r\n"}}
SAID: dict[str, list[str]] = {
    "lfs": ["files of Git LFS stay pointers: nothing is downloaded"],
    "submodule": ["submodules stay empty: sub"],
}


@pytest.fixture(scope="session")
def origins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {
        kind: make_origin(tmp_path_factory.mktemp(kind) / "origin", kind)
        for kind in ("sha1", "sha256")
    }


def make_origin(origin: Path, kind: str) -> Path:
    origin.mkdir()
    run_git(origin, "init", "-q", "-b", "main", f"--object-format={kind}")
    commit_files(origin, {"app.py": "VALUE = 1\n"})
    for name, content in CONTENT.items():
        (origin / name).parent.mkdir(parents=True, exist_ok=True)
        (origin / name).write_bytes(content)
    commit_files(origin, {})
    return origin


def checkout(form: str, origins: dict[str, Path], tmp_path: Path, tools: Toolchains) -> Ground:
    root = tmp_path / "place" / "checkout"
    root.parent.mkdir()
    HOW[form](origins["sha256" if form == "sha256" else "sha1"], root)
    return ground(root, tools, find_sandbox("bwrap"))


@pytest.mark.parametrize("form", HOW)
def test_one_change_lands_and_the_checkout_stays(
    form: str, origins: dict[str, Path], tmp_path: Path, toolchains: Toolchains
) -> None:
    site = checkout(form, origins, tmp_path, toolchains)
    repo, head, before = site.repo, site.head, fingerprint(site.repo.root)

    workspace = site.workspaces.open("executor", head)
    for name, content in (CONTENT | FILES.get(form, {})).items():
        assert (workspace.root / name).read_bytes() == content
    code, output = run(site, workspace, "git log --oneline | wc -l; echo x > new.py; rm deep/er/*")
    assert (code, output) == (0, "1" if form == "shallow" else commits(site))
    tree = git.write_tree(repo, workspace.root, workspace.index, head)
    assert git.changed_paths(repo, head, tree) == ["deep/er/note.md", "new.py"]
    commit = git.commit_tree(repo, tree, [head], "land", when=datetime.now(UTC))
    git.update_ref(repo, BRANCH, commit, None, "land")

    assert run_git(repo.root, "log", "-1", "--format=%an %s", BRANCH) == "pipeline land"
    assert list(missing_contents(repo, head, ())) == SAID.get(form, [])
    after = fingerprint(site.repo.root)
    assert {name: after.get(name) for name in before} == before


def commits(site: Ground) -> str:
    return run_git(site.repo.root, "rev-list", "--count", "HEAD")


def test_a_partial_clone_without_the_files_is_refused_with_what_mends_it(
    origins: dict[str, Path], tmp_path: Path, toolchains: Toolchains
) -> None:
    root = tmp_path / "place" / "checkout"
    root.parent.mkdir()
    fetched("--filter=blob:none", "--sparse")(origins["sha1"], root)
    site = ground(root, toolchains, find_sandbox("bwrap"))

    with pytest.raises(
        PipelineError, match=r"1 objects of \w+ are not in this partial clone"
    ) as told:
        site.workspaces.open("executor", site.head)

    run_git(root, *str(told.value).partition(": git -C ")[2].split()[1:])
    workspace = site.workspaces.open("executor", site.head)
    assert (workspace.root / "deep/er/note.md").read_bytes() == CONTENT["deep/er/note.md"]


def test_ignored_sources_are_named_unless_they_are_kept(
    site: Ground,
) -> None:
    root = site.repo.root
    made = ("src/pkg/version.py", "src/pkg/other.py", "build/lib.py", "note.log")
    write_files(
        root, {".git/info/exclude": "version.py\nother.py\nbuild\n"} | dict.fromkeys(made, "")
    )
    told = list(missing_contents(site.repo, site.head, ("src/pkg/other.py",)))
    assert [line.partition(": ")[2] for line in told] == ["src/pkg/version.py"]
