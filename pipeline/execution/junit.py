"""A JUnit XML file as the code under test wrote it: read with bounds, never trusted.

No DTD, no entity of its own, so many bytes, so many names. What it says names tests; whether they
passed is the exit code's to say.
"""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from pipeline.domain.results import SuiteRun
from pipeline.git import one_line

MOST_BYTES = 16 * 2**20
MOST_NAMES = 200
"""With so many no list is taken for complete."""
NAME_LENGTH = 200
FAILING = ("failure", "error")


class _Refused(Exception):
    """Raised inside the parser for what no test runner writes."""


@dataclass
class _Cases:
    """What was met so far."""

    ran: int = 0
    skipped: int = 0
    failed: list[str] = field(default_factory=list)
    name: str | None = None
    """Of the test case that is open."""
    outcome: str = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Take in one start tag."""
        if tag == "testcase":
            words = (attributes.get("classname", ""), attributes.get("name", ""))
            self.name = ".".join(word for word in words if word)
            self.outcome = ""
        elif self.name is not None and (tag in FAILING or tag == "skipped"):
            self.outcome = self.outcome if self.outcome in FAILING else tag

    def end(self, tag: str) -> None:
        """Take in one end tag."""
        if tag != "testcase" or self.name is None:
            return
        self.skipped += self.outcome == "skipped"
        self.ran += self.outcome != "skipped"
        if self.outcome in FAILING and len(self.failed) < MOST_NAMES:
            self.failed.append(name_of_test(self.name))
        self.name = None


def read_junit(path: Path) -> SuiteRun | None:
    """Return what a JUnit XML file says; None when there is none that can be read."""
    content = _content(path)
    return None if content is None else parse_junit(content)


def parse_junit(content: bytes) -> SuiteRun | None:
    """Return what JUnit XML says; None for anything else, whatever it is."""
    cases = _Cases()
    parser = expat.ParserCreate()
    parser.StartElementHandler = cases.start
    parser.EndElementHandler = cases.end
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, _Refused, ValueError, LookupError):
        return None
    if not cases.ran and not cases.skipped:
        return None
    return SuiteRun(
        ran=cases.ran, skipped=cases.skipped, failed=tuple(cases.failed), told_by="junit"
    )


def name_of_test(text: str) -> str:
    """Return a test's name as records hold it: one clean line, not too long."""
    return one_line(text.encode("utf-8", "replace").decode(), limit=NAME_LENGTH)


def _refuse(*_: object) -> None:
    raise _Refused


def _content(path: Path) -> bytes | None:
    """Return a plain file's bytes; None for links, pipes, what is too large or not there.

    Its folder is one that commands could replace, so neither it nor the file is followed.
    """
    plain = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        folder = os.open(path.parent, plain | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        handle = os.open(path.name, plain, dir_fd=folder)
    except OSError:
        return None
    finally:
        os.close(folder)
    with os.fdopen(handle, "rb") as file:
        seen = os.fstat(handle)
        if not stat.S_ISREG(seen.st_mode) or seen.st_nlink > 1 or seen.st_size > MOST_BYTES:
            return None
        return file.read(MOST_BYTES)
