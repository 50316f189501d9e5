"""Child processes in which foreign files are read: limited in memory and time, shut off from the rest of the machine.

limits.py     what a child may take
spawn.py      the parent's side: one job in one child
processes.py  starting a child, cold or warm, and the one way to start a module in a new interpreter
worker.py     the child's side
manners.py    what every child does at its start, those of runtimes too
endings.py    how a child has ended, and what it said last
forking.py    what warm children are forked off
confine.py    what the kernel forbids the child, by landlock.py and seccomp.py
memory.py     watching what it takes
folder.py     where it writes
wire.py       messages between the two
"""

from __future__ import annotations

from edgekit.sandbox.limits import Limits, cpu_limit
from edgekit.sandbox.processes import cold, kept_warm, warm
from edgekit.sandbox.spawn import Reply, missing_limits, run

__all__ = ["Limits", "Reply", "cold", "cpu_limit", "kept_warm", "missing_limits", "run", "warm"]
