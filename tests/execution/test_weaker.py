"""Tests that say less after a change are found, in every language and in what runs them."""

from pathlib import Path

import pytest

from pipeline import git
from pipeline.domain.results import CommandEvidence, SuiteRun
from pipeline.execution.evidence import Ran
from pipeline.execution.weaker import (
    LANGUAGES,
    LARGEST,
    Pair,
    fewer_ran,
    find_weaker,
    weaker_tests,
)
from tests.builders import git as run_git
from tests.builders import make_repository, write_files

PY = "def test_a():\n    x = 1\n    assert x == 1\n    assert x\n\ndef test_b():\n    assert 2\n"
JS = "it('adds', () => {\n  expect(1).toBe(1);\n  expect(2).toBe(2);\n});\ntest('b', () => {});\n"
GO = 'func TestA(t *testing.T) {\n\tif x {\n\t\tt.Fatal("x")\n\t}\n}\nfunc TestB(t *testing.T) {}\n'
RS = "#[test]\nfn adds() {\n    assert_eq!(1, 1);\n    assert!(x);\n}\n#[test]\nfn b() {}\n"

param = pytest.param
TEST, SPEC = "tests/test_a.py", "a.test.js"
CASES = [
    param(TEST, PY, PY.replace("    assert x\n", ""), ["fewer assertions"], id="py less"),
    param(
        "tests/test_a.py",
        PY,
        PY.replace("assert x =", "# assert x ="),
        ["fewer assertions"],
        id="#",
    ),
    param(
        "tests/test_a.py",
        PY,
        PY.replace("assert 2", "assert True"),
        ["fewer assertions"],
        id="true",
    ),
    param(TEST, PY, PY[: PY.index("def test_b")], ["test deleted"], id="py gone"),
    param(TEST, PY, None, ["test file deleted"], id="file gone"),
    param(
        "test_a.py", PY, f"import pytest\n@pytest.mark.skip\n{PY}", ["test skipped"], id="py skip"
    ),
    param(
        "test_a.py",
        PY,
        PY.replace("def test_b", "@pytest.mark.xfail\ndef test_b"),
        ["test skipped"],
        id="xfail",
    ),
    param("test_a.py", PY, PY + "\nimport os\nos._exit(0)\n", ["failure ignored"], id="exit"),
    param(
        "tests/__init__.py",
        "",
        "import unittest\nunittest.TestCase.assertEqual = lambda *_: None\n",
        ["failure ignored"],
        id="py patched",
    ),
    param(SPEC, JS, f"assert.equal = () => {{}}\n{JS}", ["failure ignored"], id="js patched"),
    param(SPEC, JS, JS.replace("it(", "it.skip("), ["test skipped"], id="js skip"),
    param(SPEC, JS, JS.replace("it(", "it.only("), ["test skipped"], id="js only"),
    param("a.spec.ts", JS, JS.replace("it(", "xit("), ["test skipped", "test deleted"], id="x"),
    param(
        "a.spec.ts", JS, JS.replace("  expect(2)", "  // expect(2)"), ["fewer assertions"], id="ts"
    ),
    param(SPEC, JS, JS[: JS.index("test(")], ["test deleted"], id="js gone"),
    param(
        "a_test.go",
        GO,
        GO.replace("{\n\tif", "{\n\tt.Skip()\n\tif"),
        ["test skipped"],
        id="go skip",
    ),
    param("a_test.go", GO, GO.replace("t.Fatal", "t.Log"), ["fewer assertions"], id="go less"),
    param("a_test.go", GO, GO.replace("TestB", "testB"), ["test deleted"], id="go gone"),
    param("src/a.rs", RS, RS.replace("fn adds", "#[ignore]\nfn adds"), ["test skipped"], id="rs"),
    param("src/a.rs", RS, RS.replace("    assert!(x);\n", ""), ["fewer assertions"], id="rs-"),
    param("src/a.rs", RS, RS[: RS.rindex("#[test]")], ["test deleted"], id="rs gone"),
    param(
        "Makefile", "test:\n\tpytest\n", "test:\n\tpytest || true\n", ["failure ignored"], id="make"
    ),
    param("Makefile", "test:\n\tpytest\n", "test:\n\t-pytest\n", ["failure ignored"], id="make -"),
    param(
        "package.json",
        '{"test": "jest"}',
        '{"test": "jest --passWithNoTests"}',
        ["failure ignored"],
        id="npm",
    ),
    param(
        "pyproject.toml",
        "[x]\n",
        "[x]\naddopts = '--deselect tests/a.py'\n",
        ["tests left out"],
        id="deselect",
    ),
    param(
        "tests/conftest.py",
        "",
        "def pytest_collection_modifyitems(items):\n    items.clear()\n",
        ["failure ignored"],
        id="conftest",
    ),
    param(TEST, PY, PY + "\ndef test_c():\n    assert 3\n", [], id="py more"),
    param(TEST, PY, PY.replace("x == 1", "x == 2"), [], id="py other"),
    param("app.py", "def f():\n    assert 1\n", "def f():\n    pass\n", [], id="no test"),
    param("Makefile", "a:\n\tx || true\n", "a:\n\tx || true\nb:\n\ty\n", [], id="was there"),
]


