"""One thing taken out of the code, and the tests that should notice."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["sync", "order", "lock", "nonce", "check"]
Edit = tuple[str, str]
"""What stands in the file, exactly once, and what stands there instead."""


class NotThere(Exception):
    """The text that is to be taken out is not in the code, or more than once."""


@dataclass(frozen=True)
class Mutation:
    """A place, what is taken out there, and who should see it."""

    kind: Kind
    gone: str
    """What is missing afterwards, in a person's words."""
    file: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]
    """The narrowest selection: arguments of pytest."""

    def source(self, root: Path) -> str:
        """Return the file's text as it is below `root`."""
        return (root / self.file).read_text()

    def mutated(self, root: Path) -> str:
        """Return the file's text without the thing; raises `NotThere`."""
        text = self.source(root)
        for old, new in self.edits:
            if text.count(old) != 1:
                raise NotThere(f"{self.file}: {text.count(old)} times {old!r} ({self.gone})")
            text = text.replace(old, new)
        return text


def mutation(
    kind: Kind, gone: str, file: str, old: str, new: str, *tests: str, more: tuple[Edit, ...] = ()
) -> Mutation:
    """Return a mutation of one file of the package."""
    return Mutation(kind, gone, f"pipeline/{file}", ((old, new), *more), tests)
