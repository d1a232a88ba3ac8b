"""Confines itself with Landlock and a filter of system calls, then becomes the command.

    python -I -S launch.py '<setup as JSON>' /program argument...

Run as a program of its own, with nothing but the standard library: between fork and exec no thread
of the pipeline may be in the way. What goes wrong is one line on the second stream that begins with
`landlock: `, and exit code 1. Numbers: Linux `include/uapi/linux/{landlock,prctl,seccomp}.h`.
"""

import ctypes
import json
import os
import resource
import stat
import struct
import sys

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
PATH_BENEATH = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE, IOCTL = 1, 2, 4, 8, 1 << 14, 1 << 15
EVERYTHING = (1 << 16) - 1
MAKE_DEVICES = 1 << 6 | 1 << 11
READING = EXECUTE | READ_FILE | READ_DIR
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL
TCP = 3
"""Bind and connect; no rule allows either."""
SCOPES = 3
"""Abstract sockets and signals stay among the confined."""
DROP_CAPABILITY, CAPABILITIES = 24, 64
SET_NO_NEW_PRIVS, SET_SECCOMP, MODE_FILTER = 38, 22, 2

LIBC = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Confine this process and become the command."""
    setup, command = json.loads(sys.argv[1]), sys.argv[2:]
    try:
        be_first_to_end()
        for name, value in setup["limits"].items():
            bind(getattr(resource, name), value)
        if setup["processes"] is not None:
            bind(resource.RLIMIT_NPROC, setup["processes"] + running())
        confine(setup)
    except OSError as error:
        sys.exit(f"landlock: {error.strerror}: {error.filename}")
    os.dup2(1, 2)
    os.execv(command[0], command)


def be_first_to_end() -> None:
    """Have the kernel end this process before others when the machine has no memory left."""
    place = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    os.write(place, b"1000")
    os.close(place)


def bind(kind: int, value: int) -> None:
    """Set a limit for good, never above the one that holds already."""
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def running() -> int:
    """Return how many threads our user has now: the kernel counts them all."""
    count = 0
    for one in os.scandir("/proc"):
        try:
            if one.name.isdigit() and one.stat().st_uid == os.getuid():
                count += len(list(os.scandir(f"{one.path}/task")))
        except OSError:
            continue  # it has ended meanwhile
    return count


def confine(setup: dict[str, list[str]]) -> None:
    """Apply the rules to this process and all that it starts."""
    attributes = struct.pack("=QQQ", EVERYTHING, TCP, SCOPES)
    rules = call(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    for name in setup["read"]:
        allow(rules, name, READING)
    for name in setup["write"]:
        allow(rules, name, EVERYTHING & ~(MAKE_DEVICES | IOCTL))
    for name in setup["devices"]:
        allow(rules, name, READ_FILE | WRITE_FILE | IOCTL)
    for capability in range(CAPABILITIES):  # else root has them all again after exec
        LIBC.prctl(DROP_CAPABILITY, capability, 0, 0, 0)
    if LIBC.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs", "prctl")
    call(RESTRICT_SELF, rules, 0)
    os.close(rules)
    code = bytes.fromhex("".join(setup["filter"]))
    if code:
        held = ctypes.create_string_buffer(code)
        program = struct.pack("@HP", len(code) // 8, ctypes.addressof(held))
        if LIBC.prctl(SET_SECCOMP, MODE_FILTER, program, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "the filter was refused", "seccomp")


def allow(rules: int, name: str, rights: int) -> None:
    """Allow `rights` on a path and all below it; a path that is gone meanwhile is left out."""
    try:
        place = os.open(name, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= ON_FILES
        call(ADD_RULE, rules, PATH_BENEATH, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)


def call(number: int, *arguments: object) -> int:
    """Make a system call; raises `OSError` for its error."""
    found = int(LIBC.syscall(number, *arguments))
    if found < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), f"system call {number}")
    return found


if __name__ == "__main__":
    main()
