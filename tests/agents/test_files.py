"""Reading and changing files: what works, what is closed, and what the agent is told."""

import os
from pathlib import Path

import pytest

from pipeline.agents.messages import ToolResult
from tests.agents.boxes import Desk, send


@pytest.fixture
def desk(scratch: Path) -> Desk:
    return Desk(scratch).write({"src/a.py": "one\ntwo\nthree\n", "README.md": "hello\n"})


def read(desk: Desk, path: str, start: int | None = None, end: int | None = None) -> ToolResult:
    return desk.call("read_file", path=path, start_line=start, end_line=end)


def edit(desk: Desk, path: str, old: str, new: str, *, every: bool = False) -> ToolResult:
    return desk.call("edit_file", path=path, old_string=old, new_string=new, replace_all=every)


def test_a_file_is_read_with_line_numbers(desk: Desk) -> None:
    assert read(desk, "src/a.py").text == "     1\tone\n     2\ttwo\n     3\tthree"


def test_a_range_of_lines_says_how_many_there_are(desk: Desk) -> None:
    assert read(desk, "src/a.py", 2, 2).text == "     2\ttwo\n(lines 2 to 2 of 3)"


def test_the_path_of_the_checkout_means_the_workspace(desk: Desk) -> None:
    assert read(desk, str(desk.checkout / "README.md")).text.endswith("hello")


def test_a_long_file_comes_in_pages_that_say_how_to_read_on(desk: Desk) -> None:
    desk.write({"long.txt": "".join(f"line {n}\n" for n in range(1, 3001))})
    first = read(desk, "long.txt").text
    assert len(first) <= 20_000
    start = int(first.rpartition("start_line ")[2].rstrip(")"))
    second = read(desk, "long.txt", start).text
    assert f"{start}\tline {start}" in second


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("../checkout/x", "contains '..'"),
        ("src/../../x", "contains '..'"),
        ("/etc/passwd", "outside of the repository"),
        (".git/config", "closed"),
        (".GIT/config", "closed"),
        ("sub/.git/config", "closed"),
        (".workflow/journal.jsonl", "closed"),
        (".Workflow/x", "closed"),
        (".g\u200cit/config", "closed"),
        (".\u202egit/config", "closed"),
        (".wor\u212aflow/x", "closed"),
        (".work\ufb02ow/x", "closed"),
        (".gi\u00adt. /config", "closed"),
        ("sub/GIT~1/config", "closed"),
        ("missing.py", "there is no file"),
        ("src", "is a folder"),
        ("src/a.py/x", "is not a folder"),
        ("a\0b", "NUL"),
    ],
)
def test_what_is_closed_or_missing_is_said(desk: Desk, path: str, words: str) -> None:
    result = read(desk, path)
    assert result.is_error
    assert words in result.text


def test_binary_files_are_not_shown(desk: Desk) -> None:
    (desk.workspace / "x.bin").write_bytes(b"\x7fELF\0\0")
    assert "is binary" in read(desk, "x.bin").text


def test_a_pipe_does_not_block_the_reader(desk: Desk) -> None:
    os.mkfifo(desk.workspace / "pipe")
    assert "not a regular file" in read(desk, "pipe").text


@pytest.mark.parametrize("target", ["/etc", "../..", "../../checkout"])
def test_a_link_that_leaves_the_workspace_is_closed(desk: Desk, target: str) -> None:
    (desk.workspace / "src" / "out").symlink_to(target)
    result = read(desk, "src/out/passwd")
    assert result.is_error
    assert "leaves the repository" in result.text


def test_a_link_into_the_git_folder_is_closed(desk: Desk) -> None:
    desk.write({".git/config": "secret"})
    (desk.workspace / "innocent").symlink_to(".git/config")
    result = read(desk, "innocent")
    assert result.is_error
    assert "secret" not in result.text


def test_links_inside_the_workspace_are_followed(desk: Desk) -> None:
    (desk.workspace / "relative").symlink_to("src/../src/a.py")
    (desk.workspace / "absolute").symlink_to(desk.checkout / "src")
    assert "one" in read(desk, "relative").text
    assert "one" in read(desk, "absolute/a.py").text


def test_a_circle_of_links_ends(desk: Desk) -> None:
    (desk.workspace / "a").symlink_to("b")
    (desk.workspace / "b").symlink_to("a")
    assert "too many symbolic links" in read(desk, "a/x").text


