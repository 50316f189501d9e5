"""Seccomp: the Linux kernel answers "not permitted" to system calls that reading a model has no need of.

By `ctypes`: the packages on PyPI need the C library of libseccomp. The filter is a program for the kernel's packet
filter (`linux/filter.h`), a comparison for each call; numbers are those of the architecture's own table.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from dataclasses import dataclass

__all__ = ["restrict"]

_X86_64, _ARM64 = 0xC000003E, 0xC00000B7
_ALLOW, _KILL, _EPERM, _ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
_LOAD, _AND, _EQUAL, _ABOVE, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
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
    "memfd_secret": (447, 447), "memfd_create": (319, 279), "socketpair": (53, 199), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "truncate": (76, 45), "fchmod": (91, 52), "fchown": (93, 55),
    "fsetxattr": (190, 7), "fremovexattr": (199, 16), "futimesat": (261, None), "mknod": (133, None),
    "mknodat": (259, 33), "setpriority": (141, 140), "ioprio_set": (251, 30), "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119), "sched_setparam": (142, 118), "sched_setattr": (314, 274),
    "migrate_pages": (256, 238), "move_pages": (279, 239), "process_madvise": (440, 440), "kcmp": (312, 272),
    "inotify_add_watch": (254, 27), "fanotify_init": (300, 262), "personality": (135, 92), "fspick": (433, 433),
}  # fmt: skip
"""System calls that are refused."""
_UNKNOWN = {"clone3": (435, 435), "openat2": (437, 437)}
"""Those whose arguments lie in memory, out of the filter's sight: the C library then uses the older ones."""
_TRUNCATE, _ACCESS_MODE = 0o1000, 0o3
_SET_PARENT_DEATH_SIGNAL = 1


@dataclass(frozen=True)
class _Argument:
    """A call that depends on one argument: whether `argument & mask` is `value` decides.

    Attributes:
        call: Its number on x86_64 and arm64.
        index: Which argument.
        refused: Whether it is refused when they are equal, or when they differ.
    """

    call: tuple[int, int | None]
    index: int
    mask: int
    value: int
    refused: bool


def restrict() -> bool:
    """Refuse this process, in all its threads, the calls in the table.

    Processes are not started: `clone` is left for threads only. Other architectures' calls end the process.

    Returns:
        False where the kernel cannot, or the architecture has no table here.
    """
    column = {"x86_64": 0, "aarch64": 1}.get(platform.machine())
    if column is None:
        return False
    program = _program(column, os.getpid())
    instructions = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    filled = Program(len(program) // 8, ctypes.cast(instructions, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    number = ctypes.c_long((317, 277)[column])
    return bool(libc.syscall(number, ctypes.c_uint(1), ctypes.c_uint(1), ctypes.byref(filled)) == 0)


def _arguments(pid: int) -> tuple[_Argument, ...]:
    every = 0xFFFFFFFF
    return (
        _Argument((56, 220), 0, _CLONE_THREAD, 0, refused=True),  # clone, but for threads
        _Argument((234, 131), 0, every, pid, refused=False),  # tgkill, but of its own threads, as abort() does
        _Argument((302, 261), 0, every, 0, refused=False),  # prlimit64 of other processes
        _Argument((157, 167), 0, every, _SET_PARENT_DEATH_SIGNAL, refused=True),  # prctl: outliving the parent
        # Opening for reading empties a file with this flag, which Landlock does not see before version 3.
        _Argument((2, None), 1, _TRUNCATE | _ACCESS_MODE, _TRUNCATE, refused=True),
        _Argument((257, 56), 2, _TRUNCATE | _ACCESS_MODE, _TRUNCATE, refused=True),
    )


def _program(column: int, pid: int) -> bytes:
    lines = [
        _line(_LOAD, _ARCHITECTURE),
        _line(_EQUAL, (_X86_64, _ARM64)[column], 1, 0),
        _line(_RETURN, _KILL),
        _line(_LOAD, _NUMBER),
        _line(_ABOVE, _X32, 0, 1),  # calls of the x32 ABI of x86_64, whose numbers lie above
        _line(_RETURN, _EPERM),
    ]
    for rule in _arguments(pid):
        if (number := rule.call[column]) is not None:
            equal, differ = (_EPERM, _ALLOW) if rule.refused else (_ALLOW, _EPERM)
            lines += [
                _line(_EQUAL, number, 0, 5),
                _line(_LOAD, _ARGUMENTS + 8 * rule.index),
                _line(_AND, rule.mask),
                _line(_EQUAL, rule.value, 0, 1),
                _line(_RETURN, equal),
                _line(_RETURN, differ),
            ]
    for answer, calls in ((_ENOSYS, _UNKNOWN), (_EPERM, _CALLS)):
        for pair in calls.values():
            if (number := pair[column]) is not None:
                lines += [_line(_EQUAL, number, 0, 1), _line(_RETURN, answer)]
    return b"".join([*lines, _line(_RETURN, _ALLOW)])


def _line(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
