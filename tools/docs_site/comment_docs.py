"""For the reference: the comment beside a field is its documentation, as the code has it everywhere."""

from __future__ import annotations

import re
from typing import Any

import griffe

_NO_DOCUMENTATION = re.compile(r"(noqa|type: ignore|pragma)")


_SHARED = re.compile(r"^(\s+)(\w+(?:, \w+)+): ", re.MULTILINE)


class CommentDocs(griffe.Extension):
    """Fields without a docstring take the comment at the end of their line; a line for several names (`a, b: text`) stays one line."""

    def on_class_instance(self, *, cls: griffe.Class, **_: Any) -> None:
        if cls.docstring is not None:  # griffe would take "b" for the type of "a"
            cls.docstring.value = _SHARED.sub(lambda found: found[0].replace(", ", ",\N{NO-BREAK SPACE}"), cls.docstring.value)

    def on_attribute_instance(self, *, attr: griffe.Attribute, **_: Any) -> None:
        if attr.has_docstring or not attr.lines or attr.name.startswith("_"):
            return
        comment = attr.lines[-1].partition("  # ")[2]
        if comment and not _NO_DOCUMENTATION.match(comment):
            attr.docstring = griffe.Docstring(comment[0].upper() + comment[1:] + ".", parent=attr)
