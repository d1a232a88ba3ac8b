"""Why a script is dangerous wherever it runs: one row a kind of command, with the reason.

The floor is the list of TinyCode's plan validator (davidkarpay/tinycode, plan_validator.py); what
is added says why in its reason. Quoted text that only mentions a command is no danger.
"""

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from pipeline.plans.shell.inner import SHELLS
from pipeline.plans.shell.nouns import Command, Script, Word
from pipeline.plans.shell.targets import options, targets

SYSTEM = ("bin", "boot", "dev", "etc", "lib", "lib64", "proc", "root", "sbin", "sys", "usr", "var")
"""Folders of the machine itself."""
HARMLESS = re.compile(r"/dev/(null|stdout|stderr|tty|zero|full|fd/\d+)|/var/tmp(/.*)?")
DISK = re.compile(r"/dev/(sd|hd|vd|xvd|nvme|mmcblk|disk|mapper|dm-|loop|mem|kmem|port)")
EVERYTHING = re.compile(r"""/\*?|/\.|(~|"?\$\{?HOME\}?"?)(/?\*?|/\.)"?""")
ABOVE = re.compile(r"(\.\./)+\*|/[^/]+|/home/[^/]+")
"""What stands beside the repository, and whole trees of the machine."""
SHOWN = 80

FETCHING = frozenset(
    {"curl", "wget", "nc", "ncat", "netcat", "ssh", "scp", "ftp", "aria2c", "lynx"}
)
DECODING = frozenset({"base64", "base32", "xxd", "openssl", "uudecode", "gunzip", "zcat"})
READING_CODE = re.compile(r"(python|pypy)[\d.]*|perl|ruby|node|nodejs|php|lua|deno|bun")
"""Interpreters that run what they read, when no file and no text is named."""


@dataclass(frozen=True)
class Danger:
    """One kind of dangerous command."""

    reason: str
    found: Callable[[Command], bool]


def dangers(script: Script) -> list[str]:
    """Return why a script is dangerous, one line for each reason; empty when nothing is found."""
    lines = (
        f"{_shown(command)!r} {danger.reason}"
        for command in script.commands
        for danger in DANGERS
        if danger.found(command)
    )
    return list(dict.fromkeys(lines))


def _shown(command: Command) -> str:
    redirects = "".join(f" {r.descriptor}{r.operator} {r.target.text}" for r in command.redirects)
    text = f"{command.text}{redirects}".strip().replace("\n", " ")
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


def named(*names: str) -> Callable[[Command], bool]:
    """Return a test for commands that call one of `names`."""
    known = frozenset(names)
    return lambda command: command.program in known or bool(known & set(command.wrappers))


def _plainly(word: Word) -> str:
    """Return a word's path without the turns that it takes (`/./`, `/tmp/../etc`)."""
    text = re.sub(r"/+", "/", word.text)
    return posixpath.normpath(text) if text.startswith("/") else text


def _is_system(word: Word) -> bool:
    path = _plainly(word)
    return (
        path.startswith("/")
        and not HARMLESS.fullmatch(path)
        and path.split("/")[1].rstrip("*") in SYSTEM
    )


def _is_everything(word: Word) -> bool:
    """Tell whether a word means the whole machine, the whole home or the whole folder."""
    text = _plainly(word)
    if text.startswith("~") and not word.bare:
        return False
    if text.endswith("*") and word.literal and not word.bare:
        return False
    return bool(EVERYTHING.fullmatch(text)) or (text in ("*", "./*") and word.bare)


def _top_system(word: Word) -> bool:
    """Tell whether a word is a folder of the machine itself, not something deep inside."""
    return _is_system(word) and word.text.rstrip("/*").count("/") <= 2


def _removes_everything(command: Command) -> bool:
    short, long = options(command)
    deep = bool({"r", "R"} & short or "--recursive" in long)
    words = command.arguments
    hit = any(_is_everything(word) or _is_system(word) or _is_above(word) for word in words)
    return command.program == "rm" and ((deep and hit) or "--no-preserve-root" in long)


def _is_above(word: Word) -> bool:
    return _plainly(word) != "/tmp" and bool(ABOVE.fullmatch(_plainly(word)))


def _finds_and_removes(command: Command) -> bool:
    words = command.arguments
    places = words[: next((i for i, w in enumerate(words) if w.text.startswith("-")), len(words))]
    removing = any(word.text == "-delete" for word in words) or any(
        word.text.startswith("-exec") and after.text.rsplit("/", 1)[-1] in ("rm", "shred")
        for word, after in pairwise(words)
    )
    outside = any(_is_everything(word) or _top_system(word) for word in places)
    return command.program == "find" and removing and outside


def _opens_everything(command: Command) -> bool:
    if command.program not in ("chmod", "chown", "chgrp", "setfacl"):
        return False
    return any(_is_everything(word) or _is_system(word) for word in command.arguments[1:])


def _overwrites_disk(command: Command) -> bool:
    return any(DISK.match(word.text) for word in targets(command))


