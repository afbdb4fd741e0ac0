"""How many threads NumPy's matrix products take."""

from __future__ import annotations

import functools
import os
import threading
from typing import Any


@functools.cache
def _blas() -> Any:
    """Return the handle on the threads of NumPy's matrix products."""
    import threadpoolctl  # here, because it looks through all libraries that are loaded

    return threadpoolctl.ThreadpoolController()


class OneBlasThread:
    """While any thread is within it, NumPy's matrix products take one thread each.

    The products of small networks are slowed down by more, many times over on a busy machine, and the bits of a result
    may depend on how many there are. The number holds for the whole process: the first one in sets it, the last one out
    puts back what it was before.

    Examples
    --------
    >>> with one_blas_thread, one_blas_thread:
    ...     all(library["num_threads"] == 1 for library in _blas().info() if library["user_api"] == "blas")
    True
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget who is within: after a fork the other threads are gone."""
        self._lock = threading.Lock()
        self._within = 0
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._within == 0:
                self._limit = _blas().limit(limits=1, user_api="blas")
            self._within += 1

    def __exit__(self, *raised: object) -> None:
        with self._lock:
            self._within -= 1
            if self._within == 0:
                self._limit.restore_original_limits()


one_blas_thread = OneBlasThread()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=one_blas_thread.reset)
