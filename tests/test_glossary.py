"""The field's words in public names, and docstrings that can be read without the name above them."""

import ast
import re

import pytest
from test_rooms import PACKAGES

# Our own words for what the field has a word for, and that word.
OWN_WORDS = {
    "stretch": "rollout",
    "figures": "metrics",
    "crew": "thread pool",
    "studio": "renderer",
    "speed": "throughput",
    "judge": "estimate_advantages",
    "turn": "iteration",
    "told": "privileged",
    "parts": "networks",
    "helper": "what it does",
    "util": "what it does",
    "utils": "what it does",
    "tmp": "what it is",
}
# Words that mean something else where they stand.
MEANT = {
    "metaworld_py": {"turn"},  # what hands and dials do
}
CHECKED = list(PACKAGES)
WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
DANGLING = re.compile(r"^(It|Of|And|Or|The same (?:for|as|with)|Likewise|Its|Their)\b")


def public_definitions(package):
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                yield path, node


@pytest.mark.parametrize("package", CHECKED)
def test_public_names_are_the_field_s_words(package):
    found = []
    for path, node in public_definitions(PACKAGES[package]):
        for word in (word.lower() for word in WORD.findall(node.name)):
            if word in OWN_WORDS and word not in MEANT.get(package, ()):
                found.append(f"{path.name}: {node.name} – the field says {OWN_WORDS[word]}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("package", CHECKED)
def test_modules_are_called_what_they_hold(package):
    for path in PACKAGES[package].rglob("*.py"):
        assert not set(path.stem.split("_")) & set(OWN_WORDS) - MEANT.get(package, set()), path


@pytest.mark.parametrize("package", CHECKED)
def test_first_lines_of_docstrings_stand_alone(package):
    found = []
    for path, node in public_definitions(PACKAGES[package]):
        first = (ast.get_docstring(node) or "").split("\n")[0]
        if DANGLING.match(first):
            found.append(f"{path.name}: {node.name} – {first}")
    assert not found, "\n".join(found)
