"""What MkDocs calls while it builds the site: pages from the code, pages of the repository, links between all of them.

- Every task gets a page; `<!-- generated: NAME -->` in a page becomes a part from `tables.py`.
- README files and the like are pages of the site as they stand in the repository.
- A relative link to any other file of the repository leads to a page that shows that file, so that the site needs no network.
"""

from __future__ import annotations

import logging
import posixpath
import re
from pathlib import Path
from typing import Any

from drawing import ROOT, Drawings
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from reference import API_PAGES, api_page
from tables import PARTS
from task_pages import task_page

from metaworld_py.tasks import TASKS

log = logging.getLogger("mkdocs.hooks.metaworld_py")

# Files of the repository that are pages of the site.
REPOSITORY_PAGES = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "perf/README.md": "speed.md",
    "baselines/README.md": "baselines.md",
}
REDIRECTS = {"README.md": "docs/index.md"}  # what the site shows in another form
PICTURES = (".png", ".jpg")
LANGUAGES = {".py": "python", ".xml": "xml", ".toml": "toml", ".sh": "sh", ".json": "json", "": "text"}
_LINK = re.compile(r"(?<=\]\()([^)\s#]+)?(#[^)\s]*)?(?=\))")
_PART = re.compile(r"<!-- generated: (\w+)(?: (\S+))? -->")

_drawings = Drawings()


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the tasks, the reference and the decisions into the navigation."""
    assert config.nav is not None
    for section in config.nav:
        for title, pages in section.items():
            if title == "Tasks":
                pages.extend({name: f"tasks/{name}.md"} for name in sorted(TASKS))
            if title == "Reference":
                pages.extend({page.title: f"api/{name}.md"} for name, page in API_PAGES.items())
            if title == "Project":
                pages.append({"Decisions": [f"decisions/{path.name}" for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what does not stand in `docs/`."""
    if _drawings.why_none:
        log.info("no pictures: %s", _drawings.why_none)
    for path, page in REPOSITORY_PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / path).read_text(encoding="utf-8")))
    for index, name in enumerate(sorted(TASKS)):
        if index % 10 == 0:
            log.info("task pages: %d of %d", index, len(TASKS))
        files.append(File.generated(config, f"tasks/{name}.md", content=task_page(name, _drawings)))
    for name, page in API_PAGES.items():
        files.append(File.generated(config, f"api/{name}.md", content=api_page(page)))
    for file in list(files.documentation_pages()):
        _fill(file)
    for path in sorted(_linked_files(files)):
        if Path(path).suffix in PICTURES:
            files.append(File.generated(config, _page_of(path), abs_src_path=str(ROOT / path)))
        else:
            files.append(File.generated(config, _page_of(path), content=_source_page(path)))
    for path, drawn in _drawings.files.items():
        files.append(File.generated(config, path, abs_src_path=str(drawn)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links to where the site has what they mean."""
    return markdown if page.file.src_uri.startswith("source/") else _LINK.sub(lambda found: _led(found, page.file.src_uri), markdown)


def _fill(file: File) -> None:
    """Replace the parts that a page asks for."""
    text = file.content_string
    filled = _PART.sub(lambda found: PARTS[found[1]](_drawings, *([found[2]] if found[2] else [])), text)
    if filled != text:
        file.content_string = filled


def _repository_path(page: str) -> str:
    """Where the text of a page stands in the repository."""
    return next((path for path, of_page in REPOSITORY_PAGES.items() if of_page == page), f"docs/{page}")


def _target(link: str, page: str) -> str | None:
    """The file of the repository that a link of a page means; None for everything else."""
    if "://" in link or link.startswith(("mailto:", "/")):
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(_repository_path(page)), link))
    path = REDIRECTS.get(path, path)
    return path if (ROOT / path).is_file() else None


def _page_of(path: str) -> str:
    """The page of the site that shows a file of the repository."""
    if path in REPOSITORY_PAGES:
        return REPOSITORY_PAGES[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return f"images/{path}" if Path(path).suffix in PICTURES else f"source/{path}.md"


def _led(found: re.Match[str], page: str) -> str:
    path = _target(found[1], page) if found[1] else None
    if path is None:
        return found[0]
    return posixpath.relpath(_page_of(path), posixpath.dirname(page) or ".") + (found[2] or "")


def _linked_files(files: Files) -> set[str]:
    """Files of the repository that pages link to and that are no pages themselves, and the sources of tasks."""
    linked = set()
    for file in files.documentation_pages():
        for found in _LINK.finditer(file.content_string):
            path = _target(found[1], file.src_uri) if found[1] else None
            if path is not None and not path.startswith("docs/") and path not in REPOSITORY_PAGES:
                linked.add(path)
            elif found[1] and "source/" in found[1]:
                linked.add(found[1].partition("source/")[2].removesuffix(".md"))
    return linked


def _source_page(path: str) -> str:
    file = ROOT / path
    text = file.read_text(encoding="utf-8").rstrip()
    language: Any = LANGUAGES.get(Path(path).suffix, "text")
    fence = "`" * 5
    front = f"---\ntitle: {path}\nsearch:\n  exclude: true\nhide:\n  - toc\n---\n"
    return f'{front}\n# `{path}`\n\n{fence}{language} linenums="1"\n{text}\n{fence}\n'
