"""The lock of all that is built and compiled: one thread at a time does so, and none while the process forks."""

from __future__ import annotations

import os
import threading

COMPILING = threading.RLock()
"""Held by whoever makes something that others share. It is free in a process that was forked, and nothing half done."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=COMPILING.acquire, after_in_parent=COMPILING.release, after_in_child=COMPILING.release)
