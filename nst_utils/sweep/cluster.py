"""Work for many processes: Dask's scheduler and workers, here or elsewhere, and answers whatever becomes of them.

A worker that dies costs time: what it was at is done by another one. `distributed` is imported when it is needed.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import os
import platform
import signal
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nst_utils.base.errors import InputError
from nst_utils.base.machine import machine_memory

if TYPE_CHECKING:
    from distributed import Client, Future

# Bytes of memory for a worker of one's own, and seconds to look whether the scheduler is still there.
WORKER_MEMORY, PAUSE = 4_000_000_000, 1.0
# Seconds to wait for a scheduler to answer, at first and when it has gone.
PATIENCE = 15.0
# A task is given up when it has been given to Dask so often, each time for `allowed-failures` (three) dead workers.
_ATTEMPTS = 2


@dataclass(frozen=True)
class Sent:
    """Bytes that many calls share, as an argument: they travel to each worker once. key: what they are known by."""

    key: str
    read: Callable[[], bytes] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Call:
    """One call of the function: what it is about, and its arguments, among which may be Sent ones and lists of them."""

    about: Any
    arguments: tuple[Any, ...] = field(repr=False)


@dataclass(frozen=True)
class Failure:
    """What stands in the place of an answer that there is not: why, in a sentence."""

    reason: str


@contextlib.contextmanager
def connected(
    scheduler: Any = None, workers: int | None = None, tell: Callable[[str], object] = lambda words: None
) -> Iterator[Client]:
    """A client of the scheduler at an address such as tcp://host:8786, or of a cluster of one's own on this machine.

    scheduler: the address, or an object that one of Dask's packages for clusters has made; None for one's own. workers:
    how many processes of one's own; by default one for two cores and WORKER_MEMORY. tell: called with a sentence where
    there is something to wait for. Raises InputError where there is no such scheduler.
    """
    distributed = _distributed()
    import dask

    with contextlib.ExitStack() as cleanup:
        # No dashboard, no warning that a picture is large, and no word of every worker that comes and goes.
        cleanup.enter_context(dask.config.set({"distributed.comm.timeouts.connect": PATIENCE}))
        cleanup.enter_context(_silent())
        if scheduler is None:
            client = cleanup.enter_context(_own(distributed, workers or usual_workers()))
        else:
            client = cleanup.enter_context(_elsewhere(distributed, scheduler))
            cleanup.enter_context(_gone_is_told(distributed, scheduler))
            if not client.nthreads():
                tell(f"The scheduler at {_address(scheduler)} has no workers yet: waiting for the first one ...")
                while not client.nthreads():
                    time.sleep(PAUSE)
                    _check_there(client, scheduler)
        yield client


def usual_workers() -> int:
    """How many workers suit this machine."""
    return max(1, min((os.cpu_count() or 1) // 2, machine_memory() // WORKER_MEMORY))


def check_workers(client: Client, more: Callable[[], str | None] | None = None) -> None:
    """Raise InputError unless every worker that is there has this very package; by its files, not by its version.

    more: a function asked on every worker as well, which returns what is wrong there, or None.
    """

    def tell() -> tuple[str, str | None]:
        # By value, so that it can be asked of a worker that has no such package.
        import platform

        try:
            from nst_utils.sweep.cluster import package_digest
        except ImportError:
            return platform.python_version(), None
        return platform.python_version(), package_digest()

    for address, (python, digest) in client.run(tell).items():
        if python.split(".")[:2] != platform.python_version().split(".")[:2]:
            raise InputError(
                f"The worker {address} runs Python {python}, and this is {platform.python_version()}: give both the "
                "same."
            )
        if digest is None:
            raise InputError(f"The worker {address} has no nst_utils that can be imported: install it there.")
        if digest != package_digest():
            raise InputError(f"The worker {address} has another nst_utils than this machine: install the same there.")
    if more:
        for address, wrong in client.run(more).items():
            if wrong:
                raise InputError(f"The worker {address} {wrong}")


@functools.cache
def package_digest() -> str:
    """Of all the Python files of this package."""
    found = hashlib.sha256()
    folder = Path(__file__).resolve().parents[1]
    for path in sorted(folder.rglob("*.py")):
        found.update(f"{path.relative_to(folder).as_posix()}\0".encode() + path.read_bytes())
    return found.hexdigest()


def answers(
    client: Client, function: Callable[..., Any], calls: Iterable[Call], scheduler: Any = None
) -> Iterator[tuple[Any, Any]]:
    """(what a call is about, what the function returned, or a Failure), in the order in which they are done.

    The calls are taken when there is room for them: some are at work, some wait at the workers, the rest has not been
    made. Dask blames a dead worker on every call that it had, at work or not; so a call that is blamed is made again
    when all others are done, alone. Raises InputError where the scheduler goes.
    """
    distributed, waiting = _distributed(), iter(calls)
    blamed: list[tuple[Call, int]] = []
    running: dict[Future[Any], tuple[Call, list[Sent], int]] = {}
    sent = _Sending(client)

    def submit(call: Call, attempt: int = 1) -> Failure | None:
        own: list[Sent] = []
        try:
            arguments = [sent.placed(each, own) for each in call.arguments]
        except (OSError, InputError) as error:  # a file that has gone meanwhile
            sent.release(own)
            return Failure(str(error))
        running[client.submit(function, *arguments, pure=False)] = call, own, attempt
        return None

    exhausted = False
    try:
        while True:
            room = 2 * max(1, len(client.nthreads())) - len(running)
            while room > 0 and not exhausted:
                call = next(waiting, None)
                exhausted = call is None
                if call is not None:
                    room -= 1
                    if failure := submit(call):
                        yield call.about, failure
            while blamed and not running:
                call, attempt = blamed.pop()
                if failure := submit(call, attempt):
                    yield call.about, failure
            if not running:
                return
            with contextlib.suppress(TimeoutError):
                distributed.wait(list(running), timeout=PAUSE, return_when="FIRST_COMPLETED")
            _check_there(client, scheduler)
            for future in [each for each in running if each.done()]:
                call, own, attempt = running.pop(future)
                answer = _answer(distributed, future)
                if answer is None and attempt < _ATTEMPTS:
                    blamed.append((call, attempt + 1))
                elif answer is None:
                    answer = Failure(
                        "its worker ended again and again, perhaps for want of memory: make it smaller, or give each "
                        "worker more."
                    )
                if answer is not None:
                    yield call.about, answer
                sent.release(own)
    finally:
        with contextlib.suppress(Exception):
            client.cancel(list(running))


class _Sending:
    """The Sent arguments that calls at work need, each as a task of its own: what a dead worker held is made again."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._futures: dict[str, tuple[Future[Any], int]] = {}

    def placed(self, argument: Any, own: list[Sent]) -> Any:
        """The argument, with futures in the place of what is Sent; that is added to a list."""
        if isinstance(argument, list):
            return [self.placed(each, own) for each in argument]
        if not isinstance(argument, Sent):
            return argument
        future, uses = self._futures.get(argument.key) or (self._new(argument), 0)
        self._futures[argument.key] = future, uses + 1
        own.append(argument)
        return future

    def release(self, own: list[Sent]) -> None:
        for each in own:
            future, uses = self._futures.pop(each.key)
            if uses > 1:
                self._futures[each.key] = future, uses - 1

    def _new(self, argument: Sent) -> Future[Any]:
        return self._client.submit(bytes, argument.read(), key=f"nst-{argument.key}", priority=1)


