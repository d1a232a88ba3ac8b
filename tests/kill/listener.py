"""Puts a process and all that it starts under watch: its system calls that change things wait.

The kernel stops each of them before it is done and tells whoever holds the listener, see
seccomp_unotify(2). `submit` is called in the process that is watched; `watcher` is the other side.
"""

import ctypes
import os
import platform
import socket
import struct
from pathlib import Path

# fmt: off
CALLS: dict[str, tuple[int | None, int | None]] = {
    "write": (1, 64), "pwrite64": (18, 68), "writev": (20, 66), "pwritev": (296, 70),
    "copy_file_range": (326, 285), "sendfile": (40, 71),
    "ftruncate": (77, 46), "fallocate": (285, 47), "fsync": (74, 82), "fdatasync": (75, 83),
    "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276),
    "link": (86, None), "linkat": (265, 37), "symlinkat": (266, 36),
    "unlink": (87, None), "unlinkat": (263, 35), "rmdir": (84, None),
    "mkdir": (83, None), "mkdirat": (258, 34), "execve": (59, 221),
    "open": (2, None), "openat": (257, 56),
}
"""System call -> its numbers on x86_64 and aarch64."""
# fmt: on

FLAGS_AT = {"open": 1, "openat": 2}
"""Which argument says how a file is opened: only opening for writing is stopped."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
COLUMNS = {"x86_64": 0, "aarch64": 1}

LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, ASK = 0x7FFF0000, 0x7FC00000
ARGUMENTS_AT = 16
PR_SET_NO_NEW_PRIVS = 38
SYS_SECCOMP = {"x86_64": 317, "aarch64": 277}
SET_MODE_FILTER = 1
NEW_LISTENER, ONLY_KILLABLE = 1 << 3, 1 << 5


def numbers() -> dict[int, str]:
    """Return number -> name of the calls that are stopped, on this machine."""
    column = COLUMNS[platform.machine()]
    return {row[column]: name for name, row in CALLS.items() if (row[column]) is not None}  # type: ignore[misc]


def submit(path: Path) -> None:
    """Put this process under the watch of whoever listens at the socket `path`."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(path))
        listener = _install()
        socket.send_fds(line, [b"."], [listener])
        os.close(listener)
        line.recv(1)


def _install() -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    program = _program()
    code = ctypes.create_string_buffer(program, len(program))
    form = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    flags = NEW_LISTENER | ONLY_KILLABLE
    number = SYS_SECCOMP[platform.machine()]
    listener = int(libc.syscall(number, SET_MODE_FILTER, flags, ctypes.c_char_p(form)))
    if listener < 0:
        reason = os.strerror(ctypes.get_errno())
        raise OSError(f"the kernel lets nobody watch system calls: {reason}")
    return listener


def _program() -> bytes:
    """Return the filter: the calls of the table ask, all others are allowed."""
    code = [(LOAD, 0, 0, 0)]
    for number, name in numbers().items():
        if name in FLAGS_AT:
            at = ARGUMENTS_AT + 8 * FLAGS_AT[name]
            code += [(EQUAL, 0, 4, number), (LOAD, 0, 0, at), (ANY_BIT, 0, 1, WRITING)]
            code += [(RETURN, 0, 0, ASK), (RETURN, 0, 0, ALLOW)]
        else:
            code += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ASK)]
    code.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *one) for one in code)
