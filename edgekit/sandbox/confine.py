"""What the kernel forbids a child: files, network, programs, processes. Called before anything foreign is read."""

from __future__ import annotations

import ctypes
import os
import resource
import site
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from edgekit.sandbox import landlock, seccomp
from edgekit.sandbox.manners import spare_the_user

__all__ = ["confine"]

_SYSTEM = (
    "/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib", "/usr/share/zoneinfo", "/usr/share/locale",
    "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime", "/etc/ssl/openssl.cnf",
    "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/sys/devices/system/cpu", "/sys/devices/system/node",
    "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/version", "/proc/filesystems", "/proc/sys/kernel",
    "/proc/sys/vm/overcommit_memory", "/proc/sys/vm/max_map_count",
)  # fmt: skip
"""What Python, its libraries and TensorFlow read of the system."""
_LIBRARIES = ("h5py", "numpy", "tensorflow")
"""A folder on Python's path that has one of these is where packages are installed."""
_FILES = 4096


def confine(readable: Sequence[Path], folder: Path, source_roots: Sequence[Path], memory: int) -> list[str]:
    """Shut this process off, for good.

    Args:
        readable: Files and folders that the job may read.
        folder: The one that it may write to.
        source_roots: Where EdgeKit's own modules lie.
        memory: Bytes of resident memory that it may take; what is only reserved may be more.

    Returns:
        What this kernel cannot forbid, as whole sentences.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS, without which both below are refused
    spare_the_user()
    _lower(resource.RLIMIT_FSIZE, memory)
    _lower(resource.RLIMIT_NOFILE, _FILES)
    _lower(resource.RLIMIT_DATA, 2 * memory + (8 << 30))  # thread stacks and arenas are reserved, not taken
    _drop_capabilities(libc)
    missing = []
    if len(os.listdir("/proc/self/task")) > 1:
        missing.append("A library starts threads before Landlock holds: they could read and write the user's files.")
    every = [*map(Path, _SYSTEM), Path(f"/proc/{os.getpid()}"), *_python(), *source_roots, *readable]
    if not landlock.restrict(every, [folder, Path("/dev/null")]):
        missing.append("Landlock is missing (Linux 5.13 and later): a child could read and write the user's files.")
    if not seccomp.restrict():
        missing.append("Seccomp is missing: a child could use the network and start programs.")
    return missing


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """Of root's powers, leave none but reading files whatever their modes; the rules on paths hold for that too."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable, of the capabilities 0-31 and 32-63
    if libc.capget(header, sets) == 0:
        reading = sets[1] & (1 << 2)  # CAP_DAC_READ_SEARCH
        libc.capset(header, (ctypes.c_uint32 * 6)(reading, reading, 0, 0, 0, 0))


def _python() -> list[Path]:
    """Python and its packages, wherever they come from: not the working directory."""
    places = [sys.prefix, sys.base_prefix, sys.exec_prefix, *site.getsitepackages(), *sysconfig.get_paths().values()]
    if site.ENABLE_USER_SITE:
        places.append(site.getusersitepackages())
    places += [entry for entry in sys.path if entry and any((Path(entry) / name).is_dir() for name in _LIBRARIES)]
    return [Path(place) for place in set(places)]


def _lower(kind: int, most: int) -> None:
    soft, hard = resource.getrlimit(kind)
    limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (limit if soft == resource.RLIM_INFINITY else min(soft, limit), limit))
