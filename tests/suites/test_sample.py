"""What the campaign compares, on a project of a few lines."""

from pathlib import Path

from tests.builders import make_repository
from tests.suites.campaign import SUITES, Suite, both, differences

CHECKS = """
import pathlib, socket, subprocess, tempfile, threading

def loopback():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()

def process():
    assert subprocess.run(["git", "log", "-1"], capture_output=True).returncode == 0

def file():
    with tempfile.NamedTemporaryFile() as made:
        assert pathlib.Path(made.name).exists()

def thread():
    one = threading.Thread(target=file)
    one.start()
    one.join()

def outside():
    assert pathlib.Path(%r).exists()

for number, check in enumerate((loopback, process, file, thread, outside)):
    try:
        check()
        print("ok", number, check.__name__)
    except (OSError, AssertionError):
        print("not ok", number, check.__name__)
"""


def test_a_suite_ends_inside_as_outside_but_for_what_leaves_the_checkout(tmp_path: Path) -> None:
    (tmp_path / "private").touch()
    root = make_repository(
        tmp_path / "place" / "checkout", {"check.py": CHECKS % str(tmp_path / "private")}
    )
    one = Suite("a", "pypi", "", "", (), "python3 check.py", r"^(ok|not ok) \d+ (.*)$")

    outside, inside = both(root, one)

    assert outside.counts == "exit 0, 5 ok", outside.output
    assert list(differences(outside, inside)) == [
        "only outside: ok outside",
        "only inside: not ok outside",
    ]


def test_three_projects_and_one_of_node_are_tried() -> None:
    assert len(SUITES) >= 3
    assert {one.kind for one in SUITES} == {"pypi", "npm"}