def found(*pairs: Pair) -> list[str]:
    """Return the kinds of what is found."""
    return sorted(one.kind for one in find_weaker(pairs))


@pytest.mark.parametrize(("path", "old", "new", "kinds"), CASES)
def test_what_makes_tests_say_less_is_found(
    path: str, old: str, new: str | None, kinds: list[str]
) -> None:
    assert found(Pair(path, old, new)) == sorted(kinds)


def test_a_test_that_moves_to_another_file_is_not_lost() -> None:
    at = PY.index("def test_b")
    moved = (Pair(TEST, PY, PY[:at]), Pair("tests/test_b.py", "", PY[at:]))
    assert found(*moved) == []
    assert found(Pair(TEST, PY, None), Pair("tests/test_new.py", "", PY)) == []


def test_two_commits_are_compared(tmp_path: Path) -> None:
    files = {"tests/test_a.py": PY, "tests/test_b.py": PY, "Makefile": "test:\n\tpytest\n"}
    root = make_repository(tmp_path / "r", files)
    write_files(root, {"tests/test_a.py": PY.replace("    assert x\n", ""), "tests/b.bin": "\0"})
    write_files(root, {"Makefile": "test:\n\tpytest || true\n"})
    (root / "tests/test_b.py").unlink()
    (root / "tests/test_b.py").symlink_to("test_a.py")
    run_git(root, "add", "-A")
    tree = run_git(root, "write-tree")
    seen = [str(one) for one in weaker_tests(git.open_repository(root), "HEAD", tree)]
    assert seen == [
        "fewer assertions: tests/test_a.py: test_a has 1 assertion, had 2",
        "test deleted: tests/test_b.py: test_a",
        "test deleted: tests/test_b.py: test_b",
        "failure ignored: Makefile: pytest || true",
    ]


def test_every_language_of_the_table_has_a_case() -> None:
    tried = {Path(str(case.values[0])).suffix for case in CASES}
    assert {id(LANGUAGES[end]) for end in tried if end in LANGUAGES} == {
        id(language) for language in LANGUAGES.values()
    }


def ran(count: int, skipped: int, exit_code: int = 0) -> Ran:
    tests = SuiteRun(ran=count, skipped=skipped, told_by="junit")
    return Ran(
        CommandEvidence(stage="suite", command="t", exit_code=exit_code, duration_s=1, tests=tests),
        "",
    )


def test_fewer_tests_than_on_the_base_are_counted() -> None:
    assert [str(one) for one in fewer_ran(ran(9, 0), ran(7, 2))] == [
        "fewer tests ran: 7 ran, 9 on the base (t)",
        "test skipped: 2 skipped, 0 on the base",
    ]
    assert list(fewer_ran(ran(9, 0), ran(9, 0))) == []
    assert list(fewer_ran(None, ran(1, 0))) == []


@pytest.mark.parametrize(
    ("path", "piece"), [("a.test.js", "it."), ("a.test.js", "/*"), ("tests/a.rs", "#[cfg_attr(")]
)
def test_texts_made_to_be_slow_to_search_are_searched(path: str, piece: str) -> None:
    """Searched without bounds each of these takes minutes."""
    assert find_weaker([Pair(path, "", piece * (LARGEST // len(piece)))]) == ()
