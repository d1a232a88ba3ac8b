"""openat2(2): opens a folder below another in one call, with no link anywhere on the way.

The kernel holds the whole way to be inside, whatever is swapped meanwhile. Where it has no such
call (before Linux 5.6) or a filter of system calls forbids it, nothing is opened here.
"""

import ctypes
import errno
import os
import struct
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
OPENAT2 = 437
"""The number is the same on every machine."""
FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW
NO_MAGICLINKS, NO_SYMLINKS, BENEATH = 0x02, 0x04, 0x08
HOW = struct.pack("=QQQ", FLAGS, 0, NO_MAGICLINKS | NO_SYMLINKS | BENEATH)
"""`struct open_how`: flags, mode, how to resolve (include/uapi/linux/openat2.h)."""


def open_beneath(folder: int, path: str) -> int | None:
    """Return a descriptor of the folder `path`, relative to the open folder; None when unable to.

    None says nothing of why: a link, a missing folder, or a kernel without the call.
    """
    while sys.platform == "linux":
        found = LIBC.syscall(OPENAT2, folder, os.fsencode(path), HOW, len(HOW))
        if found >= 0:
            return int(found)
        if ctypes.get_errno() not in (errno.EAGAIN, errno.EINTR):
            break
    return None
