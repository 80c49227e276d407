"""Make the pictures of README and docs: every task of MT10 shortly before its expert succeeds.

python tools/make_pictures.py          # writes docs/images/mt10.jpg
"""

from __future__ import annotations

from pathlib import Path

from metaworld_py.agents import ExpertAgent
from metaworld_py.task_sets import MT10
from metaworld_py.video import record_contact_sheet

OUT = Path(__file__).resolve().parent.parent / "docs" / "images"


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    print(record_contact_sheet(MT10, ExpertAgent(), OUT / "mt10.jpg"))


if __name__ == "__main__":
    main()
