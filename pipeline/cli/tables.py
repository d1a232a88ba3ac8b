"""Importing by name, for what a command needs only sometimes."""

import importlib
from typing import Any


def load_function(module: str, function: str) -> Any:
    """Return a function of `pipeline.cli.<module>`, importing that file now."""
    return getattr(importlib.import_module(f"pipeline.cli.{module}"), function)
