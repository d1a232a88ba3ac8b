"""Scripts inside of commands: the text that a shell is handed, and whether it can be read."""

import re
from collections.abc import Sequence
from itertools import pairwise

from pipeline.plans.shell.nouns import Command, Word

SHELLS = frozenset({"bash", "sh", "dash", "zsh", "ksh", "ash", "rbash", "fish"})
SAYING = frozenset({"echo", "printf"})
CODED: dict[str | None, re.Pattern[str]] = {
    "echo": re.compile(r"(?s)^-\w*e.*\\"),
    "printf": re.compile(r"[\\%]"),
}
"""What makes their output another text than their words."""
FINDING = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
VALUED = frozenset({"-o", "+o", "-O", "+O", "--rcfile", "--init-file"})
"""Options of a shell whose value is the next word."""


def inner_script(command: Command) -> str | None:
    """Return the literal script that a command runs besides itself; None: there is none."""
    if command.program in SHELLS:
        return _of_shell(command)
    if command.program == "eval":
        return " ".join(w.text for w in command.arguments) if _readable(command.arguments) else None
    if command.program == "find":
        return _of_find(command.arguments)
    if command.program in ("su", "script", "flock"):
        return _text(_after_c(command.arguments))
    if command.program == "trap":
        return _text(next((w for w in command.arguments if w.text != "--"), None))
    if command.program == "alias":
        return "\n".join(w.text.partition("=")[2] for w in command.arguments if w.literal) or None
    return None


def runs_computed_text(command: Command) -> bool:
    """Tell whether a command runs text that is made while the script runs."""
    if command.program == "eval":
        return bool(command.arguments)
    if command.program in ("source", "."):
        return bool(command.arguments) and not _is_file(command.arguments[0])
    if command.program not in SHELLS:
        return False
    code, file = _handed(command.arguments)
    if code is not None:
        return not code.literal
    if file is not None:
        return not file.literal
    return bool(command.fed_by) or any(one.operator in ("<<", "<<<") for one in command.redirects)


def _is_file(word: Word) -> bool:
    """Tell whether a word names a file, not what stands on a stream."""
    return word.literal and not word.text.startswith(("/dev/std", "/dev/fd", "/proc/self/fd"))


def _of_shell(command: Command) -> str | None:
    code, file = _handed(command.arguments)
    if code is not None:
        return _text(code)
    if file is not None:
        return None
    texts = [one.target for one in command.redirects if one.operator in ("<<", "<<<")]
    if texts:
        return _text(texts[-1])
    return _said(command.fed_by)


def _handed(arguments: Sequence[Word]) -> tuple[Word | None, Word | None]:
    """Return the text after a shell's `-c`, or else the file that it is to run."""
    is_text, left = False, list(arguments)
    while left:
        word = left.pop(0)
        if word.literal and word.text in VALUED:
            del left[:1]
        elif word.literal and word.text.startswith(("-", "+")) and word.text not in ("-", "--"):
            is_text = is_text or ("c" in word.text and not word.text.startswith(("--", "+")))
            if "s" in word.text and not word.text.startswith(("--", "+")) and not is_text:
                return None, None
        elif word.text in ("-", "--"):
            continue
        else:
            return (word, None) if is_text else (None, word)
    return None, None


def _said(fed_by: Sequence[Command]) -> str | None:
    """Return what `echo` or `printf` writes into a shell, as well as words tell."""
    if len(fed_by) != 1 or fed_by[0].program not in SAYING or not _readable(fed_by[0].arguments):
        return None
    words = [word.text for word in fed_by[0].arguments]
    if CODED[fed_by[0].program].search(" ".join(words).replace("\\n", "")):
        return None
    while words and words[0] in ("-n", "-e", "-en", "-ne"):
        words.pop(0)
    return " ".join(words).replace("\\n", "\n")


def _of_find(arguments: Sequence[Word]) -> str | None:
    """Return the commands after `-exec`, each as a line."""
    lines: list[str] = []
    words = [word.text for word in arguments]
    for n, word in enumerate(words):
        if word in FINDING:
            rest = arguments[n + 1 :]
            ends = [i for i, one in enumerate(rest) if one.text in (";", "+")]
            lines.append(" ".join(map(_as_word, rest[: ends[0] if ends else len(rest)])))
    return "\n".join(lines) or None


def _as_word(word: Word) -> str:
    """Return a word as it can stand in a script again."""
    if not word.literal:
        return word.text
    return "'" + word.text.replace("'", "'\\''") + "'"


def _after_c(arguments: Sequence[Word]) -> Word | None:
    return next(
        (after for word, after in pairwise(arguments) if word.text in ("-c", "--command")),
        None,
    )


def _text(word: Word | None) -> str | None:
    return word.text if word is not None and word.literal else None


def _readable(words: Sequence[Word]) -> bool:
    return bool(words) and all(word.literal for word in words)
