"""A limit on the time of the student's code, which counts what that code computes and nothing else."""

import contextlib
import ctypes
import os
import sys
import threading
import time
import traceback

import psutil

# Seconds in which an endless loop is asked to stop, before it is left behind.
_GRACE = 2.0
# Work may last this many times its seconds of computing: the machine may be busy, and a loop may sleep.
PATIENCE = 5
# The threads that could not be stopped: what they compute is no part of what comes after them.
_left_behind = set()


class TimeUp(BaseException):
    """Stops an endless loop; no Exception, so that `except Exception` in it lets this through."""


def limited(work, seconds):
    """(True, what work() returns), or (False, the frames it was in) where that took too long.

    The work has a thread of its own. So this is the same on every platform and in every calling thread; a
    KeyboardInterrupt in this thread is the user's, not the student's code's; and what cannot be stopped, such as
    a loop inside TensorFlow, is left behind.
    """
    values, frames, ended = [], [], threading.Event()

    def target():
        try:
            with contextlib.suppress(TimeUp):
                values.append(work())
        finally:
            ended.set()

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    try:
        clock, waiting = _Clock(thread.native_id), time.monotonic() + PATIENCE * seconds
        # Not thread.join(): interrupted, it takes a thread that runs on for one that has ended.
        while not ended.is_set() and time.monotonic() < waiting and clock.seconds() < seconds:
            ended.wait(0.05)  # in slices: not every platform interrupts a long wait
        if not ended.is_set() and (frame := sys._current_frames().get(thread.ident)):
            frames = locations(traceback.walk_stack(frame))[::-1]
    finally:
        late = not ended.is_set()
        _stop(thread, ended)
    return (False, frames) if late else (True, values[0])


class _Clock:
    """The seconds that one thread has computed, or, where it is more, the process with all its cores busy.

    Many cores at work for it do not shorten its time, and threads left behind by earlier work don't count.
    """

    def __init__(self, thread):
        self._thread, self._process = thread, psutil.Process()
        self._cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._start = self._all()

    def seconds(self):
        own, everywhere = (now - then for now, then in zip(self._all(), self._start, strict=True))
        return max(own, everywhere / self._cores)

    def _all(self):
        of_threads = {one.id: one.user_time + one.system_time for one in self._process.threads()}
        _left_behind.intersection_update(of_threads)
        left = sum(of_threads[one] for one in _left_behind)
        return of_threads.get(self._thread, 0.0), time.process_time() - left


def _stop(thread, ended):
    """Raise TimeUp in the thread again and again: a bare `except:` in a loop may catch some of them."""
    for _ in range(int(_GRACE / 0.01)):
        if ended.is_set():
            break
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(TimeUp))
        ended.wait(0.01)
    thread.join(0.1)
    if not ended.is_set():
        _left_behind.add(thread.native_id)


def locations(walk):
    """[(file, line, function)] of the frames that traceback's walk gives."""
    return [(frame.f_code.co_filename, line, frame.f_code.co_name) for frame, line in walk]
