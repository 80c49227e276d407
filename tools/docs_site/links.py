"""Links between the repository's pages, as the site has them.

A link to a file leads to the page of the site that shows it. A link to a folder becomes its text: the site has no pages of folders.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Files of the repository that are pages of the site.
REPOSITORY_PAGES = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "perf/README.md": "speed.md",
    "baselines/README.md": "baselines.md",
}
REDIRECTS = {"README.md": "docs/index.md"}  # what the site shows in another form
PICTURES = (".png", ".jpg")
_LINK = re.compile(r"(?<=\]\()([^)\s#]+)?(#[^)\s]*)?(?=\))")
_WITH_TEXT = re.compile(r"(?<!!)\[([^\[\]]*)\]\(([^)\s#]+)\)")


def led(markdown: str, page: str) -> str:
    """The text of a page with its links as the site has them.

    Args:
      markdown: the page's text.
      page: where the site has it.
    """
    without_folders = _WITH_TEXT.sub(lambda found: found[1] if _is_folder(found[2], page) else found[0], markdown)
    return _LINK.sub(lambda found: _led(found, page), without_folders)


def linked(markdown: str, page: str) -> Iterator[str]:
    """Paths in the repository of the files that a page links to, and of sources of tasks."""
    for found in _LINK.finditer(markdown):
        path = target(found[1], page) if found[1] else None
        if path is not None and not path.startswith("docs/") and path not in REPOSITORY_PAGES:
            yield path
        elif found[1] and "source/" in found[1]:
            yield found[1].partition("source/")[2].removesuffix(".md")


def target(link: str, page: str) -> str | None:
    """The file of the repository that a link of a page means; None for everything else."""
    path = _meant(link, page)
    path = path and REDIRECTS.get(path, path)
    return path if path and (ROOT / path).is_file() else None


def page_of(path: str) -> str:
    """The page of the site that shows a file of the repository."""
    if path in REPOSITORY_PAGES:
        return REPOSITORY_PAGES[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return f"images/{path}" if Path(path).suffix in PICTURES else f"source/{path}.md"


def _led(found: re.Match[str], page: str) -> str:
    path = target(found[1], page) if found[1] else None
    if path is None:
        return found[0]
    return posixpath.relpath(page_of(path), posixpath.dirname(page) or ".") + (found[2] or "")


def _is_folder(link: str, page: str) -> bool:
    path = _meant(link, page)
    return path is not None and (ROOT / path).is_dir()


def _meant(link: str, page: str) -> str | None:
    """The path in the repository that a link of a page means, whether there is something or not; None for links elsewhere."""
    if "://" in link or link.startswith(("mailto:", "/")):
        return None
    written = next((path for path, of_page in REPOSITORY_PAGES.items() if of_page == page), f"docs/{page}")
    return posixpath.normpath(posixpath.join(posixpath.dirname(written), link))
