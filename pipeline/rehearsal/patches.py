"""A script's edits in the words of a model whose only edit tool is `apply_patch`.

Scripts say `edit_file` and `write_file`; where a request offers `apply_patch` alone, the stand-in
sends the same change as a patch. An edit then has to be of whole lines.
"""

from collections.abc import Collection

from pydantic import JsonValue

PATCH = "apply_patch"
Arguments = dict[str, JsonValue]


def as_offered(name: str, arguments: Arguments, offered: Collection[str]) -> tuple[str, Arguments]:
    """Return a call (name, arguments), or the same change as a patch where only that is offered."""
    if PATCH not in offered or name in offered:
        return name, arguments
    if name == "write_file":
        return PATCH, _patch("create_file", arguments, _marked("+", arguments.get("content")))
    if name == "edit_file":
        old = _marked("-", arguments.get("old_string"))
        new = _marked("+", arguments.get("new_string"))
        return PATCH, _patch("update_file", arguments, f"@@\n{old}{new}")
    return name, arguments


def _patch(kind: str, arguments: Arguments, diff: str) -> Arguments:
    return {"type": kind, "path": arguments.get("path"), "diff": diff}


def _marked(sign: str, text: JsonValue) -> str:
    """Return the lines of `text`, each with its sign."""
    lines = str(text).removesuffix("\n").split("\n") if text else []
    return "".join(f"{sign}{line}\n" for line in lines)
