"""The filter of system calls, run by a small machine as the kernel runs it (seccomp(2))."""

import errno
import struct

import pytest

from pipeline.sandbox import landlock, seccomp
from pipeline.sandbox.seccomp import ALLOW, ERROR, MACHINES, NUMBERS, RULES, X32, Rule, program

PROGRAMS = {machine: program(RULES, machine) or b"" for machine in MACHINES}


def verdict(machine: str, number: int, *arguments: int, audit: int | None = None) -> int | None:
    """Return the error number that a call gets, None when it is allowed."""
    code = PROGRAMS[machine]
    padded = [*arguments, *[0] * (6 - len(arguments))]
    seen = struct.pack("=iIQ6Q", number, audit or MACHINES[machine][1], 0, *padded)
    at, held = 0, 0
    while True:
        operation, hit, miss, value = struct.unpack_from("=HBBI", code, at * 8)
        at += 1
        if operation == seccomp.RETURN:
            return None if value == ALLOW else value & ~ERROR
        if operation == seccomp.LOAD:
            (held,) = struct.unpack_from("=I", seen, value)
            continue
        holds = {
            seccomp.EQUAL: held == value,
            seccomp.AT_LEAST: held >= value,
            seccomp.ANY_BIT: bool(held & value),
        }[operation]
        at += hit if holds else miss


PLAIN = [rule for rule in RULES if not rule.when]


@pytest.mark.parametrize("machine", list(MACHINES))
@pytest.mark.parametrize("rule", PLAIN, ids=lambda rule: rule.call)
def test_a_call_of_the_table_is_refused(machine: str, rule: Rule) -> None:
    number = NUMBERS[rule.call][MACHINES[machine][0]]
    if number is not None:
        assert verdict(machine, number, 1, 2, 3) == rule.error


@pytest.mark.parametrize(
    ("call", "arguments", "error"),
    [
        ("clone", (17,), None),
        ("clone", (0x3D0F00,), None),
        ("clone", (0x10000000 | 17,), errno.EPERM),
        ("clone", (0x00020000,), errno.EPERM),
        ("clone3", (), errno.ENOSYS),
        ("socket", (1, 1, 0), None),
        ("socket", (2, 1, 0), None),
        ("socket", (10, 2, 0), None),
        ("socket", (16, 3, 0), None),
        ("socket", (16, 3, 12), errno.EAFNOSUPPORT),
        ("socket", (17, 3, 0), errno.EAFNOSUPPORT),
        ("socket", (40, 1, 0), errno.EAFNOSUPPORT),
        ("ioctl", (0, 0x5413), None),
        ("ioctl", (0, 0x5412), errno.EPERM),
        ("ioctl", (0, 0x541C), errno.EPERM),
        ("ioctl", (0, 0xFFFFFFFF_00005412), errno.EPERM),
        ("personality", (0xFFFFFFFF,), None),
        ("personality", (0,), None),
        ("personality", (0x0040000,), errno.EPERM),
        ("setsid", (), None),
    ],
)
@pytest.mark.parametrize("machine", list(MACHINES))
def test_arguments_decide(
    machine: str, call: str, arguments: tuple[int, ...], error: int | None
) -> None:
    number = NUMBERS[call][MACHINES[machine][0]]
    assert number is not None
    assert verdict(machine, number, *arguments) == error


@pytest.mark.parametrize("machine", list(MACHINES))
def test_other_numbers_are_allowed_and_other_architectures_are_not(machine: str) -> None:
    known = {numbers[MACHINES[machine][0]] for numbers in NUMBERS.values()}
    assert all(verdict(machine, number) is None for number in range(600) if number not in known)
    assert verdict(machine, 1, audit=0x40000003) == errno.ENOSYS
    assert verdict(machine, X32 | 1) == errno.ENOSYS


def test_a_machine_without_numbers_has_no_filter() -> None:
    assert program(RULES, "riscv64") is None


def test_every_number_is_used_and_every_rule_has_one() -> None:
    assert {rule.call for rule in landlock.RULES} == set(NUMBERS)
    assert all(rule.reason for rule in landlock.RULES)
