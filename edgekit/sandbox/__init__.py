"""Child processes in which foreign files are read: limited in memory and time, shut off from the rest of the machine.

limits.py     what a child may take
spawn.py      the parent's side: one job in one child
processes.py  starting a child, cold or warm
worker.py     the child's side
forking.py    what warm children are forked off
confine.py    what the kernel forbids the child, by landlock.py and seccomp.py
memory.py     watching what it takes
folder.py     where it writes
wire.py       messages between the two
"""

from __future__ import annotations

from edgekit.sandbox.limits import Limits, cpu_limit
from edgekit.sandbox.processes import kept_warm, warm
from edgekit.sandbox.spawn import Reply, missing_limits, run

__all__ = ["Limits", "Reply", "cpu_limit", "kept_warm", "missing_limits", "run", "warm"]
