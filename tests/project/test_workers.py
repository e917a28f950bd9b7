"""A child that answers: its death is an error, its noise is not an answer, the next is served."""

import os
import signal
import sys
import threading
import time

import pytest

from edgetune.workers import LENGTH, Worker, WorkerDied


@pytest.fixture
def worker():
    worker = Worker("worker_child")
    yield worker
    worker.end()


def test_one_child_answers_all(worker):
    assert worker.ask(b"a", b"b" * 100_000) == b"a" + b"b" * 100_000
    assert worker.ask(b"pid") == worker.ask(b"pid") != str(os.getpid()).encode()


def test_what_a_library_prints_is_no_answer(worker):
    assert [worker.ask(b"print"), worker.ask(b"x")] == [b"print", b"x"]


@pytest.mark.parametrize("what, message", [
    (b"die", "its process ended with SIGABRT: last words"),
    (b"leave", "its process ended with exit status 3"),
    (b"exit", "its process ended with exit status 4"),
])
def test_a_death_is_an_error_and_the_next_request_is_served(worker, what, message):
    worker.ask(b"a")
    with pytest.raises(WorkerDied) as error:
        worker.ask(what)
    assert str(error.value) == message
    assert worker.ask(b"a") == b"a"


def test_the_last_words_are_those_of_this_request(worker):
    with pytest.raises(WorkerDied):
        worker.ask(b"die")
    worker.ask(b"a")
    with pytest.raises(WorkerDied, match="status 3$"):
        worker.ask(b"leave")


def test_the_last_words_before_two_answers_are_fetched(worker):
    worker.begin(b"mutter")
    while os.fstat(worker._log.fileno()).st_size == 0:
        time.sleep(0.01)
    worker.begin(b"a")
    with pytest.raises(WorkerDied, match="SIGABRT: last words"):
        worker.finish()


def test_an_error_comes_back_and_ends_nothing(worker):
    child = worker.ask(b"pid")
    with pytest.raises(RuntimeError, match="no\nsuch thing") as error:
        worker.ask(b"fail")
    assert "worker_child.py" in str(error.value.__cause__)
    with pytest.raises(RuntimeError, match="^MemoryError$"):
        worker.ask(b"nameless")
    assert worker.ask(b"pid") == child


def test_a_request_that_cannot_be_read_ends_the_child(worker):
    worker.ask(b"a")
    worker._child.stdin.write(LENGTH.pack(8) + LENGTH.pack(1) + LENGTH.pack(2**62))
    worker.owed += 1
    worker._child.stdin.flush()
    with pytest.raises(WorkerDied, match="exit status 1: .*Error"):
        worker.finish()


def test_a_child_killed_between_requests_is_replaced(worker):
    os.kill(int(worker.ask(b"pid")), signal.SIGKILL)
    worker._child.wait()
    assert worker.ask(b"a") == b"a"


def test_an_interrupted_request_leaves_no_answer_for_the_next(worker, monkeypatch):
    worker.ask(b"a")

    def interrupted(pipe):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("edgetune.workers._receive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            worker.ask(b"old")
    assert worker.ask(b"new") == b"new"


def test_an_answer_that_nobody_fetched_is_not_the_next_ones(worker):
    worker.begin(b"old")
    assert worker.ask(b"new") == b"new"


def test_requests_may_be_handed_over_before_answers_are_fetched(worker):
    """More of both than pipes hold."""
    many = [b"%d" % n * 200_000 for n in range(4)]
    for one in many:
        worker.begin(one)
    assert [worker.finish() for _ in many] == many


def test_one_that_must_not_be_replaced_is_not():
    worker = Worker("worker_child", replaced=False)
    os.kill(int(worker.ask(b"pid")), signal.SIGKILL)
    worker._child.wait()
    with pytest.raises(WorkerDied, match="SIGKILL"):
        worker.ask(b"a")
    with pytest.raises(WorkerDied, match="was ended"):
        worker.ask(b"a")


def test_threads_take_turns(worker):
    found = {}
    threads = [
        threading.Thread(target=lambda n=n: found.update({n: worker.ask(b"%d" % n)}))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: b"%d" % n for n in range(8)}


def test_a_child_that_cannot_start_is_an_error(worker, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(WorkerDied, match="cannot be started: No such file"):
        worker.ask(b"a")
