"""The threads of a search: what shares a program is done by those who have it, while another program is compiled."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from joblib.parallel import ParallelBackendBase

from pellucid.estimators.common import Common
from pellucid.executors.cores import cores_of_thread, share_of_cores

AHEAD = 2
"""So many trainings for each thread are to be ready before another program is compiled."""


@dataclass(eq=False)
class _Work:
    """Something to do: a function, who is told of its result, and what it has in common with others."""

    function: Callable[[], Any]
    tell: Callable[[Future[Any]], Any]
    key: Hashable
    future: Future[Any] = field(default_factory=Future)

    def do(self) -> None:
        try:
            self.future.set_result(self.function())
        except BaseException as error:
            self.future.set_exception(error)
        self.tell(self.future)


class SearchThreads(ParallelBackendBase):
    """A backend of joblib: threads that take trainings in an order of their own.

    Of those that need the same program one is begun alone, which compiles it. The others wait for it, while the threads
    do what has its program already.

    Parameters
    ----------
    key : callable
        ``key(number)``: what is the same of trainings that share a program; they are counted from 0 as they come. None
        where they need none.
    """

    supports_retrieve_callback = True
    uses_threads = True
    supports_sharedmem = True

    def __init__(self, key: Callable[[int], Hashable]):
        super().__init__()
        self.common = Common(compiled=self._compiled)
        self._key = key
        self._count = 0
        self._new: dict[Hashable, deque[_Work]] = {}
        self._held: dict[Hashable, deque[_Work]] = {}
        self._open: dict[Hashable, deque[_Work]] = {None: deque()}
        self._change = threading.Condition()
        self._ended = False
        self._threads: list[threading.Thread] = []
        self._wanted = 1
        self._here = threading.local()

    # -- what joblib calls ---------------------------------------------------------------------------------------------

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Return 2 for a single thread, too: joblib would work itself then, in its own order."""
        return max(2, _count_threads(n_jobs))

    def configure(self, n_jobs: int = 1, parallel: Any = None, **_: Any) -> int:
        """Remember how many threads there are to be."""
        self.parallel = parallel
        self._wanted = _count_threads(n_jobs)
        return self.effective_n_jobs(n_jobs)

    def submit(self, func: Callable[[], Any], callback: Callable[[Future[Any]], Any]) -> Future[Any]:
        """Take something to do."""
        with self._change:
            work = _Work(func, callback, self._key(self._count))
            self._count += 1
            places = self._open if work.key in self._open else self._held if work.key in self._held else self._new
            places.setdefault(work.key, deque()).append(work)
            if len(self._threads) < self._wanted:
                self._threads.append(threading.Thread(target=self._work, name="search", daemon=True))
                self._threads[-1].start()
            self._change.notify()
        return work.future

    def retrieve_result_callback(self, out: Future[Any]) -> Any:
        """Return what has come out, or raise it."""
        return out.result()

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """End what is under way, and forget what waits."""
        self.common.stopped.set()
        self.terminate()

    def terminate(self) -> None:
        """Let the threads end."""
        with self._change:
            self._ended = True
            for places in (self._new, self._held, self._open):
                places.clear()
            self._change.notify_all()

    # -- what the threads do -------------------------------------------------------------------------------------------

    def _work(self) -> None:
        with share_of_cores(self._wanted), self.common.here():
            while (work := self._take()) is not None:
                self._here.key = work.key
                work.do()
                self._compiled()

    def _take(self) -> _Work | None:
        """Return what to do next; None where there will be nothing any more."""
        with self._change:
            while not self._ended:
                work = self._choose()
                if work is not None:
                    return work
                self._change.wait()
        return None

    def _choose(self) -> _Work | None:
        """Return what to do next: something that needs a new program where none is compiled and little is ready."""
        ahead = sum(map(len, self._open.values()))
        if self._new and (not ahead or (not self._held and ahead < AHEAD * self._wanted)):
            key = next(iter(self._new))
            self._held[key] = self._new.pop(key)
            return self._held[key].popleft()
        return next((works.popleft() for works in self._open.values() if works), None)

    def _compiled(self) -> None:
        """Let others begin what needs the same program as what this thread does."""
        with self._change:
            works = self._held.pop(getattr(self._here, "key", None), None)
            if works is not None:
                self._open = {key: found for key, found in self._open.items() if found or key is None}
                self._open[self._here.key] = works
                self._change.notify_all()


def _count_threads(n_jobs: int) -> int:
    """Return how many threads scikit-learn's ``n_jobs`` means."""
    if n_jobs == 0:
        raise ValueError("n_jobs == 0 in Parallel has no meaning")
    return n_jobs if n_jobs > 0 else max(cores_of_thread() + 1 + n_jobs, 1)
