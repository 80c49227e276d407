"""TensorBoard's file: it has the tables' numbers, and training does without it where it cannot be written."""

import struct
from pathlib import Path

import pytest

pytest.importorskip("jax", reason="needs the extra `baselines`")

from tensorboardX.proto.event_pb2 import Event, SessionLog

from metaworld_baselines.runs.run import Run

FRAME = struct.Struct("<QI")  # before each event: its length, and a checksum of that
CHECKSUM_BYTES = 4  # behind it


def events(folder):
    """All events of a run's only file."""
    (path,) = (folder / "tensorboard").iterdir()
    content, found = path.read_bytes(), []
    while content:
        length, _ = FRAME.unpack_from(content)
        found.append(Event.FromString(content[FRAME.size : FRAME.size + length]))
        content = content[FRAME.size + length + CHECKSUM_BYTES :]
    return found


def test_numbers_are_there_as_soon_as_they_are_logged(tmp_path):
    run = Run(tmp_path, "sac", {}, 10)
    run.advance(3)
    run.log("progress", {"loss": 0.5, "success": float("nan")})
    _, start, *numbers = events(tmp_path)
    assert (start.session_log.status, start.step) == (SessionLog.START, 0), "void is what an earlier file has of later steps"
    found = [(event.step, value.tag, value.simple_value) for event in numbers for value in event.summary.value]
    assert found == [(3, "progress/loss", 0.5)]
    run.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
def test_a_run_goes_on_without_a_board_that_cannot_be_written(tmp_path, monkeypatch):
    run, said = Run(tmp_path, "sac", {}, 10), []
    monkeypatch.setattr(run, "say", said.append)
    monkeypatch.setattr(run._board, "_path", Path("/dev/full"))
    for step in range(30):  # `SummaryWriter` takes ten before it waits
        run.log("progress", {"loss": float(step)})
    run.close()
    assert len(said) == 1 and "No space left" in said[0] and "goes on without it" in said[0]
    assert len((tmp_path / "progress.csv").read_text().splitlines()) == 1 + 30
