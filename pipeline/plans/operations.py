"""Which privileged operations a command is, by a table of programs and their subcommands.

`shell_exec` is not here: it depends on what a plan lists, not on what a command is.
"""

import posixpath
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from pipeline.domain.solution import Operation
from pipeline.plans.shell import Command, Script, Word
from pipeline.plans.shell.targets import operands, targets

TEMPORARY = "/tmp"
STREAMS = re.compile(r"/dev/(null|stdout|stderr|tty|zero|full|fd/\d+)")
LOOPBACK = re.compile(r"(https?://)?(localhost|127\.0\.0\.1|\[::1\])([:/].*)?")
REMOTE = re.compile(r"\w[\w+.-]*://|([\w.-]+@)?[\w.-]+:(?!//)")
"""`https://..`, `git@host:path`, `host:path`."""
SHOWN = 80

GIT_VALUED = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path"})
"""Options of git before its subcommand whose value is the next word."""


@dataclass(frozen=True)
class Need:
    """A privileged operation that a command is."""

    operation: Operation
    reason: str
    command: str
    target: str = ""
    """For `file_write_external`: the absolute path."""


@dataclass(frozen=True)
class Rule:
    """Commands of one program that are a privileged operation."""

    operation: Operation
    reason: str
    begins: tuple[str, ...] = ()
    """The subcommands, each as its words; none: any."""
    when: Callable[[Sequence[Word]], bool] = lambda _words: True
    """Whether the words after the subcommand make it one."""


def operations(script: Script, inside: PurePath) -> tuple[Need, ...]:
    """Return what a script needs besides a place to run; `inside` is the workspace as it sees it.

    Paths that only a running shell knows (`$X/file`) are not judged: the sandbox's walls hold for
    them. After a `cd`, neither are relative ones.
    """
    moves = any(command.program in ("cd", "pushd") for command in script.commands)
    found = [need for one in script.commands for need in _needs(one, inside, relative=not moves)]
    return tuple(dict.fromkeys(found))


def _needs(command: Command, inside: PurePath, *, relative: bool) -> Iterable[Need]:
    program, words = _called(command)
    text = command.text.replace("\n", " ")[:SHOWN]
    for rule in RULES.get(program, ()):
        rest = _after_subcommand(rule, words)
        if rest is not None and rule.when(rest):
            yield Need(rule.operation, rule.reason, text)
    for word in targets(command):
        path = _outside(word, inside, relative=relative)
        if path is not None:
            reason = "it writes outside of the workspace and /tmp"
            yield Need(Operation.FILE_WRITE_EXTERNAL, reason, text, path)


def _called(command: Command) -> tuple[str, tuple[Word, ...]]:
    """Return the program and its words; `python -m pip` counts as pip, `pip3.12` as pip."""
    program, words = command.program or "", command.arguments
    if re.fullmatch(r"(python|pypy)[\d.]*|py", program):
        program, words = _module(program, words)
    if program == "git":
        words = _after_git_options(words)
    return re.sub(r"^pip[\d.]+$", "pip", program), tuple(words)


def _module(program: str, words: tuple[Word, ...]) -> tuple[str, tuple[Word, ...]]:
    """Return the module that python runs and its words: after `-m`, before any file or `-c`."""
    for n, word in enumerate(words):
        found = re.fullmatch(r"-[bBdEhiIOPqRsSuvVx]*m(.*)", word.text)
        if found and (found[1] or words[n + 1 :]):
            return (found[1], words[n + 1 :]) if found[1] else (words[n + 1].text, words[n + 2 :])
        if not re.fullmatch(r"-[bBdEhiIOPqRsSuvVx]+|--[a-z-]+", word.text):
            break
    return program, words


def _after_git_options(words: tuple[Word, ...]) -> tuple[Word, ...]:
    left = list(words)
    while left and left[0].text.startswith("-"):
        if left.pop(0).text in GIT_VALUED and left:
            left.pop(0)
    return tuple(left)


def _after_subcommand(rule: Rule, words: Sequence[Word]) -> Sequence[Word] | None:
    """Return the words after a subcommand of the rule; None when there is none of them."""
    if not rule.begins:
        return words
    plain = operands(words)
    for begin in rule.begins:
        wanted = begin.split()
        if [word.text for word in plain[: len(wanted)]] == wanted:
            used = set(map(id, plain[: len(wanted)]))
            return [word for word in words if id(word) not in used]
    return None


