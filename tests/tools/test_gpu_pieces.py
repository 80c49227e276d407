"""What MuJoCo Warp needs, in pieces that travel one call at a time: nothing is lost, and what is missing is named."""

import importlib.util
import json
import random
import zipfile
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "gpu" / "pieces.py"
spec = importlib.util.spec_from_file_location("pieces", TOOL)
pieces = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pieces)

LIMIT_MIB = 0.01
FILES = {
    "warp/__init__.py": b"version = 1\n",
    "warp/bin/warp.so": random.Random(0).randbytes(30_000),
    "warp/bin/warp-clang.so": b"\x7fELF",
    "warp/tests/test_array.py": b"",
    "warp/types_test.py": b"",
    "warp-1.0.data/purelib/warp_extra.py": b"extra = True\n",
    "warp-1.0.data/scripts/warp-view": b"",
    "warp-1.0.dist-info/METADATA": b"Name: warp\nVersion: 1.0\n",
}
CARRIED = {"warp/__init__.py", "warp/bin/warp.so", "warp_extra.py", "warp-1.0.dist-info/METADATA"}


@pytest.fixture
def wheels(tmp_path):
    """A folder with one wheel, and one with a kernel."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "warp-1.0-py3-none-any.whl", "w") as archive:
        for name, data in FILES.items():
            archive.writestr(name, data)
    kernel = tmp_path / "kernels" / "1.0" / "wp_step" / "wp_step.sm90.cubin"
    kernel.parent.mkdir(parents=True)
    kernel.write_bytes(b"\x7fELF")
    kernel.with_suffix(".cu").write_text("source")
    return folder


@pytest.fixture
def packed(wheels, tmp_path):
    """The pieces."""
    number = pieces.pack(wheels, tmp_path / "pieces", limit_mib=LIMIT_MIB, kernels=tmp_path / "kernels", preset=1)
    assert number >= 3
    return tmp_path / "pieces"


def files(site):
    return {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()} - {pieces.MANIFEST}


def test_what_is_needed_arrives_and_nothing_else(packed, tmp_path):
    sizes = [path.stat().st_size for path in packed.glob("*/*.part*")]
    assert max(sizes) <= LIMIT_MIB * 2**20
    site = tmp_path / "site"
    assert pieces.unpack(packed, site)
    assert files(site) == CARRIED | {"kernels/1.0/wp_step/wp_step.sm90.cubin"}
    assert (site / "warp/bin/warp.so").read_bytes() == FILES["warp/bin/warp.so"]
    assert (site / "warp_extra.py").read_bytes() == b"extra = True\n"


def test_a_second_call_unpacks_nothing_and_another_packing_all(packed, wheels, tmp_path):
    site = tmp_path / "site"
    pieces.unpack(packed, site)
    assert not pieces.unpack(packed, site)
    assert pieces.pack(wheels, packed, limit_mib=1, with_processor=True, preset=1) == 1
    assert pieces.unpack(packed, site)
    assert files(site) == CARRIED | {"warp/bin/warp-clang.so"}


def test_what_processors_need_travels_for_a_rehearsal_alone(wheels, tmp_path):
    for with_processor in (False, True):
        pieces.pack(wheels, tmp_path / "pieces", limit_mib=1, with_processor=with_processor, preset=1)
        pieces.unpack(tmp_path / "pieces", tmp_path / f"site-{with_processor}")
        assert (tmp_path / f"site-{with_processor}" / "warp/bin/warp-clang.so").is_file() == with_processor


def test_the_same_wheels_make_the_same_pieces(packed, wheels, tmp_path):
    pieces.pack(wheels, tmp_path / "again", limit_mib=LIMIT_MIB, kernels=tmp_path / "kernels", preset=1)
    for path in packed.rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(packed)).read_bytes()


def test_a_piece_that_did_not_travel_is_named(packed, tmp_path):
    for path in (packed / "2").iterdir():
        path.unlink()
    with pytest.raises(SystemExit, match="number 2 did not travel yet"):
        pieces.unpack(packed, tmp_path / "site")
    with pytest.raises(SystemExit, match="no pieces in"):
        pieces.unpack(tmp_path / "nothing", tmp_path / "site")


def test_pieces_of_two_packings_and_damaged_ones_are_refused(packed, tmp_path):
    part = packed / "1" / pieces.PART
    part.write_bytes(part.read_bytes()[:-1] + b"\0")
    with pytest.raises(SystemExit, match="damaged"):
        pieces.unpack(packed, tmp_path / "site")
    manifest = packed / "1" / pieces.MANIFEST
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"sha256": "another"}))
    with pytest.raises(SystemExit, match="different packings"):
        pieces.unpack(packed, tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_nothing_to_pack_and_too_small_pieces_are_refused(wheels, tmp_path):
    with pytest.raises(SystemExit, match=r"run tools/gpu/prepare\.sh"):
        pieces.pack(tmp_path / "nothing", tmp_path / "pieces", limit_mib=1)
    with pytest.raises(SystemExit, match="too little"):
        pieces.pack(wheels, tmp_path / "pieces", limit_mib=0)
