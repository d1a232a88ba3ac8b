"""V4A diffs: each hunk lands in the one place that it fits, or the model is told why not."""

from pathlib import Path

import pytest

from pipeline.agents.messages import ToolResult
from pipeline.agents.roles import BY_PATCH
from pipeline.agents.tools.boxes import executor_toolbox
from pipeline.agents.tools.patch import PatchProblem, new_content, patched
from tests.agents.boxes import Desk, send

CODE = """\
class A:
    def go(self):
        x = 1
        return x


class B:
    def go(self):
        x = 1
        return x
"""


CLOSED = (".git/config", ".workflow/config.toml", "../out.txt", "/etc/hosts", ".venv/x.py", "src")


@pytest.fixture
def desk(scratch: Path) -> Desk:
    return Desk(scratch, keep=(".venv",)).write({"src/a.py": CODE, "b.txt": "one\ntwo\nthree\n"})


def patch(desk: Desk, kind: str, path: str, diff: str | None = None) -> ToolResult:
    """Call apply_patch, as an executor whose model has it."""
    box = executor_toolbox(
        **desk._common(),
        finish_task=desk._finish,
        accept_result=desk._accept,
        permits=desk.permits,
        edit_tools=BY_PATCH,
    )
    result = send(box, "apply_patch", type=kind, path=path, diff=diff)
    assert isinstance(result, ToolResult)
    return result


@pytest.mark.parametrize(
    ("diff", "after"),
    [
        ("@@\n one\n-two\n+2\n three\n", "one\n2\nthree\n"),
        (" one\n-two\n+2", "one\n2\nthree\n"),
        ("-one\n+1\n@@\n-three\n+3\n", "1\ntwo\n3\n"),
        ("@@ two\n+2.5\n", "one\ntwo\n2.5\nthree\n"),
        ("@@\n+four\n*** End of File\n", "one\ntwo\nthree\nfour\n"),
        ("--- a/b.txt\n+++ b/b.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n", "one\n2\nthree\n"),
        (
            "*** Begin Patch\n*** Update File: b.txt\n@@\n-two\n+2\n*** End Patch\n",
            "one\n2\nthree\n",
        ),
        ("-two\n", "one\nthree\n"),
        ("-two  \n+2\n", "one\n2\nthree\n"),
    ],
)
def test_a_hunk_is_found_by_its_context(diff: str, after: str) -> None:
    assert patched("one\ntwo\nthree\n", diff, shown="b.txt") == after


def test_anchors_lead_to_one_of_several_places() -> None:
    diff = "@@ class B:\n@@     def go(self):\n-        x = 1\n+        x = 2\n"
    assert patched(CODE, diff, shown="a.py") == CODE[:-31] + "        x = 2\n        return x\n"


def test_lines_that_all_lack_the_same_indentation_are_moved_in() -> None:
    before = "def f():\n    if x:\n        return 1\n"
    diff = "-if x:\n-    return 1\n+if y:\n+    return 2\n"
    assert patched(before, diff, shown="a.py") == "def f():\n    if y:\n        return 2\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [("a\r\nb\r\nc\r\n", "a\r\nB\r\nc\r\n"), ("a\nb\nc", "a\nB\nc"), ("a\n\nb\n", "a\n\nB\n")],
)
def test_line_ends_and_a_missing_last_one_are_kept(before: str, after: str) -> None:
    assert patched(before, "-b\n+B\n", shown="a") == after


@pytest.mark.parametrize(
    ("diff", "words"),
    [
        ("-        x = 1\n+        x = 2\n", "fits 2 places (lines 3, 9)"),
        ("-    y = 1\n+    y = 2\n", "not in the file: '    y = 1'"),
        ("@@ class C:\n-        x = 1\n", "is the anchor 'class C:'"),
        ("+x = 3\n", "no line of context"),
        (" class A:\n", "nothing would change"),
        ("", "nothing would change"),
        ("hello\n", "begins with none of '@@', ' ', '-' and '+'"),
        (" class B:\n-    def go(self):\n+    def gone(self):\n@@\n-class A:\n+class Z:\n", "top"),
        (" class A:\n         x = 1\n-        return x\n", "not one after the other"),
        ("-class A:\n+class A:\n", "changes nothing"),
    ],
)
def test_a_hunk_without_one_clear_place_is_refused_with_what_to_do(diff: str, words: str) -> None:
    with pytest.raises(PatchProblem) as caught:
        patched(CODE, diff, shown="a.py")
    assert words in str(caught.value)


def test_a_new_file_is_lines_with_plus_alone() -> None:
    assert new_content("+one\n+\n+two\n") == "one\n\ntwo\n"
    assert new_content("") == ""
    with pytest.raises(PatchProblem, match="line 2 of the diff is 'two'"):
        new_content("+one\ntwo\n")


def test_a_file_is_created_changed_and_deleted(desk: Desk) -> None:
    assert patch(desk, "create_file", "new/c.txt", "+hello\n").text == "new/c.txt created (1 line)"
    assert (desk.workspace / "new/c.txt").read_text() == "hello\n"
    assert patch(desk, "update_file", "new/c.txt", "-hello\n+bye\n").text == "new/c.txt changed"
    assert (desk.workspace / "new/c.txt").read_text() == "bye\n"
    assert patch(desk, "delete_file", "new/c.txt").text == "new/c.txt deleted"
    assert not (desk.workspace / "new/c.txt").exists()


@pytest.mark.parametrize("kind", ["create_file", "update_file", "delete_file"])
@pytest.mark.parametrize(
    "path",
    [".git/config", ".workflow/config.toml", "../out.txt", "/etc/hosts", ".venv/x.py", "src"],
)
def test_every_operation_keeps_to_the_paths_of_the_room(desk: Desk, kind: str, path: str) -> None:
    (desk.checkout / ".venv").mkdir()
    (desk.checkout / ".venv/x.py").write_text("x\n")
    assert patch(desk, kind, path, "+x\n").is_error
    assert (desk.checkout / ".venv/x.py").read_text() == "x\n"


def test_a_link_that_leads_out_is_neither_followed_nor_deleted(desk: Desk) -> None:
    (desk.workspace / "out").symlink_to(desk.folder / "checkout")
    (desk.folder / "checkout/mine.txt").write_text("mine\n")
    for kind in ("create_file", "update_file", "delete_file"):
        assert patch(desk, kind, "out/mine.txt", "-mine\n+yours\n").is_error
        assert patch(desk, kind, "out", "+x\n").is_error
    assert (desk.folder / "checkout/mine.txt").read_text() == "mine\n"
    assert (desk.workspace / "out").is_symlink()


def test_an_executor_has_either_way_to_edit_and_not_the_other(desk: Desk) -> None:
    refused = desk.call("apply_patch", type="delete_file", path="b.txt", diff=None)
    assert "there is no tool 'apply_patch'" in refused.text
    assert (desk.workspace / "b.txt").exists()
