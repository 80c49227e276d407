"""What Markdown leaves to chance: where lines may break."""

from __future__ import annotations

import re

_CODE = re.compile(r"(<pre\b.*?</pre>|<code\b.*?</code>)", re.DOTALL)
_APART = re.compile(r"(?<=\d) %")
# Names of up to twenty letters: longer ones would need too much room.
_NAME = re.compile(r"<td(?= style=|>)([^>]*>(?:<a [^>]*>)?(?=[\w-]{,20}<)\w+(?:-\w+)+(?:</a>)?</td>)")


def unbroken(html: str) -> str:
    """Keep numbers and their percent signs on one line, in all that is no code."""
    parts = _CODE.split(html)
    return "".join(part if index % 2 else _APART.sub("\N{NO-BREAK SPACE}%", part) for index, part in enumerate(parts))


def with_whole_names(html: str) -> str:
    """Mark cells of tables that hold one short hyphenated name, such as a task's, for the style sheet to keep it on one line."""
    return _NAME.sub(r'<td class="mw-name"\1', html)
