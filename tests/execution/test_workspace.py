"""Workspaces: exactly one commit, a git of their own, the user's checkout untouched."""

import hashlib
import os
from pathlib import Path

import pytest

from pipeline import git
from pipeline.errors import PipelineError
from pipeline.execution.toolchains import Toolchains
from pipeline.execution.workspace import Workspace, Workspaces, remove_tree
from pipeline.sandbox import Unconfined, find_sandbox
from tests.builders import commit_files, make_repository, write_files
from tests.builders import git as run_git
from tests.execution.conftest import FILES, Ground, ground


def run(site: Ground, workspace: Workspace, script: str) -> tuple[int, str]:
    done = site.sandbox.run(script, workspace.jail, "execute", timeout_s=30)
    return done.exit_code, done.output.decode().strip()


def files(root: Path) -> set[str]:
    found = (path for path in root.rglob("*") if ".git" not in path.relative_to(root).parts)
    return {path.relative_to(root).as_posix() for path in found if path.is_file()}


def fingerprint(root: Path) -> dict[str, tuple[str, int]]:
    """Return all files with digest and mode, but objects: those are only ever added to."""
    return {
        str(path.relative_to(root)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mode,
        )
        for path in root.rglob("*")
        if path.is_file() and "objects" not in path.parts
    }


def make_venv(place: Path, *, package: Path | None = None) -> None:
    """Make a virtual environment by hand; `package` is installed into it editable."""
    base = Path(os.path.realpath("/root/.pyenv/versions/3.11.7/bin/python3.11"))
    write_files(place, {"pyvenv.cfg": f"home = {base.parent}\nversion = 3.11\n"})
    library = place / "lib/python3.11/site-packages"
    library.mkdir(parents=True)
    if package is not None:
        (library / "editable.pth").write_text(f"{package}\n")
    (place / "bin").mkdir()
    (place / "bin/python").symlink_to(base)


def test_a_workspace_is_exactly_its_commit(site: Ground) -> None:
    write_files(site.repo.root, {"app.py": "VALUE = 'uncommitted'\n", "untracked": "x"})
    workspace = site.workspaces.open("executor", site.head)
    assert files(workspace.root) == set(FILES)
    assert workspace.root == site.workspaces.path("executor")
    assert run(site, workspace, "git status --porcelain; git rev-parse HEAD") == (0, site.head)
    assert run(site, workspace, "git symbolic-ref -q HEAD || git remote -v") == (0, "")


def test_nobody_else_can_enter_the_folder_of_workspaces(site: Ground) -> None:
    cache = site.places.user.cache
    cache.mkdir(parents=True, exist_ok=True)
    cache.chmod(0o755)
    site.workspaces.open("executor", site.head)
    assert cache.stat().st_mode & 0o777 == 0o700


def test_git_works_inside_as_in_any_clone(site: Ground) -> None:
    run_git(site.repo.root, "tag", "-a", "v1", "-m", "one")
    write_files(site.repo.root / ".git", {"info/exclude": "private-notes\n"})
    workspace = site.workspaces.open("executor", site.head)
    script = (
        "set -e; git log --oneline | wc -l; git describe; git show HEAD:app.py;"
        "touch private-notes; git status --porcelain; git checkout -q -b mine;"
        "echo 2 > app.py; git commit -qam two;"
        "git stash list; git show -s --format='%an %s'; git fsck --connectivity-only 2>&1"
    )
    code, output = run(site, workspace, script)
    assert (code, output.splitlines()) == (0, ["1", "v1", "VALUE = 1", "pipeline two"])
    assert git.list_refs(site.repo, "refs/") == {
        "refs/heads/main": site.head,
        "refs/tags/v1": run_git(site.repo.root, "rev-parse", "v1"),
    }


def test_nothing_an_agent_left_survives_the_next_open(site: Ground) -> None:
    first = site.head
    second = commit_files(site.repo.root, {"app.py": "VALUE = 2\n", "more.py": ""})
    workspace = site.workspaces.open("executor", second)
    run(
        site,
        workspace,
        "mkdir -p .git/hooks src/__pycache__ nested && git init -q nested && "
        "echo x > src/__pycache__/a.pyc && rm -r docs && ln -s /etc docs && chmod 000 tests && "
        "git config core.fsmonitor /tmp/x && git config filter.x.clean /tmp/x && "
        "git commit -q --allow-empty -m own && mv .git .git2 && ln -s /etc .git",
    )
    again = site.workspaces.open("executor", first)
    assert files(again.root) == set(FILES)
    assert not (again.root / "docs").is_symlink()
    assert not (again.root / ".git2").exists()
    assert run(site, again, "git status --porcelain; git rev-parse HEAD") == (0, first)
    assert "fsmonitor" not in (again.root / ".git/config").read_text()


