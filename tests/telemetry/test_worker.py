"""The one thread of a process: who starts it, who may flush, and that nobody waits for it in vain."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import platform_instrument
from platform_instrument.core.families import SUPPRESSED
from platform_instrument.core.guard import clear_faults, faults
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.priority import Priority, harmless
from platform_instrument.telemetry.worker import COUNTED_LAST, Worker
from tests.strikes import StruckError, handled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Work:
    """What a worker is given to do, and what it did."""

    def __init__(self) -> None:
        self.turns: list[str] = []
        self.finishes: list[str] = []
        self.prepared: list[str] = []
        self.families: set[int] = set()
        self.turn: Callable[[], float] = lambda: 60.0
        self.finish: Callable[[], None] = lambda: None
        self.complete = True
        self.worker = Worker(self._turn, self._finish, lambda: self.prepared.append(threading.current_thread().name))

    def _turn(self) -> float:
        self._note(self.turns)
        return self.turn()

    def _finish(self, _deadline: float, _last: bool) -> bool:  # noqa: FBT001 - as the worker calls it
        self._note(self.finishes)
        self.finish()
        return self.complete

    def _note(self, where: list[str]) -> None:
        current = CURRENT.get()
        self.families.add(current.families if current is not None else 0)
        where.append(threading.current_thread().name)


@pytest.fixture
def work() -> Iterator[Work]:
    made = Work()
    yield made
    made.turn = lambda: 60.0
    made.worker.stop(5)
    assert not made.worker.running


def soon(condition: Callable[[], object]) -> bool:
    """Say whether something comes true within two seconds."""
    deadline = time.monotonic() + 2
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def test_many_threads_start_one(work: Work) -> None:
    starters = [threading.Thread(target=work.worker.start) for _ in range(20)]
    for thread in starters:
        thread.start()
    for thread in starters:
        thread.join()
    assert [thread.name for thread in threading.enumerate()].count("platform-instrument") == 1
    assert soon(lambda: work.turns)
    assert work.prepared == ["platform-instrument"]


def test_nothing_of_its_work_is_observed(work: Work) -> None:
    work.worker.flush(1)
    work.worker.start()
    work.worker.flush(1)
    assert soon(lambda: work.turns)
    assert work.families == {SUPPRESSED}
    assert CURRENT.get() is None


def test_a_flush_works_in_the_thread_that_asks_while_there_is_no_worker(work: Work) -> None:
    assert work.worker.flush(1) is True
    assert (work.prepared, work.finishes) == (["MainThread"], ["MainThread"])


def test_a_flush_works_in_the_worker_where_it_runs_and_says_how_it_ended(work: Work) -> None:
    work.worker.start()
    assert work.worker.flush(1) is True
    work.complete = False
    assert work.worker.flush(1) is False
    assert work.finishes == ["platform-instrument"] * 2


def test_a_flush_leaves_the_work_to_a_worker_that_is_started_while_it_waits_to_do_it(work: Work) -> None:
    starting = threading.Event()
    start_thread = threading.Thread.start

    def slow_start(thread: threading.Thread) -> None:
        starting.set()
        time.sleep(0.2)
        start_thread(thread)

    starter = threading.Thread(target=work.worker.start)
    starter.start = lambda: start_thread(starter)  # type: ignore[method-assign]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(threading.Thread, "start", slow_start)
        starter.start()
        assert starting.wait(2)
        assert work.worker.flush(2) is True
    starter.join()
    assert work.finishes == ["platform-instrument"]


def test_flushes_of_many_threads_all_come_back(work: Work) -> None:
    work.worker.start()
    answers: list[bool | None] = []
    flushing = [threading.Thread(target=lambda: answers.append(work.worker.flush(5))) for _ in range(20)]
    for thread in flushing:
        thread.start()
    for thread in flushing:
        thread.join()
    assert answers == [True] * 20


def test_a_flush_is_not_waited_for_longer_than_it_may_take(work: Work) -> None:
    work.turn = lambda: time.sleep(1) or 60.0
    work.worker.start()
    assert soon(lambda: work.turns)
    start = time.monotonic()
    assert work.worker.flush(0.2) is None
    assert time.monotonic() - start < 0.6
    assert not work.worker._flushes  # nor is it done when nobody waits for it any more


def test_a_flush_in_a_signal_handler_does_not_wait_for_the_flush_that_it_interrupts(work: Work) -> None:
    answers: list[bool | None] = []
    before = signal.signal(signal.SIGALRM, lambda *_: answers.append(work.worker.flush(2)))
    try:
        work.worker.start()
        work.finish = lambda: time.sleep(0.3)
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        start = time.monotonic()
        assert work.worker.flush(2) is True
        assert answers == [True]
        assert time.monotonic() - start < 1.5
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_signal_handler_may_flush_while_its_own_thread_forks(work: Work) -> None:
    work.worker.start()
    work.worker.before_fork(1)
    start = time.monotonic()
    assert work.worker.flush(2) is True
    assert time.monotonic() - start < 1
    work.worker.after_fork_in_parent(needed=True)


@pytest.mark.faults
def test_a_fault_in_a_turn_is_counted_and_the_thread_goes_on(work: Work) -> None:
    def fail() -> float:
        raise LookupError

    work.turn = fail
    work.worker.start()
    assert soon(lambda: work.turns)
    work.turn = lambda: 60.0
    assert work.worker.flush(1) is True
    assert [fault.place for fault in faults()] == ["export"]
    clear_faults()


def test_a_thread_that_does_not_end_delays_one_fork_only(work: Work) -> None:
    gate = threading.Event()
    work.turn = lambda: 60.0 if gate.wait(10) else 0.0
    work.worker.start()
    assert soon(lambda: work.turns)
    start = time.monotonic()
    for _ in range(20):
        work.worker.before_fork(0.2)
        work.worker.after_fork_in_parent(needed=True)
    assert time.monotonic() - start < 1
    gate.set()
    assert work.worker.flush(2) is True


def test_a_fork_waits_for_an_import_of_ours_that_a_turn_has_begun(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child has neither the thread that imports nor, for ever, the module."""
    (tmp_path / "slow_to_import.py").write_text("import time\ntime.sleep(0.5)\nVALUE = 1\n")
    monkeypatch.setattr(platform_instrument, "__path__", [*platform_instrument.__path__, str(tmp_path)])
    name = "platform_instrument.slow_to_import"
    work.turn = lambda: import_module(name).VALUE * 60.0
    work.worker.start()
    assert soon(lambda: name in sys.modules)
    work.worker.before_fork(0.05)
    try:
        assert sys.modules.pop(name).VALUE == 1
    finally:
        work.worker.after_fork_in_parent(needed=False)


