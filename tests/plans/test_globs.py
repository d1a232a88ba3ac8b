"""Globs of `may_touch`: what they cover and what they do not."""

import pytest

from pipeline.plans.globs import exactly, matches, matches_any, together


@pytest.mark.parametrize(
    ("glob", "covered", "not_covered"),
    [
        ("**/uv.lock", ["uv.lock", "a/b/uv.lock"], ["uv.lock.bak", "xuv.lock"]),
        ("**/tests/**", ["tests/a", "x/tests/b/c"], ["tests", "mytests/a"]),
        ("**/test_*.py", ["test_a.py", "x/test_.py"], ["atest_a.py", "test_a/b.py"]),
        ("**/*.test.*", ["a.test.js", "x/a.test.ts"], ["a.test", "x.test/y"]),
        ("docs/*.md", ["docs/a.md"], ["docs/b/a.md", "x/docs/a.md"]),
        ("docs/**/x", ["docs/x", "docs/a/b/x"], ["docs/ax"]),
        ("docs/", ["docs/a", "docs/a/b"], ["docs", "mydocs/a"]),
        ("*.lock", ["a.lock", "x/y/a.lock"], ["a.lock/b"]),
        ("/*.lock", ["a.lock"], ["x/a.lock"]),
        ("./a.py", ["a.py"], ["b.py"]),
        ("file?.txt", ["file1.txt"], ["file.txt", "file/.txt"]),
        ("v[0-9].txt", ["v1.txt"], ["vx.txt"]),
        ("v[!0-9].txt", ["vx.txt"], ["v1.txt", "v/.txt"]),
        ("**", ["a", "a/b"], []),
        ("a.b+(c)|d", ["a.b+(c)|d"], ["aXb+(c)|d", "d"]),
        ("[", ["["], ["a"]),
        ("[]]", [], ["a"]),
        ("A.py", ["A.py"], ["a.py"]),
    ],
)
def test_a_glob_covers(glob: str, covered: list[str], not_covered: list[str]) -> None:
    assert [path for path in covered if not matches(path, glob)] == []
    assert [path for path in not_covered if matches(path, glob)] == []


def test_line_breaks_in_names_do_not_slip_through() -> None:
    assert not matches("a.py\nx", "*.py")
    assert matches("tests/a\nb", "tests/**")


def test_one_of_several_is_enough() -> None:
    assert matches_any("a.lock", ("docs/**", "*.lock"))
    assert not matches_any("a.py", ())


def test_exactly_covers_one_path() -> None:
    for path in ("setup.py", "pages/[id].tsx", "a/b.py", "[!x]"):
        assert matches(path, exactly(path))
        assert not matches(f"else/{path}", exactly(path))
    assert not matches("pages/i.tsx", exactly("pages/[id].tsx"))


@pytest.mark.parametrize("path", ["a.lock", "x/a.lock", "docs/a.md", "docs/b/a.md", "x|y", "", "a"])
@pytest.mark.parametrize("globs", [(), ("*.lock",), ("docs/*.md", "x|y", "/*.lock"), ("a", "b")])
def test_globs_together_cover_what_one_of_them_covers(path: str, globs: tuple[str, ...]) -> None:
    assert (together(globs).fullmatch(path) is not None) == matches_any(path, globs)
