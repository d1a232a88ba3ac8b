"""The fence keeps what the plan allows and undoes the rest, in the workspace itself."""

from pathlib import Path

import pytest

from pipeline import git
from pipeline.execution.fence import fence
from tests.builders import git as run_git
from tests.builders import make_repository, write_files
from tests.execution.conftest import Ground


def test_planned_changes_pass_as_they_are(site: Ground) -> None:
    workspace = site.workspaces.open("executor", site.head)
    write_files(workspace.root, {"app.py": "VALUE = 2\n", "new.py": ""})
    (workspace.root / "docs/note.md").unlink()
    planned = ["app.py", "new.py", "docs/note.md"]
    fenced = fence(
        site.repo,
        workspace,
        base=site.head,
        planned=planned,
        may_touch=(),
        deletable={"docs/note.md"},
    )
    assert fenced.changed == ("app.py", "docs/note.md", "new.py")
    assert (fenced.quarantined, fenced.patch) == ((), b"")


def test_everything_else_is_undone_and_kept_as_a_patch(site: Ground) -> None:
    workspace = site.workspaces.open("executor", site.head)
    root = workspace.root
    write_files(root, {"app.py": "VALUE = 2\n", "extra/new.bin": "\0binary", "docs/note.md": "no"})
    (root / "src/pkg/__init__.py").unlink()
    (root / "tests/test_app.py").chmod(0o755)
    fenced = fence(site.repo, workspace, base=site.head, planned=["app.py"], may_touch=["*.lock"])
    unplanned = ("docs/note.md", "extra/new.bin", "src/pkg/__init__.py", "tests/test_app.py")
    assert fenced.changed == ("app.py",)
    assert fenced.quarantined == unplanned
    assert git.changed_paths(site.repo, site.head, fenced.tree) == ["app.py"]
    assert (root / "src/pkg/__init__.py").read_text() == "NUMBER = 1\n"
    assert (root / "docs/note.md").read_text() == "note\n"
    assert (root / "tests/test_app.py").stat().st_mode & 0o111 == 0
    assert not (root / "extra").exists()
    assert (root / "app.py").read_text() == "VALUE = 2\n"


def test_the_patch_brings_the_unplanned_changes_back(site: Ground, tmp_path: Path) -> None:
    workspace = site.workspaces.open("executor", site.head)
    write_files(workspace.root, {"extra.bin": "\0binary", "docs/note.md": "other\n"})
    fenced = fence(site.repo, workspace, base=site.head, planned=[], may_touch=[])
    (tmp_path / "p").write_bytes(fenced.patch)
    run_git(site.repo.root, "apply", str(tmp_path / "p"))
    assert (site.repo.root / "extra.bin").read_text() == "\0binary"
    assert (site.repo.root / "docs/note.md").read_text() == "other\n"


def test_globs_allow_and_never_open_the_pipelines_own_folder(site: Ground) -> None:
    workspace = site.workspaces.open("executor", site.head)
    write_files(
        workspace.root,
        {"tests/deep/test_x.py": "", "sub/uv.lock": "", ".workflow/config.toml": "x", "z": ""},
    )
    globs = ("**/tests/**", "**/uv.lock", ".workflow/**", "**/config.toml")
    fenced = fence(site.repo, workspace, base=site.head, planned=[], may_touch=globs)
    assert fenced.changed == ("sub/uv.lock", "tests/deep/test_x.py")
    assert fenced.quarantined == (".workflow/config.toml", "z")


def test_a_planned_file_counts_although_it_is_ignored(site: Ground) -> None:
    workspace = site.workspaces.open("executor", site.head)
    write_files(workspace.root, {"kept.log": "1", "other.log": "2"})
    fenced = fence(site.repo, workspace, base=site.head, planned=["kept.log"], may_touch=[])
    assert fenced.changed == ("kept.log",)
    assert fenced.quarantined == ()