def test_nobody_starts_it_during_a_fork(work: Work) -> None:
    work.worker.start()
    work.worker.before_fork(1)
    starter = threading.Thread(target=work.worker.start)
    starter.start()
    starter.join()
    assert not work.worker.running
    work.worker.after_fork_in_parent(needed=False)
    work.worker.start()
    assert work.worker.running


def test_a_process_that_forks_all_the_time_does_not_keep_it_from_its_work(work: Work) -> None:
    def fork() -> None:
        work.worker.before_fork(1)
        work.worker.after_fork_in_parent(needed=True)
        work.worker.start()  # the next record's
        time.sleep(0.01)

    work.worker.start()
    for _ in range(20):
        fork()
    assert len(work.turns) < 5  # what comes at once goes together
    work.worker.before_fork(1)
    work.worker.wake()  # by a thread that records during the fork
    before = len(work.turns)
    work.worker.after_fork_in_parent(needed=True)
    for _ in range(5):
        fork()
    assert len(work.turns) > before
    before = len(work.turns)
    for _ in range(150):
        fork()
    assert len(work.turns) > before


def test_a_held_process_has_no_thread_until_it_forks(work: Work) -> None:
    work.worker.start()
    work.worker.hold()
    assert (work.worker.running, work.worker.awaited) == (False, False)
    work.worker.start()
    work.worker.wake()
    assert (work.worker.running, work.worker.awaited) == (False, False)
    assert work.worker.flush(1) is True
    work.worker.renew()  # as in a fork child
    work.worker.start()
    assert work.worker.running


def test_a_process_that_is_held_until_its_next_record_forks_without_a_thread_and_records_with_one(work: Work) -> None:
    work.worker.start()
    work.worker.hold(for_good=False)
    assert (work.worker.running, work.worker.awaited) == (False, True)
    for _ in range(3):
        work.worker.before_fork(0.5)
        work.worker.after_fork_in_parent(needed=False)
        assert (work.worker.running, work.worker.awaited) == (False, True)
    work.worker.start()
    assert work.worker.running
    work.worker.before_fork(0.5)
    work.worker.after_fork_in_parent(needed=False)
    assert (work.worker.running, work.worker.awaited) == ((True, False) if not COUNTED_LAST else (False, True))


@pytest.mark.skipif(sys.platform != "linux", reason="its threads are in /proc")
def test_a_thread_that_was_stopped_is_gone_for_the_system_too_so_that_a_fork_copies_no_lock_of_its_end(work: Work) -> None:
    """OpenSSL, which `hashlib` loads, takes a lock as a thread ends; a child that inherits it held never ends."""
    libc, key = ctypes.CDLL(None), ctypes.c_uint()
    libc.pthread_key_create(ctypes.byref(key), libc.usleep)  # what a thread keeps under the key is how long its end takes

    def turn() -> float:
        libc.pthread_setspecific(key, ctypes.c_void_p(20_000))
        return 60.0

    work.turn = turn
    work.worker.start()
    assert soon(lambda: work.turns)
    thread = work.worker._thread
    assert thread is not None
    work.worker.stop(5)
    assert not Path(f"/proc/self/task/{thread.native_id}").exists()