def _outside(word: Word, inside: PurePath, *, relative: bool) -> str | None:
    """Return the absolute path of a target that is neither in the workspace nor in /tmp."""
    if not word.literal or word.text.startswith("~") or STREAMS.fullmatch(word.text):
        return None  # the home folder of a command is /tmp
    if not word.text.startswith("/") and not relative:
        return None
    path = posixpath.normpath(posixpath.join(str(inside), word.text))
    roots = (str(inside), TEMPORARY)
    return None if any(path == root or path.startswith(f"{root}/") for root in roots) else path


# what makes a command one


def _has(*names: str) -> Callable[[Sequence[Word]], bool]:
    """One of these options is there; short ones may stand together (`-xdf`)."""
    letters = {name[1] for name in names if len(name) == 2}
    long = {name for name in names if len(name) > 2}

    def found(words: Sequence[Word]) -> bool:
        texts = [word.text for word in words]
        return any(
            text.partition("=")[0] in long
            or (re.fullmatch(r"-[A-Za-z]+", text) is not None and letters & set(text[1:]))
            for text in texts
        )

    return found


def _first(*names: str) -> Callable[[Sequence[Word]], bool]:
    return lambda words: bool(words) and words[0].text in names


def _remote(words: Sequence[Word]) -> bool:
    """A repository elsewhere is named, or one that only git's configuration knows."""
    first = next((word.text for word in operands(words)), "")
    return not first.startswith(("/", "./", "../", "file://")) and first != "."


def _remote_clone(words: Sequence[Word]) -> bool:
    return any(
        REMOTE.match(w.text) is not None and not w.text.startswith("file://")
        for w in operands(words)[:1]
    ) or any(not w.literal for w in operands(words)[:1])


def _host(words: Sequence[Word]) -> bool:
    return any(REMOTE.match(word.text) is not None for word in operands(words))


def _elsewhere(words: Sequence[Word]) -> bool:
    """Some address is not this machine's own."""
    texts = [word.text for word in words]
    local = any(LOOPBACK.fullmatch(text) for text in texts)
    other = any("://" in text and not LOOPBACK.fullmatch(text) for text in texts)
    asks = any(text in ("--version", "-V", "--help", "-h") for text in texts)
    return not asks and (other or not local)


def _paths_checked_out(words: Sequence[Word]) -> bool:
    texts = [word.text for word in words]
    return "--" in texts or "." in texts or _has("-f", "--force")(words)


_NETWORK, _INSTALL, _GIT = Operation.NETWORK, Operation.INSTALL, Operation.GIT_DESTRUCTIVE
_INSTALLS = "it installs packages"
_REACHES = "it reaches the network"
_PUBLISHES = "it publishes over the network"


def _installs(*begins: str) -> Rule:
    return Rule(_INSTALL, _INSTALLS, begins)


def _publishes(*begins: str) -> Rule:
    return Rule(_NETWORK, _PUBLISHES, begins)


_ADDRESS = (Rule(_NETWORK, _REACHES, when=_elsewhere),)
_ALWAYS = (Rule(_NETWORK, _REACHES),)
_SYSTEM_PACKAGES = (
    _installs(
        "install", "remove", "purge", "upgrade", "dist-upgrade", "full-upgrade", "autoremove"
    ),
    _installs("add", "del", "reinstall"),
    Rule(_NETWORK, _REACHES, ("update",)),
)

