"""Threads that share a job."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from metaworld_py.engine.thread_pool import ThreadPool, _errors_once_done, _Helper


def take_all(parts, taken):
    left = iter(range(parts))

    def job():
        for part in left:
            taken.append((part, threading.get_ident()))

    return job


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_every_part_is_taken_once(n_threads):
    pool = ThreadPool(n_threads)
    for parts in (0, 1, 2, 50):
        taken = []
        pool.run(take_all(parts, taken), parts)
        assert sorted(part for part, _ in taken) == list(range(parts))


def test_as_many_threads_work_as_there_are_parts_for():
    pool, threads, meeting = ThreadPool(3), [], threading.Barrier(3, timeout=10.0)

    def job():
        meeting.wait()  # passed only if all three are here
        threads.append(threading.get_ident())

    pool.run(job, 3)
    assert len(set(threads)) == 3 and threading.get_ident() in threads


@pytest.mark.parametrize("fails_in_caller", [True, False])
def test_an_error_reaches_the_caller_and_the_crew_lives_on(fails_in_caller):
    pool, meeting, caller = ThreadPool(2), threading.Barrier(2, timeout=10.0), threading.get_ident()

    def job():
        meeting.wait()
        if (threading.get_ident() == caller) == fails_in_caller:
            raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        pool.run(job, 2)
    taken = []
    pool.run(take_all(5, taken), 5)
    assert len(taken) == 5


def test_a_second_caller_does_its_job_alone_while_the_crew_is_busy():
    pool, started, release, taken = ThreadPool(2), threading.Barrier(3, timeout=10.0), threading.Event(), []

    def long_job():
        started.wait()
        release.wait(10.0)

    first = threading.Thread(target=pool.run, args=(long_job, 2))
    first.start()
    started.wait()
    pool.run(take_all(4, taken), 4)
    release.set()
    first.join()
    assert {thread for _, thread in taken} == {threading.get_ident()} and len(taken) == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_environments_go_on_in_a_forked_process():
    code = (
        "import os, sys, warnings; warnings.simplefilter('ignore')\n"
        "import gymnasium, numpy as np, metaworld_py\n"
        "envs = gymnasium.make_vec('Meta-World/MT10', seed=1, compiled=False); envs.reset(seed=0)\n"
        "zeros = np.zeros((10, 4), np.float32); envs.step(zeros)\n"
        "child = os.fork()\n"
        "total = float(envs.step(zeros)[0].sum())\n"
        "if child == 0: sys.stdout.write(f'{total!r}\\n'); sys.stdout.flush(); os._exit(0)\n"
        "os.waitpid(child, 0); print(repr(total))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    one, two = result.stdout.split()
    assert one == two


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="signals to a thread")
def test_an_interrupt_waits_for_the_crew_and_leaves_nothing_behind():
    """Interrupted while it waits for a helper: whoever steps next must not meet one that is still at the old job."""
    pool, caller, done = ThreadPool(2), threading.get_ident(), []

    def job(is_interrupted):
        if threading.get_ident() == caller:
            return
        time.sleep(0.05)  # the caller waits by now
        if is_interrupted:
            signal.pthread_kill(caller, signal.SIGINT)
        time.sleep(0.05)
        done.append("finished")

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs these tests in the background may ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            pool.run(lambda: job(is_interrupted=True), 2)
    finally:
        signal.signal(signal.SIGINT, before)
    assert done == ["finished"]
    for runs in range(2, 5):
        pool.run(lambda: job(is_interrupted=False), 2)
        assert len(done) == runs, "back before its helper"


def test_several_interrupts_wait_as_well():
    answers = iter([KeyboardInterrupt(), KeyboardInterrupt(), None])

    class Busy:
        def wait(self):
            if (answer := next(answers)) is not None:
                raise answer

    with pytest.raises(KeyboardInterrupt):
        _errors_once_done([Busy()])
    assert next(answers, "no more") == "no more"


def test_an_interrupt_while_the_crew_is_called_together_leaves_nothing_behind(monkeypatch):
    pool, taken = ThreadPool(3), []
    pool.run(take_all(3, taken), 3)
    start, begun = _Helper.start, []

    def interrupted(helper, job):
        start(helper, job)
        begun.append(helper)
        if len(begun) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(_Helper, "start", interrupted)
    release, done = threading.Event(), []

    def job():
        release.wait(10.0)
        done.append("finished")

    threading.Timer(0.05, release.set).start()
    with pytest.raises(KeyboardInterrupt):
        pool.run(job, 3)
    assert done == ["finished"], "the one that was called has come to its end"
    taken.clear()
    pool.run(take_all(50, taken), 3)
    assert sorted(part for part, _ in taken) == list(range(50))