def _answer(distributed: Any, future: Future[Any]) -> Any:
    """What a future holds; None where the call is to be made once more."""
    if future.status == "finished":
        with contextlib.suppress(distributed.client.FutureCancelledError):
            return future.result()
        return None
    error = future.exception() if future.status == "error" else None
    if error is None or isinstance(error, distributed.KilledWorker):
        return None
    return Failure(" ".join(f"{type(error).__name__}: {error}".split())[:300])


@contextlib.contextmanager
def _own(distributed: Any, workers: int) -> Iterator[Client]:
    """A cluster of processes on this machine, which end with this one."""
    cores = max(1, (os.cpu_count() or 1) // workers)
    environment = {"TF_NUM_INTRAOP_THREADS": str(cores), "TF_CPP_MIN_LOG_LEVEL": "3"}
    with _without_interrupts():
        cluster = distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False}, silence_logs=logging.CRITICAL, env=environment,
            memory_limit=machine_memory() // workers,
        )
    with cluster, distributed.Client(cluster) as client:
        yield client


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Ctrl-C, which a terminal sends to every process, does not reach those that are started from now on.

    The threads that begin here, and that start workers later on, hand this on to them.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # It would take the block away from the thread that starts it.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Dask says nothing: what there is to say of it is said here."""
    log = logging.getLogger("distributed")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
            yield
    finally:
        log.setLevel(before)


@contextlib.contextmanager
def _gone_is_told(distributed: Any, scheduler: Any) -> Iterator[None]:
    try:
        yield
    except distributed.comm.core.CommClosedError:
        raise _gone(scheduler) from None


@contextlib.contextmanager
def _elsewhere(distributed: Any, scheduler: Any) -> Iterator[Client]:
    try:
        client = distributed.Client(scheduler, timeout=PATIENCE)
    except (OSError, TimeoutError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"There is no scheduler that answers at {_address(scheduler)} ({reason[:120]}): start one with "
            "dask scheduler, or check the address."
        ) from None
    with client:
        yield client


def _check_there(client: Client, scheduler: Any) -> None:
    """Raise InputError where the scheduler has gone, and does not come back in a while."""
    since = time.monotonic()
    while client.status != "running":
        if client.status in ("closed", "closing") or time.monotonic() > since + PATIENCE:
            raise _gone(scheduler)
        time.sleep(0.1)


def _gone(scheduler: Any) -> InputError:
    return InputError(
        f"The scheduler at {_address(scheduler)} has gone: start it again, and give the same command, which goes on "
        "where this one was."
    )


def _address(scheduler: Any) -> str:
    return str(getattr(scheduler, "scheduler_address", scheduler or "this machine"))


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        raise InputError(
            'Dask is not installed, which this needs: python -m pip install "nst_utils[sweep]"'
        ) from None
    return distributed

