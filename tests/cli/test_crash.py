"""The log of a bug: what a report needs, and no argument or secret."""

import os

from pipeline.cli.crash import write_crash_log

SECRET = "correct-horse-battery-staple-17"


def test_the_log_names_versions_and_keeps_arguments_and_secrets_out() -> None:
    os.environ["SHOP_PASSWORD"] = SECRET
    try:
        raise RuntimeError(f"it fell over {SECRET}")
    except RuntimeError:
        path = write_crash_log(["add", "a private title"])
    said = path.read_text()

    names = [line.partition(" ")[0] for line in said.partition("\n\n")[0].splitlines()]
    assert names == ["pipeline", "python", "system", "kernel", "git", "bwrap", "command"]
    assert "command pipeline add\n" in said
    assert "RuntimeError: it fell over" in said
    assert SECRET not in said
    assert "private title" not in said
