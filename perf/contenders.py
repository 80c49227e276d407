"""The packages that compare.py and step.py measure: a process and a virtual environment of its own for each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from metaworld_py.engine.machine import available_cores

WORKER = Path(__file__).with_name("worker.py")
REQUIREMENTS = {"published": ("metaworld==3.1.1", "packaging"), "envpool": ("envpool>=1.2",)}


class Worker:
    """A contender's process, which times itself on request (see worker.py)."""

    def __init__(self, name: str, python: str, threads: int | None = None) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [python, "-W", "ignore", str(WORKER), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if threads is not None:
            limit_cores(self._process.pid, threads)

    def ask(self, job: str, **arguments: Any) -> dict[str, Any]:
        """Have one job done.

        Raises:
          RuntimeError: the contender failed.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"job": job, **arguments}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline() or '{"error": "its process ended"}')
        if "error" in answer:
            raise RuntimeError(f"{self.name}, {job}: {answer['error']}")
        return answer

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def limit_cores(process_id: int, threads: int) -> None:
    """Let a process and what it starts run on so many cores only, whatever number of threads it makes.

    Raises:
      RuntimeError: the system cannot do that.
    """
    if threads >= available_cores():
        return
    if not hasattr(os, "sched_setaffinity"):
        raise RuntimeError("processes can be held to fewer cores on Linux only: leave --threads out")
    os.sched_setaffinity(process_id, sorted(os.sched_getaffinity(0))[:threads])


def interpreter(name: str, venvs: Path) -> str:
    """The interpreter of a contender's virtual environment, which is made where it is missing.

    Raises:
      RuntimeError: it cannot be installed.
    """
    folder = venvs / name
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        print(f"making {folder} with {' '.join(REQUIREMENTS[name])}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "-q", *REQUIREMENTS[name]]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(
                f"{name} cannot be installed here: {done.stderr.strip().splitlines()[-1]}. Delete {folder} before trying again"
            )
    return str(python)
