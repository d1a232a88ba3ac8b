"""The filter of system calls: a table of what is refused and why, assembled to classic BPF.

    wrong architecture, x32                    ENOSYS for every call
    for each rule: number -> its conditions    its error number when all hold
    the rest                                   allowed

What a project's tests do is allowed; what only an attack on the kernel or on other processes needs
is not. The program's form is that of seccomp(2); bubblewrap reads it from a descriptor.
Numbers: Linux `arch/x86/entry/syscalls/syscall_64.tbl` and `include/uapi/asm-generic/unistd.h`.
"""

import errno
import struct
from collections.abc import Sequence
from dataclasses import dataclass

Code = tuple[tuple[int, int, int, int], ...]
"""Instructions: (operation, jump if true, jump if false, constant)."""

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, ERROR = 0x7FFF0000, 0x00050000
NUMBER_AT, MACHINE_AT, ARGUMENTS_AT = 0, 4, 16
X32 = 0x40000000
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Machine -> (column of `NUMBERS`, AUDIT_ARCH of the kernel)."""

# fmt: off
NUMBERS: dict[str, tuple[int | None, int | None]] = {
    "acct": (163, 89), "add_key": (248, 217), "bpf": (321, 280), "chmod": (90, None),
    "chroot": (161, 51), "creat": (85, None), "fchmod": (91, 52), "fchmodat": (268, 53),
    "fchmodat2": (452, 452), "mknod": (133, None), "mknodat": (259, 33), "open": (2, None),
    "openat": (257, 56), "openat2": (437, 437),
    "clock_settime": (227, 112), "clone": (56, 220), "clone3": (435, 435),
    "delete_module": (176, 106), "fanotify_init": (300, 262), "finit_module": (313, 273),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fsopen": (430, 430), "fspick": (433, 433),
    "init_module": (175, 105), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425), "ioctl": (16, 29), "ioperm": (173, None), "iopl": (172, None),
    "kcmp": (312, 272), "kexec_file_load": (320, 294), "kexec_load": (246, 104),
    "keyctl": (250, 219), "lookup_dcookie": (212, 18), "modify_ldt": (154, None),
    "mount": (165, 40), "mount_setattr": (442, 442), "move_mount": (429, 429),
    "nfsservctl": (180, 42), "open_by_handle_at": (304, 265), "open_tree": (428, 428),
    "open_tree_attr": (467, 467), "perf_event_open": (298, 241), "personality": (135, 92),
    "pidfd_getfd": (438, 438), "pivot_root": (155, 41), "prlimit64": (302, 261),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "ptrace": (101, 117),
    "quotactl": (179, 60), "quotactl_fd": (443, 443), "reboot": (169, 142),
    "request_key": (249, 218), "setns": (308, 268), "setpgid": (109, 154), "setsid": (112, 157),
    "settimeofday": (164, 170), "socket": (41, 198), "swapoff": (168, 225), "swapon": (167, 224),
    "syslog": (103, 116), "umount2": (166, 39), "unshare": (272, 97), "uselib": (134, None),
    "userfaultfd": (323, 282), "vhangup": (153, 58),
}
# fmt: on


@dataclass(frozen=True)
class AnyBit:
    """Holds when an argument has one of the bits; the kernel's 32 low bits are looked at."""

    argument: int
    mask: int

    def code(self, miss: int) -> Code:
        """Return instructions that go on when it holds, else jump over `miss` more."""
        return (_load(self.argument), (ANY_BIT, 0, miss, self.mask))


@dataclass(frozen=True)
class IsOneOf:
    """Holds when an argument is one of the values."""

    argument: int
    values: tuple[int, ...]

    def code(self, miss: int) -> Code:
        """Return instructions that go on when it holds, else jump over `miss` more."""
        *others, last = self.values
        jumps = [(EQUAL, len(others) - at, 0, value) for at, value in enumerate(others)]
        return (_load(self.argument), *jumps, (EQUAL, 0, miss, last))


@dataclass(frozen=True)
class IsNoneOf:
    """Holds when an argument is none of the values."""

    argument: int
    values: tuple[int, ...]

    def code(self, miss: int) -> Code:
        """Return instructions that go on when it holds, else jump over `miss` more."""
        left = len(self.values) - 1
        jumps = [(EQUAL, miss + left - at, 0, value) for at, value in enumerate(self.values)]
        return (_load(self.argument), *jumps)


@dataclass(frozen=True)
class Rule:
    """Refuses a call when all conditions hold."""

    call: str
    reason: str
    when: tuple[AnyBit | IsOneOf | IsNoneOf, ...] = ()
    error: int = errno.EPERM
    """0: the call does nothing and says that it has."""


def _all(reason: str, *calls: str) -> tuple[Rule, ...]:
    return tuple(Rule(call, reason) for call in calls)


