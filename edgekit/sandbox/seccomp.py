"""Seccomp: the Linux kernel answers "not permitted" to system calls that reading a model has no need of.

By `ctypes`: the packages on PyPI need the C library of libseccomp. The filter is a program for the kernel's packet
filter (`linux/filter.h`), a comparison for each call; numbers are those of the architecture's own table.
"""

from __future__ import annotations

import ctypes
import platform
import struct

__all__ = ["restrict"]

_X86_64, _ARM64 = 0xC000003E, 0xC00000B7
_ALLOW, _KILL, _EPERM, _ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
_LOAD, _EQUAL, _ABOVE, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_CLONE_THREAD = 0x00010000
_X32 = 0x40000000

_CALLS = {  # name: (x86_64, arm64); None where the architecture has no such call
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None), "ptrace": (101, 117),
    "socket": (41, 198), "connect": (42, 203), "accept": (43, 202), "accept4": (288, 242), "bind": (49, 200),
    "listen": (50, 201), "kill": (62, 129), "tkill": (200, 130), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "setns": (308, 268), "unshare": (272, 97), "bpf": (321, 280), "add_key": (248, 217),
    "request_key": (249, 218), "keyctl": (250, 219), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264), "chmod": (90, None), "fchmodat": (268, 53),
    "fchmodat2": (452, 452), "chown": (92, None), "lchown": (94, None), "fchownat": (260, 54), "setxattr": (188, 5),
    "lsetxattr": (189, 6), "removexattr": (197, 14), "lremovexattr": (198, 15), "utime": (132, None),
    "utimes": (235, None), "utimensat": (280, 88), "sethostname": (170, 161), "setdomainname": (171, 162),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "acct": (163, 89), "quotactl": (179, 60),
    "syslog": (103, 116), "iopl": (172, None), "ioperm": (173, None), "move_mount": (429, 429), "fsopen": (430, 430),
    "open_tree": (428, 428), "mount_setattr": (442, 442), "shmget": (29, 194), "msgget": (68, 186),
    "memfd_secret": (447, 447),
}  # fmt: skip
"""System calls that are refused."""
_CLONE, _CLONE3 = (56, 220), (435, 435)


def restrict() -> bool:
    """Refuse this process, in all its threads, the calls in the table.

    Processes are not started: `clone` is left for threads only. Other architectures' calls end the process.

    Returns:
        False where the kernel cannot, or the architecture has no table here.
    """
    column = {"x86_64": 0, "aarch64": 1}.get(platform.machine())
    if column is None:
        return False
    program = _program(column)
    instructions = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    filled = Program(len(program) // 8, ctypes.cast(instructions, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    number = ctypes.c_long((317, 277)[column])
    return bool(libc.syscall(number, ctypes.c_uint(1), ctypes.c_uint(1), ctypes.byref(filled)) == 0)


def _program(column: int) -> bytes:
    refused = sorted(number for pair in _CALLS.values() if (number := pair[column]) is not None)
    lines = [
        _line(_LOAD, _ARCHITECTURE),
        _line(_EQUAL, (_X86_64, _ARM64)[column], 1, 0),
        _line(_RETURN, _KILL),
        _line(_LOAD, _NUMBER),
        _line(_ABOVE, _X32, 0, 1),  # calls of the x32 ABI of x86_64, whose numbers lie above
        _line(_RETURN, _EPERM),
        _line(_EQUAL, _CLONE3[column], 0, 1),
        _line(_RETURN, _ENOSYS),  # the C library then uses clone, whose flags can be looked at
        _line(_EQUAL, _CLONE[column], 0, 4),
        _line(_LOAD, _FIRST_ARGUMENT),
        _line(_ANY_BIT, _CLONE_THREAD, 1, 0),
        _line(_RETURN, _EPERM),
        _line(_RETURN, _ALLOW),
    ]
    for number in refused:
        lines += [_line(_EQUAL, number, 0, 1), _line(_RETURN, _EPERM)]
    return b"".join([*lines, _line(_RETURN, _ALLOW)])


def _line(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
