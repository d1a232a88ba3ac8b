"""The command line: a table of commands, each a thin function in a file of its own.

A command's file is imported when the command is used, so that `pipeline --help` is instant.
"""

from pipeline.cli.entry import main

__all__ = ["main"]