# --- the system's scheduler --------------------------------------------------------------------------------------------


def policy(work: Work) -> int:
    """Return the scheduling policy of the worker's thread."""
    thread = work.worker._thread
    assert thread is not None
    assert thread.native_id is not None
    return os.sched_getscheduler(thread.native_id)


def patiently(work: Work) -> Callable[[], float]:
    """Return a turn after which the thread waits for its turn."""

    def turn() -> float:
        work.worker.priority.batch()
        return 60.0

    return turn


@pytest.mark.skipif(sys.platform != "linux", reason="a policy of Linux")
def test_between_its_turns_it_does_not_preempt_the_application_and_in_a_hurry_it_does(work: Work) -> None:
    work.turn = patiently(work)
    work.worker.start()
    assert soon(lambda: work.turns and policy(work) == os.SCHED_BATCH)
    assert os.sched_getscheduler(0) == os.SCHED_OTHER  # nobody else's is touched

    work.worker.priority.hurry()
    assert policy(work) == os.SCHED_OTHER
    work.worker.wake()
    assert soon(lambda: len(work.turns) > 1 and policy(work) == os.SCHED_BATCH)
    assert not faults()


@pytest.mark.skipif(sys.platform != "linux", reason="a policy of Linux")
def test_who_waits_for_it_has_it_hurry(work: Work) -> None:
    work.turn = patiently(work)
    work.worker.start()
    assert soon(lambda: work.turns and policy(work) == os.SCHED_BATCH)
    seen: list[int] = []
    work.finish = lambda: seen.append(os.sched_getscheduler(0))
    assert work.worker.flush(2) is True
    assert seen == [os.SCHED_OTHER]


@pytest.mark.skipif(sys.platform != "linux", reason="a policy of Linux")
def test_a_policy_that_was_chosen_for_the_process_stays(work: Work) -> None:
    work.turn = patiently(work)

    def started_with_a_policy() -> None:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))  # this thread's, which its threads inherit
        work.worker.start()

    starter = threading.Thread(target=started_with_a_policy)
    starter.start()
    starter.join()
    assert soon(lambda: work.turns)
    time.sleep(0.05)
    assert policy(work) == os.SCHED_IDLE
    work.worker.priority.hurry()
    assert policy(work) == os.SCHED_IDLE


@pytest.mark.skipif(sys.platform != "linux", reason="a policy of Linux")
def test_it_hurries_no_thread_that_is_not_its_own() -> None:
    priority = Priority()
    child = subprocess.Popen([sys.executable, "-c", "import os; os.sched_setscheduler(0, 3, os.sched_param(0)); print(); input()"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        priority._thread, priority._patient = child.pid, True  # what a thread leaves behind whose number has a new owner
        priority.forget()
        priority.hurry()
        priority.choose()
        priority.hurry()
        assert os.sched_getscheduler(child.pid) == os.SCHED_BATCH
        child.communicate(b"\n")


@pytest.mark.parametrize(
    ("status", "mounts", "asked"),
    [
        ("Name:\tpython\nSeccomp:\t0\nSeccomp_filters:\t0\n", "", True),
        ("Name:\tpython\nSeccomp:\t2\nSeccomp_filters:\t1\n", "24 1 8:1 / / rw - ext4 /dev/sda1 rw\n", False),
        ("Name:\tpython\nSeccomp:\t2\nSeccomp_filters:\t1\n",
         "706 698 8:1 /var/lib/docker/containers/0a/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n", True),
        ("", "706 698 8:1 /var/lib/docker/containers/0a/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n", False),
    ],
)  # fmt: skip
def test_a_policy_is_asked_for_only_where_nothing_worse_than_a_refusal_comes_of_it(status: str, mounts: str, asked: bool) -> None:  # noqa: FBT001
    assert harmless(status, mounts) is asked


def test_a_time_limit_that_strikes_as_the_thread_is_started_leaves_it_to_the_next_record(work: Work) -> None:
    with pytest.MonkeyPatch.context() as patched, handled():
        patched.setattr(threading.Thread, "start", lambda _thread: signal.raise_signal(signal.SIGALRM))
        with pytest.raises(StruckError):
            work.worker.start()
    assert work.worker.awaited is True
    work.worker.start()
    assert work.worker.flush(2) is True
    assert work.finishes == ["platform-instrument"]


def test_a_thread_that_somebody_ends_is_replaced_with_the_next_record(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    def leave() -> float:
        raise SystemExit

    monkeypatch.setattr(threading, "excepthook", lambda _arguments: None)
    work.turn = leave
    work.worker.start()
    thread = work.worker._thread
    assert thread is not None
    thread.join(2)
    work.turn = lambda: 60.0
    assert work.worker.awaited is True
    work.worker.start()
    assert work.worker.flush(2) is True