def test_what_is_planted_in_the_private_git_never_runs_on_the_host(
    site: Ground, tmp_path: Path
) -> None:
    workspace = site.workspaces.open("executor", site.head)
    ran, git_dir = tmp_path / "ran", workspace.root / ".git"
    write_files(
        git_dir,
        dict.fromkeys(
            ("hooks/pre-commit", "hooks/post-checkout", "hooks/post-index-change"),
            f"#!/bin/sh\ntouch {ran}\n",
        ),
    )
    for hook in (git_dir / "hooks").iterdir():
        hook.chmod(0o755)
    with (git_dir / "config").open("a") as config:
        config.write(f'[core]\n\tfsmonitor = "touch {ran}"\n[filter "x"]\n\tclean = touch {ran}\n')
    write_files(workspace.root, {".gitattributes": "* filter=x\n", "app.py": "VALUE = 3\n"})
    tree = git.write_tree(site.repo, workspace.root, workspace.index, site.head)
    assert git.changed_paths(site.repo, site.head, tree) == [".gitattributes", "app.py"]
    git.undo_paths(
        site.repo, tree, site.head, ["app.py"], work_tree=workspace.root, index=workspace.index
    )
    site.workspaces.open("executor", site.head)
    assert not ran.exists()


def test_the_users_checkout_stays_byte_identical(site: Ground) -> None:
    root = site.repo.root
    write_files(root, {"app.py": "VALUE = 'mine'\n", "untracked": "x", "note.log": "ignored"})
    run_git(root, "add", "app.py")
    before = fingerprint(root)
    workspace = site.workspaces.open("planner", site.head)
    run(site, workspace, "echo 2 > app.py; git commit -qam x; git gc -q; rm -rf docs")
    with site.workspaces.fresh(git.tree_of(site.repo, site.head), site.head) as fresh:
        run(site, fresh, "echo 2 > app.py; git add -A; git commit -qm x")
    assert fingerprint(root) == before


def test_the_real_git_folder_and_our_own_folders_are_invisible(site: Ground) -> None:
    write_files(site.places.user.state, {"approval.key": "secret"})
    write_files(site.places.workflow, {"journal.jsonl": "secret"})
    workspace = site.workspaces.open("executor", site.head)
    for place in (site.places.user.state / "approval.key", site.places.journal, workspace.root):
        assert run(site, workspace, f"test -e {place}")[0] == 1
    assert run(site, workspace, "grep -rl secret .git . | head")[1] == ""


def test_the_objects_cannot_be_written_from_inside(site: Ground) -> None:
    workspace = site.workspaces.open("executor", site.head)
    assert run(site, workspace, "touch $(cat .git/objects/info/alternates)/x")[0] == 1


def test_an_editable_install_tests_the_change_and_not_the_checkout(site: Ground) -> None:
    root = site.repo.root
    make_venv(root / ".venv", package=root / "src")
    workspace = site.workspaces.open("executor", site.head)
    write_files(workspace.root, {"src/pkg/__init__.py": "NUMBER = 2\n"})
    script = "python -c 'import pkg, sys; print(pkg.NUMBER, sys.prefix)'"
    assert run(site, workspace, script) == (0, f"2 {root}/.venv")
    assert run(site, workspace, "touch .venv/planted")[0] == 1
    assert run(site, workspace, "git status --porcelain") == (0, "M src/pkg/__init__.py")


def test_a_linked_environment_and_its_interpreter_are_shown(site: Ground, tmp_path: Path) -> None:
    make_venv(tmp_path / "environments/mine")
    (site.repo.root / ".venv").symlink_to(tmp_path / "environments/mine")
    workspace = site.workspaces.open("executor", site.head)
    assert run(site, workspace, f"{tmp_path}/environments/mine/bin/python -c 1") == (0, "")
    assert run(site, workspace, ".venv/bin/python -c 1") == (0, "")


def test_dependencies_are_kept_and_caches_are_copied(site: Ground) -> None:
    root = site.repo.root
    write_files(root, {"node_modules/.bin/tool": "#!/bin/sh\necho tool\n", "target/built": "1\n"})
    (root / "node_modules/.bin/tool").chmod(0o755)
    workspace = site.workspaces.open("executor", site.head)
    assert run(site, workspace, "tool; cat target/built; echo 2 > target/built") == (0, "tool\n1")
    assert (root / "target/built").read_text() == "1\n"
    assert run(site, site.workspaces.open("executor", site.head), "cat target/built")[1] == "2"
    with site.workspaces.fresh(site.head, site.head) as fresh:
        assert run(site, fresh, "cat target/built") == (0, "1")


