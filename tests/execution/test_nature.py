"""What kind of change a path has gone through, and what of it no glob allows."""

from pathlib import Path

import pytest

from pipeline import git
from pipeline.execution.fence import Fenced, fence, unplanned
from pipeline.execution.nature import LARGE, MOST_COMPARED, churn, findings, natures
from tests.builders import git as run_git
from tests.builders import make_repository, write_files
from tests.execution.conftest import Ground

TEXT = "".join(f"line {n}\n" for n in range(30))


def test_every_kind_of_change_is_said(tmp_path: Path) -> None:
    files = {"old.txt": TEXT, "gone.txt": "x\n", "run.sh": "x\n", "grows": "x\n", "ugly.py": TEXT}
    root = make_repository(tmp_path / "r", files)
    (root / "old.txt").rename(root / "new.txt")
    (root / "gone.txt").unlink()
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("/etc/passwd")
    write_files(root, {"grows": "y" * (LARGE + 9), "pixels": "a\0b"})
    (root / "ugly.py").write_bytes(TEXT.replace("\n", "\r\n").encode())
    run_git(root, "add", "-A")
    tree = run_git(root, "write-tree")
    seen = natures(git.open_repository(root), "HEAD", tree)
    assert [str(one) for one in findings(seen)] == [
        "deleted: gone.txt",
        f"large: grows: {LARGE + 9:,} bytes",
        "symbolic link: link: to /etc/passwd",
        "renamed: new.txt: was old.txt",
        "deleted: old.txt",
        "binary: pixels: 3 bytes",
        "mode changed: run.sh: 100644 to 100755",
        "formatting only: ugly.py: 30 lines",
    ]


@pytest.mark.parametrize(
    ("path", "old", "new", "lines"),
    [
        pytest.param("a.py", "f(1, 2)\n", "f(\n    1,\n    2,\n)\n", 4, id="wrapped"),
        pytest.param("a.js", "f('a');\ng('b');\n", 'f("a")\ng("b")\n', 2, id="quotes"),
        pytest.param("a.c", "if (x) {\n", "if(x){\n", 1, id="spaces"),
        pytest.param("a.c", "  x;\n  y;\n", "\tx;\n\ty;\n", 2, id="tabs"),
        pytest.param("a.py", "a\nb \nc\n", "a\nb\nC\n", 1, id="one of two"),
        pytest.param("a.py", "x = 1\n", "    x = 1\n", 0, id="indentation means something"),
        pytest.param("a.py", "x = 1\n", "x = 2\n", 0, id="another value"),
        pytest.param("a.py", "x = 1\n", "x = 1\ny = 2\n", 0, id="a new line"),
        pytest.param("a.py", "a\nb\nc\n", "c\na\nb\n", 0, id="moved"),
    ],
)
def test_formatting_of_untouched_lines_is_counted(
    path: str, old: str, new: str, lines: int
) -> None:
    assert churn(path, old.encode(), new.encode()) == lines


GLOBS = ("**/tests/**", "tests/**")


def put_up(site: Ground, **plan: object) -> Fenced:
    workspace = site.workspaces.open("executor", site.head)
    root = workspace.root
    write_files(root, {"tests/a.bin": "\0", "tests/big": "x" * (LARGE + 1), "tests/new.py": "x\n"})
    (root / "tests/link").symlink_to("new.py")
    (root / "tests/test_app.py").rename(root / "tests/test_moved.py")
    (root / "app.py").chmod(0o755)
    given = {"planned": ["app.py"], "may_touch": GLOBS, **plan}
    looked = unplanned(site.repo, workspace, base=site.head, **given)  # type: ignore[arg-type]
    fenced = fence(site.repo, workspace, base=site.head, **given)  # type: ignore[arg-type]
    assert looked == fenced.quarantined
    return fenced


def test_a_glob_opens_text_alone_and_no_rename(site: Ground) -> None:
    fenced = put_up(site)
    assert fenced.changed == ("app.py", "tests/new.py")
    assert fenced.quarantined == (
        *("tests/a.bin", "tests/big", "tests/link", "tests/test_app.py", "tests/test_moved.py"),
    )
    assert [str(one) for one in fenced.findings] == ["mode changed: app.py: 100644 to 100755"]


def test_what_the_plan_names_may_be_anything(site: Ground) -> None:
    names = ["app.py", "tests/a.bin", "tests/big", "tests/link", "tests/test_moved.py"]
    fenced = put_up(site, planned=names, deletable={"tests/test_app.py"})
    assert fenced.quarantined == ()
    assert {one.kind for one in fenced.findings} == {
        *("mode changed", "binary", "large", "symbolic link", "renamed", "deleted"),
    }


def test_a_change_of_many_lines_is_compared_up_to_a_bound(tmp_path: Path) -> None:
    names = [f"{number}.txt" for number in range(6)]
    root = make_repository(tmp_path / "repo", dict.fromkeys(names, "a b\n" * 4_000))
    repo = git.open_repository(root)
    write_files(root, dict.fromkeys(names, "a  b\n" * 4_000))
    run_git(root, "add", "-A")

    seen = findings(natures(repo, "HEAD", run_git(root, "write-tree")))

    assert [str(one) for one in seen] == [
        f"formatting only: {name}: 4000 lines" for name in names[: MOST_COMPARED // 4_000]
    ]
