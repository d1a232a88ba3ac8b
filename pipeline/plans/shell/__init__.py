"""Shell scripts read by a parser instead of by patterns: `parse`, then `dangers`."""

from pipeline.plans.shell.dangers import dangers
from pipeline.plans.shell.nouns import Command, Redirect, Script, Word
from pipeline.plans.shell.reading import parse

__all__ = ["Command", "Redirect", "Script", "Word", "dangers", "parse"]