def test_named_files_are_kept_and_do_not_count_as_changes(
    site: Ground, toolchains: Toolchains
) -> None:
    root = site.repo.root
    write_files(root, {"made.py": "made = 1\n", "src/pkg/version.py": "v = 1\n", "a b/x": "1"})
    names = ("made.py", "src", "a b", "missing")
    workspaces = Workspaces(site.repo, site.places, site.sandbox, names, toolchains=toolchains)
    workspace = workspaces.open("executor", site.head)
    assert run(site, workspace, "cat made.py src/pkg/version.py 'a b/x'; git status -s") == (
        0,
        "made = 1\nv = 1\n1",
    )
    tree = git.write_tree(
        site.repo, workspace.root, workspace.index, site.head, exclude=workspace.exclude
    )
    assert tree == git.tree_of(site.repo, site.head)


def test_a_name_that_the_commit_has_is_never_covered(site: Ground) -> None:
    root = site.repo.root
    run_git(root, "add", "-f", str(commit_target(root)))
    run_git(root, "commit", "-q", "-m", "a package named target")
    (root / "target/mod.py").write_text("uncommitted\n")
    workspace = site.workspaces.open("executor", site.head)
    assert run(site, workspace, "cat target/mod.py") == (0, "committed")


def commit_target(root: Path) -> Path:
    write_files(root, {"target/mod.py": "committed\n"})
    return root / "target/mod.py"


def test_mount_points_never_follow_a_link_of_the_commit(site: Ground, tmp_path: Path) -> None:
    root = site.repo.root
    (tmp_path / "victim").mkdir()
    (root / "web").symlink_to(tmp_path / "victim")
    commit = commit_files(root, {})
    (root / "web").unlink()
    write_files(root, {"web/node_modules/x": "x"})
    names = ("web/node_modules",)
    workspaces = Workspaces(site.repo, site.places, site.sandbox, names)
    workspaces.open("executor", commit)
    assert list((tmp_path / "victim").iterdir()) == []


def test_a_fresh_clone_has_the_tree_and_an_older_head(site: Ground) -> None:
    workspace = site.workspaces.open("executor", site.head)
    write_files(workspace.root, {"app.py": "VALUE = 2\n", "new.py": ""})
    tree = git.write_tree(site.repo, workspace.root, workspace.index, site.head)
    with site.workspaces.fresh(tree, site.head) as fresh:
        assert run(site, fresh, "git rev-parse HEAD; git write-tree; git status -s") == (
            0,
            f"{site.head}\n{tree}\nM  app.py\nA  new.py",
        )
        place = fresh.root
    assert not place.exists()
    assert [p.name for p in site.places.repo_cache.iterdir()] == ["executor"]


def test_what_a_killed_process_left_is_swept(site: Ground) -> None:
    left = site.places.repo_cache / "fresh-left"
    write_files(left, {"tree/x": "x"})
    site.workspaces.sweep()
    assert not left.exists()


def test_setup_commands_run_in_the_sandbox(site: Ground, toolchains: Toolchains) -> None:
    setup = ("echo made > generated.log",)
    workspaces = Workspaces(
        site.repo, site.places, site.sandbox, setup=setup, toolchains=toolchains
    )
    workspace = workspaces.open("executor", site.head)
    assert (workspace.root / "generated.log").read_text() == "made\n"
    failing = Workspaces(
        site.repo, site.places, site.sandbox, setup=("echo why; exit 3",), toolchains=toolchains
    )
    with pytest.raises(PipelineError, match=r"setup command .* failed \(exit 3\): why"):
        failing.open("executor", site.head)


def test_the_git_folder_of_a_linked_worktree_is_hidden_too(
    tmp_path: Path, toolchains: Toolchains
) -> None:
    main = make_repository(Path("/opt/pipeline-test-main"), FILES)
    try:
        run_git(main, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
        site = ground(tmp_path / "side", toolchains, find_sandbox("bwrap"))
        workspace = site.workspaces.open("executor", site.head)
        assert run(site, workspace, "ls -A /opt/pipeline-test-main/.git") == (0, "")
        assert run(site, workspace, "git log --oneline | wc -l") == (0, "1")
    finally:
        remove_tree(main)


def test_without_a_sandbox_the_workspace_borrows_by_links(
    tmp_path: Path, toolchains: Toolchains
) -> None:
    root = make_repository(tmp_path / "checkout", FILES)
    write_files(root, {"node_modules/x": "x\n", "target/built": "1\n"})
    site = ground(root, toolchains, Unconfined())
    workspace = site.workspaces.open("executor", site.head)
    script = "git status --porcelain; cat node_modules/x target/built; pwd"
    assert run(site, workspace, script) == (0, f"x\n1\n{workspace.root}")
    again = site.workspaces.open("executor", site.head)
    assert run(site, again, "git log --oneline | wc -l; cat node_modules/x") == (0, "1\nx")
    assert (root / "node_modules/x").exists()
