"""Prints the requirements of the package with the lowest versions that they allow, one per line, for `pip install --requirement`.

A version that the registry no longer has as a wheel for this interpreter is left to the resolver, and named on stderr.

    python .ci/lowest.py [EXTRA …]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from pip._vendor import tomli
from pip._vendor.packaging.requirements import Requirement

project = tomli.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
extras = dict.fromkeys(sys.argv[1:])
wanted = dict.fromkeys(project["dependencies"])
while extras:
    for line in project["optional-dependencies"][extras.popitem()[0]]:
        if Requirement(line).name == project["name"]:  # an extra that brings others along
            extras |= dict.fromkeys(Requirement(line).extras)
        else:
            wanted[line] = None
for line in wanted:
    requirement = Requirement(line)
    lowest = next((one.version for one in requirement.specifier if one.operator == ">="), None)
    if lowest is not None:
        name = requirement.name + (f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else "")
        pinned = f"{name}=={lowest}"
        with tempfile.TemporaryDirectory() as folder:
            ask = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "-d", folder]
            if subprocess.run([*ask, f"{requirement.name}=={lowest}"], capture_output=True, check=False).returncode == 0:
                print(pinned)
                continue
        print(f"no wheel of {requirement.name} {lowest} for this interpreter", file=sys.stderr)
    print(line)
