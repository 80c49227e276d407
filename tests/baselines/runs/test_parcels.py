"""Parcels: few files that hold a run."""

import zipfile

import pytest

pytest.importorskip("jax", reason="needs the extra `baselines`")

from metaworld_baselines.runs import checkpoints, parcels


def run_folder(folder):
    (folder / "tensorboard").mkdir(parents=True)
    for name in (checkpoints.RESUME, checkpoints.LAST, "progress.csv"):
        (folder / name).write_text(name)
    return folder


def test_a_parcel_is_two_files_and_gives_back_the_run(tmp_path):
    run = run_folder(tmp_path / "run")
    with parcels.Packing([run], tmp_path / "out"):
        pass
    parcel = tmp_path / "out" / "run"
    assert {path.name for path in parcel.iterdir()} == {checkpoints.RESUME, parcels.REST}
    again = tmp_path / "again"
    again.mkdir()
    (again / "progress.csv").write_text("newer")
    parcels.unpack(parcel, again)
    assert {path.name: path.read_text() for path in again.iterdir()} == {
        checkpoints.RESUME: checkpoints.RESUME,
        checkpoints.LAST: checkpoints.LAST,
        "progress.csv": "newer",
    }


def test_packing_follows_what_a_run_saves(tmp_path, monkeypatch):
    monkeypatch.setattr(parcels, "PACK_EVERY_S", 0.01)
    run, parcel = run_folder(tmp_path / "run"), tmp_path / "out" / "run" / parcels.REST
    for name in ("resume.safetensors.part", "curves.part.png"):
        (run / name).write_text("half of it")
    with parcels.Packing([run], tmp_path / "out"):
        for _ in range(1000):
            if parcel.is_file():
                break
            parcels.threading.Event().wait(0.01)
        assert zipfile.ZipFile(parcel).namelist() == [checkpoints.LAST, "progress.csv"]


def test_a_folder_of_a_run_is_a_parcel_too(tmp_path):
    parcels.unpack(run_folder(tmp_path / "run"), tmp_path / "again")
    assert (tmp_path / "again" / checkpoints.RESUME).is_file()


def test_other_files_are_no_parcels(tmp_path):
    (tmp_path / parcels.REST).write_text("something else")
    with pytest.raises(ValueError, match=r"rest\.zip is not what a run has left"):
        parcels.unpack(tmp_path, tmp_path / "again")


def test_of_a_run_that_was_packed_and_laid_out_in_turn_the_newest_files_count(tmp_path):
    """As where several seeds went on in a folder, then one of them, then all again."""
    parcel = tmp_path / "out" / "run"
    parcels.pack(run_folder(tmp_path / "run"), parcel)
    parcels.unpack(parcel, parcel)
    assert {path.name for path in parcel.iterdir()} == {checkpoints.RESUME, checkpoints.LAST, "progress.csv"}
    (tmp_path / "run" / "progress.csv").write_text("newer")
    parcels.pack(tmp_path / "run", parcel)
    assert {path.name for path in parcel.iterdir()} == {checkpoints.RESUME, parcels.REST}
    parcels.unpack(parcel, tmp_path / "again")
    assert (tmp_path / "again" / "progress.csv").read_text() == "newer"