def test_writing_to_a_hard_link_leaves_the_other_name_alone(desk: Desk) -> None:
    other = desk.folder / "other"
    other.write_text("kept\n")
    (desk.workspace / "linked").hardlink_to(other)
    assert not desk.call("write_file", path="linked", content="new\n").is_error
    assert not edit(desk, "linked", "new", "newer").is_error
    assert other.read_text() == "kept\n"
    assert (desk.workspace / "linked").read_text() == "newer\n"


def test_nothing_is_written_through_a_link_that_leaves(desk: Desk) -> None:
    outside = desk.folder / "outside"
    outside.mkdir()
    (desk.workspace / "link").symlink_to(outside)
    result = desk.call("write_file", path="link/x.txt", content="x")
    assert result.is_error
    assert list(outside.iterdir()) == []


def test_kept_folders_are_read_from_the_checkout_and_never_written(scratch: Path) -> None:
    desk = Desk(scratch, keep=(".venv", "generated.py")).write({"a.py": "x\n"})
    (desk.checkout / ".venv").mkdir()
    (desk.checkout / ".venv" / "lib.py").write_text("kept\n")
    (desk.checkout / "generated.py").write_text("made\n")
    assert "kept" in read(desk, ".venv/lib.py").text
    assert "made" in read(desk, "generated.py").text
    assert "read-only" in desk.call("write_file", path=".venv/lib.py", content="").text
    assert (desk.checkout / ".venv" / "lib.py").read_text() == "kept\n"


def test_an_edit_replaces_exactly_one_place(desk: Desk) -> None:
    assert (
        edit(desk, "src/a.py", "two", "2").text == "src/a.py changed in 1 place (first at line 2)"
    )
    assert (desk.workspace / "src/a.py").read_text() == "one\n2\nthree\n"


def test_an_edit_keeps_the_mode_of_a_file(desk: Desk) -> None:
    script = desk.workspace / "src/a.py"
    script.chmod(0o755)
    edit(desk, "src/a.py", "two", "2")
    assert script.stat().st_mode & 0o777 == 0o755


def test_an_ambiguous_edit_names_the_lines(desk: Desk) -> None:
    desk.write({"b.py": "x = 1\ny = 2\nx = 1\n"})
    result = edit(desk, "b.py", "x = 1", "x = 3")
    assert result.is_error
    assert "occurs 2 times in 'b.py' (lines 1, 3)" in result.text
    assert not edit(desk, "b.py", "x = 1", "x = 3", every=True).is_error
    assert (desk.workspace / "b.py").read_text() == "x = 3\ny = 2\nx = 3\n"


def test_an_edit_that_misses_by_whitespace_says_where_to_look(desk: Desk) -> None:
    desk.write({"b.py": "def f():\n    return 1\n"})
    result = edit(desk, "b.py", "  return 1\n  # end", "x")
    assert result.is_error
    assert "stands at line 2" in result.text


@pytest.mark.parametrize(("old", "new", "words"), [("", "x", "empty"), ("two", "two", "the same")])
def test_edits_that_mean_nothing_are_refused(desk: Desk, old: str, new: str, words: str) -> None:
    assert words in edit(desk, "src/a.py", old, new).text


def test_line_ends_of_windows_survive_an_edit(desk: Desk) -> None:
    (desk.workspace / "w.txt").write_bytes(b"one\r\ntwo\r\nthree\r\n")
    assert not edit(desk, "w.txt", "one\ntwo", "1\n2").is_error
    assert (desk.workspace / "w.txt").read_bytes() == b"1\r\n2\r\nthree\r\n"


def test_a_file_that_is_not_utf8_is_read_but_not_edited(desk: Desk) -> None:
    (desk.workspace / "l.txt").write_bytes(b"caf\xe9\n")
    assert "caf" in read(desk, "l.txt").text
    assert "not UTF-8" in edit(desk, "l.txt", "caf", "tea").text


def test_a_new_file_gets_its_folders(desk: Desk) -> None:
    result = desk.call("write_file", path="docs/deep/x.md", content="a\nb\n")
    assert result.text == "docs/deep/x.md created (2 lines)"
    assert (desk.workspace / "docs/deep/x.md").read_text() == "a\nb\n"
    again = desk.call("write_file", path="docs/deep/x.md", content="c")
    assert again.text == "docs/deep/x.md replaced (1 line)"
    assert [p.name for p in (desk.workspace / "docs/deep").iterdir()] == ["x.md"]


