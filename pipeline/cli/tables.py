"""Importing by name, for what a command needs only sometimes."""

import importlib
from typing import Any

VARIABLE = "_PIPELINE_COMPLETE"
"""Set by a completion script when the shell asks what a word could be."""


def load_function(module: str, function: str) -> Any:
    """Return a function of `pipeline.cli.<module>`, importing that file now."""
    return getattr(importlib.import_module(f"pipeline.cli.{module}"), function)
