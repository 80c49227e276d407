"""State level: recorded states of the published package give its numbers."""

import json

import numpy as np
import pytest
from conftest import ALL_TASKS, RECORDINGS, load_recording

from metaworld_py.checks import fidelity
from metaworld_py.checks.fidelity import INFO_FIELDS, evaluate_recorded, verify_folder, verify_record
from metaworld_py.cli.main import main


@pytest.mark.parametrize("task", ALL_TASKS)
def test_recorded_states_give_the_published_numbers(task):
    result = verify_record(task, load_recording(task))
    assert not result.above_tolerance(), f"{task}: {result.errors}"


def test_recorded_grasps_are_seen_by_the_contact_sensors():
    record = load_recording("pick-place")
    grasped = np.concatenate([evaluate_recorded("pick-place", record, episode)["grasp_success"] for episode in range(3)])
    recorded = record["info_v2"][:, :, INFO_FIELDS.index("grasp_success")].ravel()
    assert recorded.any(), "the recording must hold grasps, else this test shows nothing"
    assert (grasped == recorded).mean() > 0.99


def test_evaluate_recorded_returns_every_published_field():
    result = evaluate_recorded("door-open", load_recording("door-open"), 0)
    assert set(result) >= {"obs", "reward_v2", "reward_v1", *INFO_FIELDS}
    assert result["obs"].shape == (40, 39)


@pytest.mark.parametrize("field", ["obs", "reward_v2", "reward_v1", "info_v2"])
def test_a_wrong_number_is_noticed(field):
    record = load_recording("door-open")
    record[field] = record[field] + 1e-4
    assert verify_record("door-open", record).above_tolerance()


def test_what_is_no_number_is_noticed_in_any_episode(monkeypatch):
    def with_nan(task, record, episode):
        ours = evaluate_recorded(task, record, episode)
        ours["reward_v2"] = np.full_like(ours["reward_v2"], np.nan) if episode == 1 else ours["reward_v2"]
        return ours

    monkeypatch.setattr(fidelity, "evaluate_recorded", with_nan)
    assert verify_record("reach", load_recording("reach")).above_tolerance() == ["reward_v2"]


def test_verify_command_reports_and_sets_its_exit_status(tmp_path, capsys):
    assert main(["verify", str(RECORDINGS), "--tasks", "reach", "--json", str(tmp_path / "out.json")]) == 0
    assert json.loads((tmp_path / "out.json").read_text())["is_within_tolerance"] is True
    record = load_recording("reach")
    record["reward_v2"] = record["reward_v2"] * 1.001
    np.savez(tmp_path / "reach.npz", **record)
    assert main(["verify", str(tmp_path), "--tasks", "reach"]) == 1
    assert "reward_v2" in capsys.readouterr().out


def test_unfit_recordings_say_what_is_wrong(tmp_path):
    record = load_recording("reach")
    with pytest.raises(ValueError, match="lacks the keys"):
        evaluate_recorded("reach", {key: record[key] for key in ("qpos", "qvel")}, 0)
    with pytest.raises(ValueError, match="episode must lie in"):
        evaluate_recorded("reach", record, 3)
    with pytest.raises(ValueError, match="qpos of a recording of 'door-open' must have shape"):
        evaluate_recorded("door-open", record, 0)
    with pytest.raises(ValueError, match="no recordings"):
        verify_folder(tmp_path)