def _writes_system(command: Command) -> bool:
    return any(_is_system(word) and not DISK.match(word.text) for word in targets(command))


def _writes_startup(command: Command) -> bool:
    files = re.compile(
        r"""(~|"?\$\{?HOME\}?"?|/home/[^/]+)/\.(bash|zsh|profile|ssh|gitconfig|config/)"""
    )
    return any(
        files.match(word.text) and (word.bare or "~" not in word.text[:1])
        for word in targets(command)
    )


def _kills_everything(command: Command) -> bool:
    words = [word.text for word in command.arguments]
    return command.program == "kill" and "-1" in words[1:]


def _stops_machine(command: Command) -> bool:
    first = next((w.text for w in command.arguments if not w.text.startswith("-")), "")
    if command.program == "systemctl":
        return first in ("poweroff", "reboot", "halt", "kexec", "rescue", "emergency", "suspend")
    return command.program in ("init", "telinit") and first in ("0", "1", "6")


def _forks(command: Command) -> bool:
    """A function that is piped into itself."""
    function = command.function
    return (
        function is not None
        and command.program == function
        and any(one.program == function for one in command.fed_by)
    )


def _fed_by(programs: frozenset[str]) -> Callable[[Command], bool]:
    def found(command: Command) -> bool:
        return _runs_input(command) and any(
            one.program in programs or bool(programs & set(one.wrappers)) for one in command.fed_by
        )

    return found


def _runs_input(command: Command) -> bool:
    """Tell whether a command runs what another one hands it."""
    if command.computed:
        return True
    if command.program in SHELLS:
        return False
    return bool(command.program and READING_CODE.fullmatch(command.program)) and all(
        word.text == "-"
        or (
            word.text.startswith("-")
            and len(word.text) == 2
            and word.text not in ("-c", "-m", "-e")
        )
        for word in command.arguments
    )


def _rewrites_remote(command: Command) -> bool:
    words = [word.text for word in command.arguments]
    if command.program != "git" or "push" not in words:
        return False
    rest = words[words.index("push") + 1 :]
    wrong = ("--force", "--mirror", "--delete", "--prune", "-d")
    return any(
        word.startswith(wrong) or re.fullmatch(r"-[a-zA-Z]*[fd][a-zA-Z]*", word) or word[:1] in "+:"
        for word in rest
        if word
    )


def _schedules(command: Command) -> bool:
    words = [word.text for word in command.arguments]
    return command.program in ("at", "batch") or (command.program == "crontab" and words != ["-l"])


def _talks_raw(command: Command) -> bool:
    sockets = any(r.target.text.startswith(("/dev/tcp/", "/dev/udp/")) for r in command.redirects)
    short, long = options(command)
    shell = command.program in ("nc", "ncat", "netcat") and (
        bool({"e", "c"} & short) or bool({"--exec", "--sh-exec"} & long)
    )
    return sockets or shell


def _formats(command: Command) -> bool:
    return bool(command.program) and (command.program or "").split(".")[0] in ("mkfs", "newfs")


DANGERS: tuple[Danger, ...] = (
    Danger("removes everything there is, or parts of the machine", _removes_everything),
    Danger("removes files far outside of the repository", _finds_and_removes),
    Danger("acts as another user of the machine", named("sudo", "doas", "su", "pkexec", "runuser")),
    Danger(
        "makes or changes file systems and partitions",
        named("fdisk", "sfdisk", "gdisk", "parted", "mke2fs", "mkswap", "wipefs", "cryptsetup"),
    ),
    Danger("makes a file system where there may be one already", _formats),
    Danger("writes over a disk", _overwrites_disk),
    Danger("changes who may read or write the machine's own files", _opens_everything),
    Danger("writes into the machine's own folders", _writes_system),
    Danger("changes what the user's shell, git or ssh do", _writes_startup),
    Danger("turns the machine off", named("shutdown", "reboot", "halt", "poweroff")),
    Danger("turns the machine off", _stops_machine),
    Danger("ends processes by name, whoever they belong to", named("killall", "pkill", "skill")),
    Danger("ends every process it may", _kills_everything),
    Danger("starts itself again and again until the machine stops (a fork bomb)", _forks),
    Danger("runs what a program fetched from the network", _fed_by(FETCHING)),
    Danger("runs what was encoded, so that nobody could read it", _fed_by(DECODING)),
    Danger("opens a connection by itself", _talks_raw),
    Danger("overwrites or deletes history that others may have", _rewrites_remote),
    Danger("leaves something that runs later, when nobody looks", _schedules),
    Danger("changes the users of the machine", named("useradd", "usermod", "userdel", "passwd")),
    Danger(
        "changes the kernel or what is mounted",
        named("mount", "umount", "insmod", "modprobe", "rmmod", "sysctl", "kexec"),
    ),
    Danger("runs a program whose name is computed", lambda c: c.computed and c.program is None),
    Danger(
        "runs text that is computed while it runs",
        lambda c: c.computed and c.program is not None,
    ),
)
"""Every kind; more than one may hold for a command."""
