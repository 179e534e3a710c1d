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
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from concurrent.futures import ThreadPoolExecutor
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
# So many answers travel here at the same time.
_AT_ONCE = 8


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
                _wait_for_workers(client, scheduler)
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
    client: Client, function: Callable[..., Any], calls: Iterable[Call], scheduler: Any = None,
    tell: Callable[[str], object] = lambda words: None,
) -> Iterator[tuple[Any, Any]]:
    """(what a call is about, what the function returned, or a Failure), in the order in which they are done.

    The calls are taken when there is room for them: each worker has one at work and one that waits, the rest has not
    been made. Where there is no worker, one call waits for it: that is how a cluster that adapts is asked for one. Dask
    blames a dead worker on every call that it had, at work or not; so a call that is blamed is made again when all
    others are done, alone. tell: called with a sentence where no worker is left to wait for. Raises InputError where
    the scheduler goes.
    """
    distributed, waiting = _distributed(), iter(calls)
    blamed: list[tuple[Call, int]] = []
    running: dict[Future[Any], _Placed] = {}
    sent = _Sending(client)
    lonely = _Lonely(scheduler, tell)

    def submit(call: Call, place: str | None, attempt: int = 1) -> Failure | None:
        own: list[Sent] = []
        try:
            arguments = [sent.placed(each, own) for each in call.arguments]
        except (OSError, InputError) as error:  # a file that has gone meanwhile
            sent.release(own)
            return Failure(str(error))
        # Dask itself gives two to one worker and none to another. If the place goes, it may choose.
        where = {"workers": [place], "allow_other_workers": True} if place else {}
        running[client.submit(function, *arguments, pure=False, **where)] = _Placed(call, own, place, attempt)
        return None

    exhausted = False
    fetching = ThreadPoolExecutor(_AT_ONCE)
    try:
        while True:
            threads = client.nthreads()
            lonely.look(threads)
            for future in _stranded(client, threads, running):
                placed = running.pop(future)
                if failure := submit(placed.call, None, placed.attempt):
                    yield placed.call.about, failure
                future.cancel()
                sent.release(placed.own)
            while not exhausted and len(running) < max(1, 2 * sum(threads.values())):
                call = next(waiting, None)
                exhausted = call is None
                if call is not None and (failure := submit(call, _roomiest(threads, running))):
                    yield call.about, failure
            while exhausted and blamed and not running:
                call, attempt = blamed.pop()
                if failure := submit(call, None, attempt):
                    yield call.about, failure
            if exhausted and not running:
                return
            with contextlib.suppress(distributed.TimeoutError):
                distributed.wait(list(running), timeout=PAUSE, return_when="FIRST_COMPLETED")
            _check_there(client, scheduler)
            done = [each for each in running if each.done()]
            for future, answer in zip(done, fetching.map(functools.partial(_answer, distributed), done), strict=True):
                if answer is _LOST:
                    continue
                placed = running.pop(future)
                if answer is None and placed.attempt < _ATTEMPTS:
                    blamed.append((placed.call, placed.attempt + 1))
                elif answer is None:
                    answer = Failure(
                        "its worker ended again and again, perhaps for want of memory: make it smaller, or give each "
                        "worker more."
                    )
                if answer is not None:
                    yield placed.call.about, answer
                sent.release(placed.own)
    finally:
        fetching.shutdown(wait=False, cancel_futures=True)
        with contextlib.suppress(Exception):
            client.cancel(list(running))


@dataclass(frozen=True)
class _Placed:
    """A call that Dask has: what is Sent for it, the worker that it was given to, and for which time."""

    call: Call
    own: list[Sent]
    place: str | None
    attempt: int


def _roomiest(threads: Mapping[str, int], running: Mapping[Future[Any], _Placed]) -> str | None:
    """The worker, of {address: threads}, that has least to do; None where there is none."""
    load = Counter(placed.place for placed in running.values())
    return min(threads, key=lambda address: load[address] / threads[address], default=None)


