#!/usr/bin/env bash
# Runs a job on a machine with a GPU and no internet: unpacks what tools/gpu/prepare.sh packed and starts Python among them.
#
#   tools/gpu/run.sh JOB [MINUTES [OPTIONS...]]   python3 -m MODULE run JOB, results into $OUT (default runs/gpu); --before FOLDER goes on,
#                                                 --total-env-steps N makes rates fall over what the minutes hold
#   tools/gpu/run.sh --python ARGS...             python3 ARGS... in the same environment
#   tools/gpu/run.sh --look                       what the machine has, while the pieces are travelling
#
# To be carried there besides the tree: .gpu/packed, or for the GPU engine .gpu/pieces/1, then .gpu/pieces/2, … in a call each: what an
# earlier call brought stays. Not .gpu as a whole: that would replace the caches which an earlier call left. Where both are, the engine's; PIECES=/none
# takes the packed ones, so that a job can train while the engine's pieces are still travelling.
# PYTHON: the machine's interpreter (default python3). PACKED, PIECES, SITE: where these lie, and where they are unpacked.
set -euo pipefail

MODULE=metaworld_baselines.jobs
GPU_XLA_FLAGS="" # appended to XLA_FLAGS

if [ $# -eq 0 ]; then
  sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
python=${PYTHON:-python3}
site=${SITE:-${TMPDIR:-/tmp}/metaworld-gpu-site}
packed=${PACKED:-$root/.gpu/packed}
pieces=${PIECES:-$root/.gpu/pieces}
cache=$root/.gpu/cache

if [ "$1" = --look ]; then
  nvidia-smi -L || true
  (cd "$pieces" 2>/dev/null && du -sm ./*) || echo "no pieces in $pieces yet"
  exec "$python" - numpy jax jaxlib flax optax numba numba-cuda absl-py etils <<'PY'
import sys
from importlib.metadata import PackageNotFoundError, version

print(sys.version)
for name in sys.argv[1:]:
    try:
        print(name, version(name))
    except PackageNotFoundError:
        print(name, "is missing")
PY
fi

if [ -d "$pieces" ]; then # all that the wheels hold, and the GPU engine
  site=$site-engine
  "$python" tools/gpu/pieces.py unpack "$pieces" "$site"
  mkdir -p "${WARP_CACHE_PATH:=$cache/warp}"
  if [ -d "$site/kernels" ]; then cp -r "$site/kernels/." "$WARP_CACHE_PATH"; fi
  export XLA_PYTHON_CLIENT_PREALLOCATE=false # or JAX takes three quarters of the card, which the worlds live on, too
else
  "$python" tools/gpu/pieces.py unpack "$packed" "$site"
fi

export PYTHONPATH=$site:$root:$root/baselines
export PYTHONUNBUFFERED=1 # a command stopped at its limit has then said all it had to say
unset MUJOCO_GL           # nothing is drawn; a left-over egl would want PyOpenGL
# Only where there is something to say: XLA takes a text without leading "--" for a file's name, and a blank one ends the process.
if [ -n "$GPU_XLA_FLAGS" ]; then export XLA_FLAGS="${XLA_FLAGS:+$XLA_FLAGS }$GPU_XLA_FLAGS"; fi

# Beside the checkout's files and ignored by git: a second call on the same machine compiles nothing.
export JAX_COMPILATION_CACHE_DIR=$cache/jax
export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0 JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES=-1 # small programs as well
export METAWORLD_PY_CACHE=$cache/rewards # sources of the compiled rewards, named by all that goes into them
export NUMBA_CACHE_DIR=$cache/numba
export WARP_CACHE_PATH=${WARP_CACHE_PATH:-$cache/warp}
mkdir -p "$JAX_COMPILATION_CACHE_DIR" "$METAWORLD_PY_CACHE" "$NUMBA_CACHE_DIR"

if [ "$1" = --python ]; then
  shift
  exec "$python" "$@"
fi

# A process for each task's rewards: 3 s on sixteen cores, where each collector for itself would take 20 to 40.
case $1 in
  *mt50*) tasks=(MT50) ;;
  *ml45*) tasks=(ML45-train ML45-test) ;;
  *ml10*) tasks=(ML10-train ML10-test) ;;
  *) tasks=(MT10) ;;
esac
"$python" tools/gpu/warm.py "${tasks[@]}"
minutes=$(awk -v minutes="${2:-9}" -v seconds="$SECONDS" 'BEGIN { print minutes - seconds / 60 }') # what unpacking and compiling have left
exec "$python" -m "$MODULE" run "$1" --minutes "$minutes" --out "${OUT:-runs/gpu}" "${@:3}"
