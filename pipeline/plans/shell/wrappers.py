"""Programs that run another program: which of their words is that program's name."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.plans.shell.nouns import Word

SPLIT = ("-S", "--split-string")
"""Options of `env` whose value is more than one word."""


@dataclass(frozen=True)
class Wrapper:
    """How the words of a wrapper are passed over."""

    valued: frozenset[str] = frozenset()
    """Options whose value is the next word."""
    positional: int = 0
    """Words of its own before the program's name."""
    assigns: bool = False
    """`NAME=value` words stand before the program's name."""
    silent: frozenset[str] = frozenset()
    """Options with which it runs nothing."""


def _options(words: str) -> frozenset[str]:
    return frozenset(words.split())


WRAPPERS: dict[str, Wrapper] = {
    "busybox": Wrapper(),
    "builtin": Wrapper(),
    "chroot": Wrapper(positional=1),
    "command": Wrapper(silent=_options("-v -V")),
    "coproc": Wrapper(),
    "doas": Wrapper(_options("-u -C")),
    "env": Wrapper(_options("-u --unset -C --chdir"), assigns=True),
    "exec": Wrapper(_options("-a")),
    "flock": Wrapper(_options("-w --timeout -E"), positional=1),
    "ionice": Wrapper(_options("-c -n -p --class --classdata")),
    "nice": Wrapper(_options("-n --adjustment")),
    "nohup": Wrapper(),
    "setpriv": Wrapper(),
    "setsid": Wrapper(),
    "ssh-agent": Wrapper(_options("-a -t")),
    "stdbuf": Wrapper(_options("-i -o -e --input --output --error")),
    "strace": Wrapper(_options("-o -e -p -s -u -E")),
    "sudo": Wrapper(_options("-u -g -h -p -C -r -t -D -R -T -U --user --group"), assigns=True),
    "time": Wrapper(_options("-f --format -o --output")),
    "timeout": Wrapper(_options("-k --kill-after -s --signal"), positional=1),
    "toybox": Wrapper(),
    "unshare": Wrapper(_options("-R -w -S -G --root --wd --setuid --setgid")),
    "{": Wrapper(),
    "!": Wrapper(),
    "watch": Wrapper(_options("-n --interval")),
    "xargs": Wrapper(
        _options("-I -n -P -L -d -E -s -a --max-args --max-procs --replace --delimiter --arg-file")
    ),
}
"""As their manual pages say. `{` and `!` begin no command of their own after `time` or `coproc`."""


def program_name(word: Word) -> str | None:
    """Return the name of the program that a word calls, without its folder; None: computed."""
    return word.text.rsplit("/", 1)[-1] if word.plain else None


def look_through(words: Sequence[Word]) -> tuple[tuple[str, ...], tuple[Word, ...]]:
    """Return the wrappers that `words` begin with, and the words from the program's name on.

    A wrapper that runs nothing (`command -v git`, plain `env`) is the program itself.
    """
    seen: tuple[str, ...] = ()
    rest = tuple(words)
    while rest and (name := program_name(rest[0])) in WRAPPERS:
        assert name is not None
        inner = _after(WRAPPERS[name], rest[1:])
        if not inner:
            break
        seen, rest = (*seen, name), inner
    return seen, rest


def _after(wrapper: Wrapper, words: tuple[Word, ...]) -> tuple[Word, ...]:
    left = list(words)
    while left and left[0].plain and left[0].text.startswith("-") and left[0].text != "-":
        option = left.pop(0).text
        if option in wrapper.silent:
            return ()
        if wrapper.assigns and option.startswith(SPLIT):
            left[:0] = _split(option, left)
            continue
        if option == "--":
            break
        if option in wrapper.valued and left:
            left.pop(0)
    while wrapper.assigns and left and _assigns(left[0]):
        left.pop(0)
    return tuple(left[wrapper.positional :])


def _split(option: str, left: list[Word]) -> list[Word]:
    """Return the words that `env -S 'words'` makes of one."""
    text = option.removeprefix("--split-string").removeprefix("-S").removeprefix("=")
    if not text and left:
        text = left.pop(0).text
    try:
        return [Word(word) for word in shlex.split(text)]
    except ValueError:
        return [Word(text, literal=False)]


def _assigns(word: Word) -> bool:
    name, sign, _ = word.text.partition("=")
    return bool(sign) and name.isidentifier()