RULES: dict[str, tuple[Rule, ...]] = {
    "apk": _SYSTEM_PACKAGES,
    "apt": _SYSTEM_PACKAGES,
    "apt-get": _SYSTEM_PACKAGES,
    "aria2c": _ADDRESS,
    "brew": _SYSTEM_PACKAGES,
    "bun": (_installs("add", "install", "i", "remove", "update"), _publishes("publish")),
    "bundle": (_installs("install", "update", "add"),),
    "cargo": (_installs("install", "add", "update", "fetch"), _publishes("publish")),
    "composer": (_installs("install", "require", "update"),),
    "conda": (_installs("install", "update", "create", "env create"),),
    "curl": _ADDRESS,
    "dnf": _SYSTEM_PACKAGES,
    "docker": (Rule(_NETWORK, _REACHES, ("pull", "push", "login")),),
    "ftp": _ALWAYS,
    "gem": (_installs("install", "update", "uninstall"), _publishes("push")),
    "gh": _ALWAYS,
    "git": (
        Rule(_NETWORK, _REACHES, ("clone",), _remote_clone),
        Rule(_NETWORK, _REACHES, ("fetch", "pull", "push", "ls-remote"), _remote),
        Rule(_NETWORK, _REACHES, ("remote update", "submodule update", "submodule add")),
        Rule(_GIT, "it throws away changes that are not committed", ("reset",), _has("--hard")),
        Rule(_GIT, "it throws away changes that are not committed", ("reset",), _has("--merge")),
        Rule(_GIT, "it deletes files that git does not know", ("clean",), _has("-f", "--force")),
        Rule(_GIT, "it deletes a branch", ("branch",), _has("-D", "-d", "--delete")),
        Rule(_GIT, "it moves a branch by force", ("branch",), _has("-f", "-M", "--force")),
        Rule(_GIT, "it throws away changes", ("checkout",), _paths_checked_out),
        Rule(
            _GIT, "it throws away changes", ("switch",), _has("-f", "--force", "--discard-changes")
        ),
        Rule(_GIT, "it throws away changes", ("restore",)),
        Rule(_GIT, "it rewrites history", ("rebase", "filter-branch", "filter-repo", "replace")),
        Rule(_GIT, "it rewrites history", ("commit",), _has("--amend")),
        Rule(_GIT, "it deletes a ref", ("update-ref",), _has("-d", "--delete", "--stdin")),
        Rule(_GIT, "it deletes a tag", ("tag",), _has("-d", "--delete", "-f", "--force")),
        Rule(_GIT, "it forgets where refs were", ("reflog expire", "reflog delete")),
        Rule(_GIT, "it deletes objects for good", ("gc",), _has("--prune")),
        Rule(_GIT, "it deletes objects for good", ("prune",)),
        Rule(_GIT, "it throws away what was set aside", ("stash drop", "stash clear")),
        Rule(_GIT, "it deletes a work tree", ("worktree remove", "worktree prune")),
        Rule(
            _GIT,
            "it overwrites history elsewhere",
            ("push",),
            _has("-f", "--force", "--force-with-lease", "--mirror", "--delete", "-d"),
        ),
    ),
    "go": (_installs("install", "get", "mod download"),),
    "mamba": (_installs("install", "update", "create"),),
    "nc": _ALWAYS,
    "ncat": _ALWAYS,
    "netcat": _ALWAYS,
    "npm": (
        _installs("install", "i", "ci", "add", "update", "uninstall", "rm", "remove", "link"),
        _publishes("publish"),
    ),
    "pacman": (Rule(_INSTALL, _INSTALLS, when=_has("-S", "-R", "-U")),),
    "ping": _ALWAYS,
    "pip": (_installs("install", "uninstall"), Rule(_NETWORK, _REACHES, ("download",))),
    "pipenv": (_installs("install", "update", "sync", "uninstall"),),
    "pipx": (_installs("install", "upgrade", "run", "inject"),),
    "pnpm": (_installs("add", "install", "i", "remove", "update"), _publishes("publish")),
    "poetry": (_installs("add", "install", "update", "remove", "sync"), _publishes("publish")),
    "rsync": (Rule(_NETWORK, _REACHES, when=_host),),
    "rustup": (_installs("install", "update", "toolchain install", "component add"),),
    "scp": _ALWAYS,
    "sftp": _ALWAYS,
    "snap": _SYSTEM_PACKAGES,
    "ssh": _ALWAYS,
    "telnet": _ALWAYS,
    "twine": (_publishes("upload"),),
    "uv": (
        _installs("add", "sync", "remove", "lock"),
        _installs("pip install", "pip sync", "pip uninstall", "tool install", "python install"),
        _publishes("publish"),
    ),
    "wget": _ADDRESS,
    "yarn": (
        Rule(_INSTALL, _INSTALLS, when=lambda words: not operands(words)),
        _installs("add", "install", "remove", "upgrade", "up"),
        _publishes("publish", "npm publish"),
    ),
    "yum": _SYSTEM_PACKAGES,
    "zypper": _SYSTEM_PACKAGES,
}
"""By program, in the order of the alphabet. git's rules name what loses work; `commit` does not."""
