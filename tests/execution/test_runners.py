"""What test runners say is read with bounds, whatever it is."""

import os
from pathlib import Path

import pytest

from pipeline.execution.junit import MOST_NAMES, NAME_LENGTH, parse_junit, read_junit
from pipeline.execution.runners import RUNNERS, read_output

GOOD = b"""<?xml version="1.0"?><testsuites><testsuite tests="3">
<testcase classname="tests.test_a" name="test_x"/>
<testcase classname="tests.test_a" name="test_y"><failure message="no">text</failure></testcase>
<testcase classname="tests.test_a" name="test_z"><error/></testcase>
<testcase classname="tests.test_a" name="test_s"><skipped/></testcase>
</testsuite></testsuites>"""


def test_junit_counts_and_names() -> None:
    found = parse_junit(GOOD)
    assert found is not None
    assert (found.ran, found.skipped) == (3, 1)
    assert found.failed == ("tests.test_a.test_y", "tests.test_a.test_z")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no xml", id="text"),
        pytest.param(GOOD[:200], id="cut off"),
        pytest.param(b"<testsuite/>", id="no test"),
        pytest.param(b'<!DOCTYPE a [<!ENTITY b "c">]><testcase name="&b;"/>', id="entity"),
        pytest.param(b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><testcase name="x"/>', id="dtd"),
        pytest.param(b'<?xml version="1.0" encoding="nothing"?><testcase name="x"/>', id="coding"),
        pytest.param(b"\xff\xfe\x00<", id="bytes"),
    ],
)
def test_what_is_no_plain_junit_says_nothing(content: bytes) -> None:
    assert parse_junit(content) is None


def test_names_are_few_short_and_clean() -> None:
    cases = "".join(
        f'<testcase name="{"x" * 999}&#x202e;&#10;{n}"><failure/></testcase>' for n in range(999)
    )
    found = parse_junit(f"<testsuite>{cases}</testsuite>".encode())
    assert found is not None
    assert found.ran == 999
    assert len(found.failed) == MOST_NAMES
    assert all(len(name) <= NAME_LENGTH and name.isprintable() for name in found.failed)


def test_only_a_plain_file_in_a_plain_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    real = tmp_path / "real" / "x.xml"
    real.write_bytes(GOOD)
    assert read_junit(real) is not None
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    assert read_junit(tmp_path / "linked" / "x.xml") is None
    (tmp_path / "link.xml").symlink_to(real)
    assert read_junit(tmp_path / "link.xml") is None
    os.mkfifo(tmp_path / "pipe.xml")
    assert read_junit(tmp_path / "pipe.xml") is None
    (tmp_path / "hard.xml").hardlink_to(real)
    assert read_junit(tmp_path / "hard.xml") is None
    assert read_junit(tmp_path / "nowhere" / "x.xml") is None


OUTPUTS = {
    "unittest": (
        "ERROR: setUpClass (tests.b.C)\nFAIL: test_x (tests.a.T.test_x)\n---\n"
        "Ran 5 tests in 0.001s\n\nFAILED (failures=1, errors=1, skipped=2)\n",
        (3, 2, ("tests.b.C.setUpClass", "tests.a.T.test_x")),
    ),
    "pytest": (
        "F.s\nFAILED tests/a.py::test_x[1] - assert 1\nERROR tests/b.py\n"
        "=== 1 failed, 1 passed, 1 skipped, 1 error in 0.02s ===\n",
        (2, 1, ("tests/a.py::test_x[1]", "tests/b.py")),
    ),
    "node": (
        "not ok 1 - adds\nok 2 - is # SKIP\nnot ok 3 - later # TODO\n# tests 3\n# skipped 1\n",
        (2, 1, ("adds",)),
    ),
    "jest and vitest": (
        "  \u25cf sums \u203a adds\nTests:       1 failed, 2 skipped, 3 passed, 6 total\n",
        (4, 2, ("sums \u203a adds",)),
    ),
    "cargo": (
        "test a::b ... FAILED\ntest result: FAILED. 3 passed; 1 failed; 1 ignored; 0 measured\n"
        "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured\n",
        (6, 1, ("a::b",)),
    ),
    "go": ("--- FAIL: TestX (0.00s)\n    --- FAIL: TestX/sub (0.0s)\nFAIL\n", None),
}


def test_every_runner_of_the_table_is_read() -> None:
    assert set(OUTPUTS) == {runner.name for runner in RUNNERS}
    for name, (text, wanted) in OUTPUTS.items():
        found = read_output(text)
        assert found is not None, name
        told = (found.ran, found.skipped, found.failed)
        assert told == (wanted or (None, None, ("TestX", "TestX/sub"))), name


@pytest.mark.parametrize(
    ("output", "names"),
    [
        pytest.param(
            "--- FAIL: TestX (0.00s)\nFAIL\nFAIL\texample/a\t0.01s\n"
            "FAIL\texample/b [build failed]\n",
            ("TestX", "example/a", "example/b"),
            id="a package that does not build",
        ),
        pytest.param(
            "FAIL src/a.test.js (5.1 s)\n  \u25cf sums \u203a adds\nFAIL src/b.test.js\n"
            "  \u25cf Test suite failed to run\n  \u25cf Console\nTests:       1 failed, 1 total\n",
            ("src/a.test.js", "sums \u203a adds", "src/b.test.js"),
            id="a file that does not load",
        ),
        pytest.param(
            "test a::b ... FAILED\ntest result: FAILED. 3 passed; 1 failed; 0 ignored;\n"
            "error: test failed, to rerun pass `--lib`\n"
            "error: test failed, to rerun pass '--test c'\n",
            ("a::b", "--lib", "--test c"),
            id="a test program that crashes",
        ),
        pytest.param(
            "FAIL: test_x (tests.a.T)\nERROR: test_y (tests.a.T)\nRan 5 tests in 0.001s\n",
            ("tests.a.T.test_x", "tests.a.T.test_y"),
            id="unittest before Python 3.11",
        ),
        pytest.param(
            "FAIL: test_x (tests.a.T.test_x)\nRan 5 tests in 0.001s\nnot ok 1 - adds\n# tests 1\n",
            ("tests.a.T.test_x", "adds"),
            id="two runners in one command",
        ),
    ],
)
def test_nothing_that_fails_is_left_without_a_name(output: str, names: tuple[str, ...]) -> None:
    found = read_output(output)
    assert found is not None
    assert found.failed == names


def test_output_of_no_runner_says_nothing() -> None:
    assert read_output("all is well\n" * 100) is None
    assert read_output(" " * 300_000 + "\n" * 300_000 + "(" * 300_000 + "1" * 300_000) is None
