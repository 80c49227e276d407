"""Packs wheels into pieces that travel one at a time, and unpacks them: `pieces.py pack WHEELS PIECES`, `pieces.py unpack PIECES SITE`.

MuJoCo alone is a wheel of 25 MiB, of which 5 are needed; with MuJoCo Warp it is too much for one call to a machine without internet. What
no run needs stays behind, the rest is one compressed archive, cut at the limit; every piece has a folder of its own, PIECES/1, PIECES/2 …,
to be carried alone. Standard library only.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import lzma
import shutil
import tarfile
import time
import zipfile
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

PART, MANIFEST = "site.tar.xz.part", "manifest.json"
KERNELS = "kernels"  # folder of the site that becomes Warp's cache
FOR_PROCESSORS = "warp/bin/warp-clang.so"  # 66 MiB that compile kernels for a processor, see --with-processor
NOT_CARRIED = (
    *("*.pyi", "*_test.py", "warp/tests/*", "warp/examples/*", "mujoco_warp/test_data/*", "mujoco_warp/_src/*/test_data/*"),
    *("mujoco/plugin/*", "mujoco/include/*", "mujoco/experimental/*", "mujoco/sysid/*", "mujoco/_simulate*", "mujoco/_render_filament*"),
    *("mujoco/mjx/*", "*.dist-info/RECORD", "*.data/scripts/*"),
)


class Cut(io.RawIOBase):
    """A file that goes on in the next piece where one is full."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit, self.number, self.digest = folder, limit, 0, hashlib.sha256()
        self._file = None

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        view = memoryview(data)
        self.digest.update(view)
        while view:
            room = 0 if self._file is None else self.limit - self._file.tell()
            if not room:
                self._next()
                room = self.limit
            self._file.write(view[:room])
            view = view[room:]
        return len(data)

    def _next(self) -> None:
        self.end()
        self.number += 1
        place = self.folder / str(self.number)
        place.mkdir(parents=True)
        self._file = (place / PART).open("wb")

    def end(self) -> None:
        if self._file is not None:
            self._file.close()


class Joined(io.RawIOBase):
    """Files read as one."""

    def __init__(self, paths) -> None:
        self._files = iter(paths)
        self._file = next(self._files).open("rb")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        while not (count := self._file.readinto(buffer)):
            self._file.close()
            after = next(self._files, None)
            if after is None:
                return 0
            self._file = after.open("rb")
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def is_carried(name: str, with_processor: bool) -> bool:
    return (with_processor or name != FOR_PROCESSORS) and not name.endswith("/") and not any(fnmatch(name, one) for one in NOT_CARRIED)


def contents(wheels: Path, kernels: Path | None, with_processor: bool):
    """Name in the site, bytes and mode of all that travels, in an order that does not change."""
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
                if not is_carried(entry.filename, with_processor):
                    continue
                parts = PurePosixPath(entry.filename).parts
                inside = parts[2:] if parts[0].endswith(".data") else parts  # NAME.data/purelib/… lies in the site itself
                yield "/".join(inside), archive.read(entry), entry.external_attr >> 16 & 0o777
    for path in sorted(kernels.rglob("*")) if kernels is not None else ():
        if path.suffix in {".cubin", ".meta"}:
            yield f"{KERNELS}/{path.relative_to(kernels).as_posix()}", path.read_bytes(), 0o644


def pack(
    wheels: Path, pieces: Path, *, limit_mib: float, kernels: Path | None = None, with_processor: bool = False, preset: int = 9
) -> int:
    """Writes the pieces; returns how many there are."""
    if not any(wheels.glob("*.whl")):
        raise SystemExit(f"pieces.py: no wheels in {wheels}: run tools/gpu/prepare.sh")
    limit = int(limit_mib * 2**20)
    if limit < 2**10:
        raise SystemExit(f"pieces.py: a piece may have {limit_mib} MiB: too little to carry anything")
    shutil.rmtree(pieces, ignore_errors=True)
    cut = Cut(pieces, limit)
    with lzma.open(cut, "wb", preset=preset) as packed, tarfile.open(fileobj=packed, mode="w|", format=tarfile.GNU_FORMAT) as archive:
        for name, data, mode in contents(wheels, kernels, with_processor):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode or 0o644
            archive.addfile(entry, io.BytesIO(data))
    cut.end()
    for number in range(1, cut.number + 1):
        manifest = {"piece": number, "pieces": cut.number, "sha256": cut.digest.hexdigest()}
        (pieces / str(number) / MANIFEST).write_text(json.dumps(manifest))
    return cut.number


def whole(pieces: Path) -> tuple[list[Path], str]:
    """The parts in order, and what tells this packing from others.

    Raises SystemExit where a piece is missing or belongs to another packing.
    """
    manifests = [json.loads(path.read_text()) for path in sorted(pieces.glob(f"*/{MANIFEST}"))]
    if not manifests:
        raise SystemExit(
            f"pieces.py: no pieces in {pieces}: make them with tools/gpu/prepare.sh [--engine], and carry them one call at a time"
        )
    if len({manifest["sha256"] for manifest in manifests}) > 1:
        raise SystemExit(f"pieces.py: the pieces in {pieces} belong to different packings: carry all of the newest")
    number = manifests[0]["pieces"]
    missing = sorted(set(range(1, number + 1)) - {manifest["piece"] for manifest in manifests})
    if missing:
        raise SystemExit(f"pieces.py: of {number} pieces, number {', '.join(map(str, missing))} did not travel yet")
    return [pieces / str(one) / PART for one in range(1, number + 1)], manifests[0]["sha256"]


def unpack(pieces: Path, site: Path) -> bool:
    """Fills the site; False where it holds this very packing already."""
    parts, digest = whole(pieces)
    mark = site / MANIFEST  # written last
    if mark.is_file() and mark.read_text() == digest:
        return False
    if mark.is_file():
        shutil.rmtree(site)  # of another packing: ours to remove
    found = hashlib.sha256()
    for part in parts:
        found.update(part.read_bytes())
    if found.hexdigest() != digest:
        raise SystemExit(f"pieces.py: the pieces in {pieces} are damaged: carry them again")
    site.mkdir(parents=True, exist_ok=True)
    with io.BufferedReader(Joined(parts), 2**20) as packed, tarfile.open(fileobj=packed, mode="r|xz") as archive:
        archive.extractall(site, filter="data")
    mark.write_text(digest)
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack")
    packing.add_argument("wheels", type=Path)
    packing.add_argument("pieces", type=Path)
    packing.add_argument("--limit-mib", type=float, default=36.0, help="of a piece")
    packing.add_argument("--kernels", type=Path, help="a folder of tools/gpu/compile_kernels.py, to travel along")
    packing.add_argument("--with-processor", action="store_true", help="what device='cpu' needs, too: for a rehearsal")
    packing.add_argument("--preset", type=int, default=9, help="of xz: 1 is quick, 9 small")
    unpacking = commands.add_parser("unpack")
    unpacking.add_argument("pieces", type=Path)
    unpacking.add_argument("site", type=Path)
    options = vars(parser.parse_args())
    begun = time.perf_counter()
    if options.pop("command") == "pack":
        print(f"{pack(**options)} pieces, {time.perf_counter() - begun:.0f} s")
    elif unpack(**options):
        print(f"unpacked in {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
