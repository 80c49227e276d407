"""What MkDocs calls while it builds the site: pages from the code, pages of the repository, links between all of them.

- Every task gets a page; `<!-- generated: NAME -->` in a page becomes a part from `tables.py`.
- README files and the like are pages of the site as they stand in the repository.
- A relative link to any other file of the repository leads to a page that shows that file, so that the site needs no network.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

from drawing import ROOT, Drawings
from links import PICTURES, REPOSITORY_PAGES, led, linked, page_of
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from reference import API_PAGES, api_page
from tables import PARTS
from task_pages import task_page
from typography import unbroken, with_whole_names

from metaworld_py.tasks import TASKS

log = logging.getLogger("mkdocs.hooks.metaworld_py")

LANGUAGES = {".py": "python", ".xml": "xml", ".toml": "toml", ".sh": "sh", ".json": "json", "": "text"}
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
            files.append(File.generated(config, page_of(path), abs_src_path=str(ROOT / path)))
        else:
            files.append(File.generated(config, page_of(path), content=_source_page(path)))
    for path, drawn in _drawings.files.items():
        files.append(File.generated(config, path, abs_src_path=str(drawn)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links to where the site has what they mean."""
    return markdown if page.file.src_uri.startswith("source/") else led(markdown, page.file.src_uri)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Break no line between a number and its percent sign, nor inside a name in a table."""
    return unbroken(with_whole_names(html))


def _fill(file: File) -> None:
    """Replace the parts that a page asks for."""
    text = file.content_string
    filled = _PART.sub(lambda found: PARTS[found[1]](_drawings, *([found[2]] if found[2] else [])), text)
    if filled != text:
        file.content_string = filled


def _linked_files(files: Files) -> set[str]:
    """Files of the repository that pages link to and that are no pages themselves, and the sources of tasks."""
    return {path for file in files.documentation_pages() for path in linked(file.content_string, file.src_uri)}


def _source_page(path: str) -> str:
    file = ROOT / path
    text = file.read_text(encoding="utf-8").rstrip()
    language: Any = LANGUAGES.get(Path(path).suffix, "text")
    fence = "`" * 5
    front = f"---\ntitle: {path}\nsearch:\n  exclude: true\nhide:\n  - toc\n---\n"
    return f'{front}\n# `{path}`\n\n{fence}{language} linenums="1"\n{text}\n{fence}\n'