def test_the_root_is_listed_without_caches_and_closed_folders(desk: Desk) -> None:
    desk.write({".git/HEAD": "x", ".workflow/a": "x", "node_modules/m.js": "x", "src/b.py": "12"})
    listed = desk.call("list_files", path=".", glob=None).text
    assert listed == "README.md\t6\nsrc/a.py\t14\nsrc/b.py\t2"


def test_a_glob_without_a_slash_matches_in_every_folder(desk: Desk) -> None:
    assert desk.call("list_files", path=".", glob="*.py").text == "src/a.py\t14"
    assert desk.call("list_files", path="src", glob="src/**").text == "src/a.py\t14"
    assert "no file matches" in desk.call("list_files", path=".", glob="*.rs").text


def test_a_large_tree_is_listed_as_counts(desk: Desk) -> None:
    desk.write({f"data/{n}.txt": "" for n in range(500)})
    listed = desk.call("list_files", path=".", glob=None).text
    assert "data/\t500 files" in listed
    assert "src/\t1 file\n" in listed
    assert "README.md" in listed


def test_the_planner_has_no_tool_that_writes(desk: Desk) -> None:
    for name in ("write_file", "edit_file"):
        result = send(desk.planner(), name, path="x", content="y")
        assert isinstance(result, ToolResult)
        assert f"there is no tool '{name}'" in result.text


KEY = "sk-ant-api03-0123456789abcdefghij"
HIDDEN = "[a secret was here]"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n-----END PRIVATE KEY-----\n"


@pytest.fixture
def secretive(desk: Desk) -> Desk:
    return desk.write({"conf.py": f'A = 1\nKEY = "{KEY}"\nB = 2\n', "key.pem": f"{PEM}end\n"})


def test_a_secret_is_shown_by_no_tool(secretive: Desk) -> None:
    assert (
        read(secretive, "conf.py").text == f'     1\tA = 1\n     2\tKEY = "{HIDDEN}"\n     3\tB = 2'
    )
    assert read(secretive, "key.pem", 2, 4).text.splitlines()[-1] == "     4\tend"
    shown = [
        read(secretive, "key.pem", 2, 2),
        secretive.call("search", pattern="MII|sk-ant", path=None, glob=None),
        secretive.call("run_command", command="cat conf.py key.pem", timeout_s=None),
        secretive.call("run_command", command=f"yes {KEY} | head -2000", timeout_s=None),
        secretive.call("read_file", path="output:1", start_line=None, end_line=None),
    ]
    assert not any(KEY in one.text or "MIIE" in one.text for one in shown)
    assert not any(KEY in path.read_text() for path in secretive.folder.glob("outputs/*"))
    assert not any(KEY in repr(event) for event in secretive.events)


@pytest.mark.parametrize(
    ("old", "new"),
    [(f'KEY = "{HIDDEN}"\nB = 2', "B = 3"), ("A = 1", f'A = "{HIDDEN}"')],
)
def test_what_stands_for_a_secret_is_never_taken_for_text(
    secretive: Desk, old: str, new: str
) -> None:
    before = (secretive.workspace / "conf.py").read_text()
    result = edit(secretive, "conf.py", old, new)
    assert result.is_error
    assert "stands for a secret" in result.text
    written = secretive.call("write_file", path="conf.py", content=f'KEY = "{HIDDEN}"\n')
    assert written.is_error
    assert (secretive.workspace / "conf.py").read_text() == before


def test_around_a_secret_a_file_can_be_changed(secretive: Desk) -> None:
    assert not edit(secretive, "conf.py", "B = 2", "B = 3").is_error
    assert (secretive.workspace / "conf.py").read_text() == f'A = 1\nKEY = "{KEY}"\nB = 3\n'


def test_a_file_that_has_the_very_words_in_it_can_be_changed(desk: Desk) -> None:
    desk.write({"doc.md": f"It shows `{HIDDEN}` then.\n"})
    assert not edit(desk, "doc.md", f"`{HIDDEN}` then", f"`{HIDDEN}` now").is_error
    new = desk.call("write_file", path="new.md", content=f"It shows {HIDDEN}.\n")
    assert new.is_error
