"""The documents as a test sees them: code blocks, inline code, links, headings."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGES = (
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "specs" / "agent-roles.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "phases").glob("*.md")),
)
NAMES = [path.relative_to(ROOT).as_posix() for path in PAGES]

INLINE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Page:
    """One document."""

    path: Path

    @property
    def text(self) -> str:
        """Return all of it."""
        return self.path.read_text()

    @property
    def code_lines(self) -> list[str]:
        """Return the lines of its code blocks, all of which are indented by four."""
        lines = self.text.splitlines()
        return [line[4:] for line in lines if line.startswith("    ")]

    @property
    def prose(self) -> str:
        """Return everything but the code blocks."""
        lines = self.text.splitlines()
        return "\n".join(line for line in lines if not line.startswith("    "))

    @property
    def inline_code(self) -> list[str]:
        """Return what stands between backticks in the prose, each on one line."""
        return [" ".join(found.split()) for found in INLINE.findall(self.prose)]

    @property
    def links(self) -> list[str]:
        """Return the targets of its links that are in this repository."""
        return [link for link in LINK.findall(self.prose) if "://" not in link]

    @property
    def anchors(self) -> set[str]:
        """Return the anchors of its headings, as GitHub makes them."""
        heads = re.findall(r"(?m)^#+ (.+)$", self.prose)
        return {re.sub(r"[^\w\- ]", "", head).strip().lower().replace(" ", "-") for head in heads}

    def table(self, first_column: str) -> list[list[str]]:
        """Return the rows of the table whose head begins with `first_column`."""
        _, _, rest = self.text.partition(f"| {first_column} |")
        rows = rest.partition("\n\n")[0].splitlines()[2:]
        return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def page(name: str) -> Page:
    """Return a document by its path from the root."""
    return Page(ROOT / name)
