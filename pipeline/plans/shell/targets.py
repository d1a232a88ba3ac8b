"""Which files a command writes, as far as its words say so."""

from collections.abc import Callable, Sequence

from pipeline.plans.shell.nouns import Command, Word


def targets(command: Command) -> tuple[Word, ...]:
    """Return the words that name what a command writes or removes: redirections, then its own."""
    written = [r.written for r in command.redirects]
    own = TARGETS[command.program](command.arguments) if command.program in TARGETS else ()
    return (*(word for word in written if word is not None), *own)


def options(command: Command) -> tuple[frozenset[str], frozenset[str]]:
    """Return the letters of a command's short options, and its long options without values."""
    short: set[str] = set()
    long: set[str] = set()
    for word in command.arguments:
        if word.text == "--":
            break
        if word.text.startswith("--"):
            long.add(word.text.partition("=")[0])
        elif word.text.startswith("-"):
            short |= set(word.text[1:])
    return frozenset(short), frozenset(long)


def operands(arguments: Sequence[Word]) -> tuple[Word, ...]:
    """Return the words that are no options."""
    texts = [word.text for word in arguments]
    end = texts.index("--") if "--" in texts else len(texts)
    before = [word for word in arguments[:end] if not word.text.startswith("-")]
    return (*before, *arguments[end + 1 :])


def _last(arguments: Sequence[Word]) -> Sequence[Word]:
    """The last operand, or the folder after `-t`."""
    for n, word in enumerate(arguments[:-1]):
        if word.text in ("-t", "--target-directory"):
            return arguments[n + 1 : n + 2]
    return operands(arguments)[1:][-1:]


def _both(arguments: Sequence[Word]) -> Sequence[Word]:
    """`mv` takes away what it moves."""
    return operands(arguments)


def _after_first(arguments: Sequence[Word]) -> Sequence[Word]:
    return operands(arguments)[1:]


def _of(arguments: Sequence[Word]) -> Sequence[Word]:
    """`dd of=FILE`."""
    return [Word(w.text[3:], w.literal, w.bare) for w in arguments if w.text.startswith("of=")]


def _in_place(arguments: Sequence[Word]) -> Sequence[Word]:
    """`sed -i`: every file; without it none."""
    changes = any(word.text.startswith(("-i", "--in-place")) for word in arguments)
    return operands(arguments)[1:] if changes else ()


def _after(*names: str) -> Callable[[Sequence[Word]], Sequence[Word]]:
    def found(arguments: Sequence[Word]) -> Sequence[Word]:
        return [arguments[n + 1] for n, word in enumerate(arguments[:-1]) if word.text in names]

    return found


TARGETS: dict[str | None, Callable[[Sequence[Word]], Sequence[Word]]] = {
    "chmod": _after_first,
    "chown": _after_first,
    "chgrp": _after_first,
    "cp": _last,
    "curl": _after("-o", "--output"),
    "dd": _of,
    "install": _last,
    "ln": _last,
    "mkdir": operands,
    "mkfifo": operands,
    "mv": _both,
    "rm": operands,
    "rmdir": operands,
    "rsync": _last,
    "sed": _in_place,
    "shred": operands,
    "sponge": operands,
    "tar": _after("-C", "--directory"),
    "tee": operands,
    "touch": operands,
    "truncate": operands,
    "unlink": operands,
    "unzip": _after("-d"),
    "wget": _after("-O", "--output-document", "-P"),
}
"""The words of a program that name what it writes."""
