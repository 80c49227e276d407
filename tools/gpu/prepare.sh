#!/usr/bin/env bash
# Gathers the wheels that an offline GPU machine lacks (CPython 3.12, x86-64, JAX and numba already there) for tools/gpu/run.sh.
#
#   tools/gpu/prepare.sh [FOLDER]            default: .gpu/wheels, which git ignores; packed beside it, 5 MiB that travel in one call
#   tools/gpu/prepare.sh --engine [FOLDER]   default: .gpu/engine; the GPU engine's as well, in pieces beside FOLDER, one a call
#
# What no run needs of the wheels stays behind, and the rest is compressed: tools/gpu/pieces.py.
# PYTHON: the developer's interpreter, whose installed versions are taken over (default .venv/bin/python, else python3).
# KERNELS: a folder of tools/gpu/compile_kernels.py, to travel along with the engine (default .gpu/kernels where it is there).
# PACK_OPTIONS: for tools/gpu/pieces.py, as --with-processor for a rehearsal without a card.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

LIMIT_MIB=${LIMIT_MIB:-60} # of what travels in a call: tree, and wheels or a piece
# Everything that importing, training and evaluating need beyond JAX, flax, optax, numba, NumPy, imageio, pillow and tqdm.
# glfw: MuJoCo imports it wherever MUJOCO_GL is unset. typeguard, docstring-parser: tyro. farama-notifications: Gymnasium.
# Not imageio-ffmpeg (65 MiB; only .mp4 files need it), or PyOpenGL (only pictures).
PACKAGES=(mujoco glfw gymnasium farama-notifications tyro typeguard docstring-parser tensorboardX)
# Besides, for the GPU engine. numba-cuda with its compiler, absl and etils are taken to be there, beside numba and flax.
ENGINE_PACKAGES=(warp-lang mujoco-warp)

folder=.gpu/wheels
engine=
if [ "${1:-}" = --engine ]; then
  engine=1 folder=.gpu/engine
  PACKAGES+=("${ENGINE_PACKAGES[@]}")
  shift
fi
if [ -z "${PYTHON:-}" ]; then
  PYTHON=.venv/bin/python
  [ -x "$PYTHON" ] || PYTHON=python3
fi
folder=${1:-$folder}
if [ -n "$engine" ] && ! "$PYTHON" -c "import importlib.metadata as m; m.version('mujoco-warp'), m.version('warp-lang')" 2>/dev/null; then
  echo "prepare.sh: $PYTHON has no GPU engine, whose versions are to travel: pip install -e '.[gpu]', or name another PYTHON" >&2
  exit 1
fi
mkdir -p "$folder"

# name==version as installed here; a package that is not gets its newest version that runs there.
requirements=$("$PYTHON" - "${PACKAGES[@]}" <<'PY'
import sys
from importlib.metadata import PackageNotFoundError, version

for name in sys.argv[1:]:
    try:
        print(f"{name}=={version(name)}")
    except PackageNotFoundError:
        print(name)
PY
)

wheels=$(find "$folder" -maxdepth 1 -name '*.whl' | wc -l)
if [ "$wheels" -ne "${#PACKAGES[@]}" ] || [ "$(cat "$folder/requirements.txt" 2>/dev/null)" != "$requirements" ]; then
  rm -f "$folder"/*.whl "$folder/requirements.txt" # two versions of one package would stop the whole installation
  platforms=()
  # pip takes only what is named here, letter for letter: all C libraries up to Ubuntu 24.04's, oldest names last.
  for minor in $(seq 39 -1 17); do platforms+=(--platform "manylinux_2_${minor}_x86_64"); done
  platforms+=(--platform manylinux2014_x86_64 --platform manylinux2010_x86_64 --platform manylinux1_x86_64)
  # --no-deps: what these packages need besides is there already, and a second NumPy must not travel.
  # shellcheck disable=SC2086  # one requirement a word
  "$PYTHON" -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: \
    --implementation cp --python-version 3.12 "${platforms[@]}" -d "$folder" $requirements
  echo "$requirements" > "$folder/requirements.txt" # last: says that the folder is whole
fi

weigh() { wc -c < "$1" | awk -v name="$2" '{ printf "%8.2f MiB  %s\n", $1 / 2^20, name }'; }
for wheel in "$folder"/*.whl; do weigh "$wheel" "${wheel##*/}"; done
# Files that git neither tracks nor ignores travel as well. `|| true`: a tracked file may be deleted.
tree_bytes=$( (git ls-files -z --cached --others --exclude-standard | xargs -0 cat 2>/dev/null || true) | wc -c)

room=$(awk -v tree="$tree_bytes" -v limit="$LIMIT_MIB" 'BEGIN { printf "%.2f", limit - tree / 2^20 }')
options=(--limit-mib "$room")
if [ -n "$engine" ]; then
  pieces=$(dirname "$folder")/pieces
  kernels=${KERNELS:-.gpu/kernels}
  if [ -d "$kernels" ]; then options+=(--kernels "$kernels"); else echo "no $kernels: the machine will compile the kernels, minutes"; fi
else
  pieces=$(dirname "$folder")/packed
fi
# shellcheck disable=SC2086  # an option a word
"$PYTHON" tools/gpu/pieces.py pack "$folder" "$pieces" "${options[@]}" ${PACK_OPTIONS:-}
last=$(find "$pieces" -name manifest.json | wc -l)
for number in $(seq "$last"); do
  weigh "$pieces/$number/site.tar.xz.part" "call $number: carries $pieces/$number, runs" | tr '\n' ' '
  if [ "$number" -lt "$last" ]; then echo "tools/gpu/run.sh --look"; else echo "tools/gpu/run.sh JOB MINUTES"; fi
done
awk -v tree="$tree_bytes" -v limit="$LIMIT_MIB" 'BEGIN { printf "%8.2f MiB  tree, in every call; at most %d with what it carries\n", tree / 2^20, limit }'
