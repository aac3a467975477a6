"""Interrupts come soon, and never in the middle of what must not be cut in two."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading

import pytest

from models.checkpoint import Checkpoint
from models.interrupts import SIGNALS, Interrupts, descendants
from models.train_settings import TrainSettings
from models.training import TrainingSession


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_raised_where_the_main_thread_is(number):
    before = signal.getsignal(number)
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            send(number)
        assert interrupts.reason == signal.Signals(number).name
        interrupts.accept()
        send(signal.SIGTERM)  # a further one does nothing
        interrupts.check()
    assert signal.getsignal(number) == before


def test_processes_that_end_while_they_are_listed_are_left_out():
    with subprocess.Popen(["/bin/sh", "-c", "while :; do /bin/true & done"]) as shell:
        try:
            for _ in range(300):
                descendants(os.getpid())
            assert shell.pid in descendants(os.getpid())
        finally:
            shell.kill()
    assert shell.pid not in descendants(os.getpid())
    assert descendants(shell.pid) == []


def test_what_is_held_ends_first():
    done = []
    with Interrupts() as interrupts, pytest.raises(KeyboardInterrupt):
        with interrupts.held():
            with interrupts.held():
                send(signal.SIGTERM)
                done.append("inner")
            done.append("outer")
        done.append("never")
    assert done == ["inner", "outer"]


def test_an_interrupt_that_was_swallowed_comes_again():
    with Interrupts() as interrupts:
        with contextlib.suppress(KeyboardInterrupt):
            send(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), interrupts.held():
            pass
        interrupts.accept()
        interrupts.check()


def test_the_reason_reaches_the_outer_one_though_the_exception_was_replaced():
    with Interrupts() as outer:
        with pytest.raises(KeyboardInterrupt), Interrupts():
            try:
                send(signal.SIGUSR2)
            except KeyboardInterrupt:
                raise KeyboardInterrupt from None
        assert outer.reason == "SIGUSR2"
        outer.check()  # it is not due there


def test_two_threads_do_not_hold_at_once():
    """Saving waits until a learner that runs in a thread of its own has made its update."""
    interrupts, order, inside, go_on = Interrupts(), [], threading.Event(), threading.Event()

    def update() -> None:
        with interrupts.held():
            inside.set()
            go_on.wait(10)
            order.append("update")

    thread = threading.Thread(target=update)
    thread.start()
    assert inside.wait(10)
    threading.Timer(0.1, go_on.set).start()
    with interrupts.held():
        order.append("save")
    thread.join()
    assert order == ["update", "save"]


@pytest.mark.usefixtures("shared_ray")
@pytest.mark.parametrize("trainer", ["ppo", "dqn"])
def test_an_update_is_made_in_full_before_a_signal_ends_the_iteration(trainer, toy_env, tmp_path, monkeypatch):
    with Interrupts() as interrupts, TrainingSession(TrainSettings(trainer, toy_env), interrupts=interrupts) as session:
        (optimiser,) = session._ask_learner(lambda learner: [learner.get_optimizer()])
        step, updates = optimiser.step, []

        def interrupted_step(*arguments):
            send(signal.SIGTERM)
            updates.append(step(*arguments))

        monkeypatch.setattr(optimiser, "step", interrupted_step)
        with pytest.raises(KeyboardInterrupt):
            session.step()
        interrupts.accept()
        assert len(updates) == 1
        saved = Checkpoint.read(session.save(tmp_path / "checkpoint"))
    assert {float(array) for name, array in saved.learner.items() if name.endswith("/step")} == {1.0}
    assert saved.counters.iteration == 0 and saved.counters.env_steps > 0 and saved.counters.seconds > 0
    with TrainingSession(TrainSettings(trainer, toy_env), tmp_path / "checkpoint") as session:
        progress = session.step()
    assert progress.iteration == 1 and progress.env_steps > saved.counters.env_steps