def _stranded(client: Client, threads: Mapping[str, int], running: Mapping[Future[Any], _Placed]) -> list[Future[Any]]:
    """Calls that wait for a worker that has gone: so Dask leaves them when at that moment there was no other one."""
    gone = [future for future, placed in running.items() if placed.place and placed.place not in threads]
    if not threads or not gone:
        return []
    at_work = {key for keys in client.processing().values() for key in keys}
    return [future for future in gone if future.key not in at_work and not future.done()]


class _Lonely:
    """Tells, once, that all workers of somebody's scheduler have gone."""

    def __init__(self, scheduler: Any, tell: Callable[[str], object]) -> None:
        self._scheduler, self._tell = scheduler, tell
        self._since, self._told = time.monotonic(), False

    def look(self, workers: Sized) -> None:
        if len(workers):
            self._since, self._told = time.monotonic(), False
        elif not self._told and time.monotonic() > self._since + PATIENCE:
            self._told = True
            self._tell(f"The scheduler at {_address(self._scheduler)} has no workers any more: waiting for others ...")


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


# In the place of an answer that went with its worker, and is being made again or waits to be, or with the scheduler.
_LOST = object()


def _answer(distributed: Any, future: Future[Any]) -> Any:
    """What a future that is done holds; None where the call is to be made once more."""
    patience = PAUSE
    while future.status == "finished" and future.client.status == "running":
        try:
            return future.result(timeout=patience)
        except distributed.client.FutureCancelledError:
            return None
        except distributed.TimeoutError:  # it is large, or its worker has gone: then it is not finished any more
            patience *= 2
    if future.status in ("finished", "pending"):
        return _LOST
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
    with cluster, distributed.Client(cluster) as client, _kept(cluster, workers):
        yield client


@contextlib.contextmanager
def _kept(cluster: Any, wanted: int) -> Iterator[None]:
    """As many workers as wanted, always: Dask does not replace one that dies while it starts."""
    ended = threading.Event()

    def look() -> None:
        since = time.monotonic()
        while not ended.wait(PAUSE):
            there = len(cluster.scheduler_info["workers"])
            if there >= wanted:
                since = time.monotonic()
            elif time.monotonic() > since + PATIENCE:
                # First what is left of the dead has to go.
                if len(cluster.workers) > there:
                    cluster.scale(there)
                else:
                    cluster.scale(wanted)
                    since = time.monotonic()

    thread = threading.Thread(target=look, name="nst-workers", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


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
    logs = {log: log.level for log in map(logging.getLogger, ("distributed", "asyncio"))}
    for log in logs:
        log.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
            yield
    finally:
        for log, level in logs.items():
            log.setLevel(level)


@contextlib.contextmanager
def _gone_is_told(distributed: Any, scheduler: Any) -> Iterator[None]:
    try:
        yield
    except distributed.comm.core.CommClosedError:
        raise _gone(scheduler) from None


def _check_certificates(distributed: Any, scheduler: Any) -> None:
    if str(scheduler).startswith("tls://") and not distributed.Security().get_connection_args("client")["ssl_context"]:
        raise InputError(
            f"The scheduler at {scheduler} wants a certificate: tell Dask of it, by its settings or by the variables "
            "DASK_DISTRIBUTED__COMM__TLS__CA_FILE, ...__TLS__CLIENT__CERT and ...__TLS__CLIENT__KEY."
        )


@contextlib.contextmanager
def _elsewhere(distributed: Any, scheduler: Any) -> Iterator[Client]:
    _check_certificates(distributed, scheduler)
    try:
        client = distributed.Client(scheduler, timeout=PATIENCE)
    except Exception as error:  # a TypeError, too, or whatever it finds wrong with a cluster
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"There is no scheduler that answers at {_address(scheduler)} ({reason[:120]}): start one with "
            "dask scheduler, or check the address."
        ) from None
    with client:
        yield client


def _wait_for_workers(client: Client, scheduler: Any) -> None:
    # A cluster that adapts starts none before there is something to do.
    something = client.submit(bool, pure=False)
    while not client.nthreads():
        time.sleep(PAUSE)
        _check_there(client, scheduler)
    something.release()


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