def test_a_file_that_became_a_folder_is_undone(site: Ground) -> None:
    workspace = site.workspaces.open("executor", site.head)
    (workspace.root / "app.py").unlink()
    write_files(workspace.root, {"app.py/inner.py": ""})
    (workspace.root / "docs/note.md").unlink()
    (workspace.root / "docs").rmdir()
    (workspace.root / "docs").symlink_to("/etc")
    fenced = fence(site.repo, workspace, base=site.head, planned=[], may_touch=[])
    assert fenced.tree == git.tree_of(site.repo, site.head)
    assert fenced.changed == ()
    assert (workspace.root / "app.py").read_text() == "VALUE = 1\n"
    assert (workspace.root / "docs/note.md").read_text() == "note\n"


def test_the_fence_can_be_put_up_again_after_a_repair(site: Ground) -> None:
    workspace = site.workspaces.open("executor", site.head)
    for text in ("VALUE = 2\n", "VALUE = 3\n"):
        write_files(workspace.root, {"app.py": text, "junk": text})
        fenced = fence(site.repo, workspace, base=site.head, planned=["app.py"], may_touch=[])
        assert git.show_file(site.repo, fenced.tree, "app.py") == text.encode()
        assert fenced.quarantined == ("junk",)


def test_hundreds_of_unplanned_files_are_set_aside(site: Ground) -> None:
    workspace = site.workspaces.open("executor", site.head)
    write_files(workspace.root, {f"junk/{n}.txt": str(n) for n in range(450)})
    fenced = fence(site.repo, workspace, base=site.head, planned=[], may_touch=[])
    assert len(fenced.quarantined) == 450
    assert fenced.patch.count(b"diff --git") == 450


def test_a_nested_repository_is_said_by_name(site: Ground) -> None:
    workspace = site.workspaces.open("executor", site.head)
    make_repository(workspace.root / "inner", {"x": ""})
    with pytest.raises(git.NestedRepository, match=r"'inner'; remove them"):
        fence(site.repo, workspace, base=site.head, planned=["inner"], may_touch=["**"])


def test_what_an_agent_committed_in_its_own_git_changes_nothing(site: Ground) -> None:
    workspace = site.workspaces.open("executor", site.head)
    script = "echo 'VALUE = 2' > app.py; echo x > junk; git add -A; git commit -qm x"
    site.sandbox.run(script, workspace.jail, "execute", timeout_s=20)
    fenced = fence(site.repo, workspace, base=site.head, planned=["app.py"], may_touch=[])
    assert (fenced.changed, fenced.quarantined) == (("app.py",), ("junk",))


def test_files_that_an_unplanned_ignore_rule_hid_are_found(site: Ground) -> None:
    workspace = site.workspaces.open("executor", site.head)
    write_files(workspace.root, {".gitignore": "junk\nsub/.gitignore\n", "junk": "", "a": ""})
    write_files(workspace.root, {"sub/.gitignore": "deep\n", "sub/deep": ""})
    fenced = fence(site.repo, workspace, base=site.head, planned=["a"], may_touch=[])
    assert fenced.changed == ("a",)
    assert fenced.quarantined == (".gitignore", "junk", "sub/.gitignore", "sub/deep")
    assert not (workspace.root / "sub").exists()
    assert fenced.patch.count(b"diff --git") == 4


def test_a_planned_deletion_stays_when_its_folder_was_replaced(site: Ground) -> None:
    workspace = site.workspaces.open("executor", site.head)
    (workspace.root / "src/pkg/__init__.py").unlink()
    (workspace.root / "src/pkg").rmdir()
    write_files(workspace.root, {"src/pkg": "a file now"})
    gone = ["src/pkg/__init__.py"]
    fenced = fence(site.repo, workspace, base=site.head, planned=gone, may_touch=[], deletable=gone)
    assert fenced.changed == ("src/pkg/__init__.py",)
    assert fenced.quarantined == ("src/pkg",)
    assert not (workspace.root / "src").exists()


def test_a_file_is_deleted_only_where_the_plan_says_so(site: Ground) -> None:
    workspace = site.workspaces.open("executor", site.head)
    (workspace.root / "app.py").unlink()
    (workspace.root / "tests/test_app.py").unlink()

    fenced = fence(
        site.repo, workspace, base=site.head, planned=["app.py"], may_touch=["**/tests/**"]
    )

    assert fenced.changed == ()
    assert fenced.quarantined == ("app.py", "tests/test_app.py")
    assert (workspace.root / "tests/test_app.py").exists()
