"""A run that is asked to stop ends where it is saved."""

import signal

import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")

from metaworld_baselines.runs.run import Run
from metaworld_baselines.runs.stopping import Stop, stop_on_signals


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path, "sac", {}, 10, is_on_tensorboard=False, stop=Stop())
    yield run
    run.close()


def ask(run):
    run._stop.ask(signal.SIGINT)


def test_a_run_ends_once_it_is_saved(run):
    assert run.goes_on() and not run.is_save_due(4)
    run.advance(2)
    assert not run.is_save_due(4)
    ask(run)
    assert run.goes_on() and run.is_save_due(4) and not run.is_due(4)  # it came after the look whether to save
    run.advance(2)
    run.save_all({}, "")
    with pytest.raises(KeyboardInterrupt):
        run.goes_on()


def test_a_run_that_is_over_is_not_interrupted(run):
    run.advance(10)
    ask(run)
    run.save_all({}, "")
    assert not run.goes_on()


def test_the_same_signal_again_ends_at_once_and_another_one_does_not(capfd):
    stop = Stop()
    stop.ask(signal.SIGINT)
    stop.ask(signal.SIGTERM)  # from the process that started this one, which Ctrl-C has reached, too
    assert stop.is_asked and capfd.readouterr().err.count("the same again ends it at once") == 1
    with pytest.raises(KeyboardInterrupt):
        stop.ask(signal.SIGTERM)


def test_signals_mean_what_they_meant_before_after_the_block():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs these tests may ignore it
    try:
        with stop_on_signals() as stop:
            signal.raise_signal(signal.SIGINT)
            assert stop.is_asked
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