NAMESPACES = 0x7E020000
"""CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET."""
UNIX, INET, INET6, NETLINK = 1, 2, 10, 16
NETLINK_ROUTE = 0
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
SET_USER_ID = 0o4000
CREATE = 0o100 | 0o20000000
"""O_CREAT, and the bit of O_TMPFILE that no other flag has."""
MODE_AT = {"chmod": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2, "creat": 1, "mknod": 1}
MODE_AT |= {"mknodat": 2, "open": 2, "openat": 3}
"""Which argument is the mode of a file."""


def _no_set_user_id(call: str) -> Rule:
    """Return the rule on a call that gives a file its mode; opening does where it makes one."""
    mode = AnyBit(MODE_AT[call], SET_USER_ID)
    when = (AnyBit(MODE_AT[call] - 1, CREATE), mode) if call.startswith("open") else (mode,)
    return Rule(call, "the workspace lies on the host, where others could run it as you", when)


RULES: tuple[Rule, ...] = (
    *_all("it changes what the file system looks like", "mount", "umount2", "pivot_root", "chroot"),
    *_all("the newer calls for the same", "move_mount", "open_tree", "open_tree_attr", "fsopen"),
    *_all("the newer calls for the same", "fsconfig", "fsmount", "fspick", "mount_setattr"),
    *_all("a new namespace comes with all capabilities", "unshare", "setns"),
    Rule("clone", "a new namespace comes with all capabilities", (AnyBit(0, NAMESPACES),)),
    Rule("clone3", "its flags lie in memory, unseen; libc then takes clone", error=errno.ENOSYS),
    *_all("it reads or steers another process", "ptrace", "process_vm_readv", "process_vm_writev"),
    *_all("it reads or steers another process", "kcmp", "pidfd_getfd"),
    *_all("keyrings are the user's, outside of any namespace", "add_key", "request_key", "keyctl"),
    *_all("code of ours in the kernel", "bpf", "init_module", "finit_module", "delete_module"),
    *_all("another kernel", "kexec_load", "kexec_file_load", "reboot"),
    *_all("it sees the whole machine", "perf_event_open", "syslog", "lookup_dcookie"),
    *_all("holds the kernel up at a chosen moment, which exploits need", "userfaultfd"),
    *_all("does other calls unseen", "io_uring_setup", "io_uring_enter", "io_uring_register"),
    *_all("opens files past every mount", "open_by_handle_at"),
    *_all("watches files of the whole machine", "fanotify_init"),
    *_all("a setting of the whole machine", "swapon", "swapoff", "acct", "quotactl", "quotactl_fd"),
    *_all("a setting of the whole machine", "settimeofday", "clock_settime", "vhangup"),
    *_all("no program of today needs it", "nfsservctl", "uselib", "modify_ldt", "iopl", "ioperm"),
    Rule(
        "personality",
        "turns protections of memory off; asking, plain Linux and 32 bits are allowed",
        (IsNoneOf(0, (0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)),),
    ),
    *map(_no_set_user_id, MODE_AT),
    Rule(
        "openat2", "its mode lies in memory, unseen; programs then take openat", error=errno.ENOSYS
    ),
    Rule("ioctl", "types into a terminal", (IsOneOf(1, (TIOCSTI, TIOCLINUX)),)),
    Rule(
        "socket",
        "families besides local ones and the internet's (there is only loopback) are rarely used "
        "and often broken into",
        (IsNoneOf(0, (UNIX, INET, INET6, NETLINK)),),
        errno.EAFNOSUPPORT,
    ),
    Rule(
        "socket",
        "of netlink only the list of interfaces, which runtimes ask for",
        (IsOneOf(0, (NETLINK,)), IsNoneOf(2, (NETLINK_ROUTE,))),
        errno.EAFNOSUPPORT,
    ),
)


def program(rules: Sequence[Rule], machine: str) -> bytes | None:
    """Return the filter as the kernel reads it; None for a machine without a column here."""
    if machine not in MACHINES:
        return None
    column, audit = MACHINES[machine]
    code: list[tuple[int, int, int, int]] = [
        (LOAD, 0, 0, MACHINE_AT),
        (EQUAL, 1, 0, audit),
        (RETURN, 0, 0, ERROR | errno.ENOSYS),
        (LOAD, 0, 0, NUMBER_AT),
        (AT_LEAST, 0, 1, X32),
        (RETURN, 0, 0, ERROR | errno.ENOSYS),
    ]
    for rule in rules:
        number = NUMBERS[rule.call][column]
        if number is not None:
            code += _assembled(rule, number)
    code.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *one) for one in code)


def _assembled(rule: Rule, number: int) -> Code:
    """Return one rule's instructions; past them the number is loaded again."""
    body: Code = ((RETURN, 0, 0, ERROR | rule.error),)
    for condition in reversed(rule.when):
        body = condition.code(len(body)) + body
    if rule.when:
        body += ((LOAD, 0, 0, NUMBER_AT),)
    return ((EQUAL, 0, len(body), number), *body)


def _load(argument: int) -> tuple[int, int, int, int]:
    return (LOAD, 0, 0, ARGUMENTS_AT + 8 * argument)
