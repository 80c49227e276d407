"""The package's rooms and what they import of one another: `python tests/import_graph.py [FOLDER …]` prints the figures of each package.

A room is a folder of the package, or a module at its root. An arrow is an import of one room by another, wherever in a file it stands.
"""

import ast
import sys
from itertools import permutations
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# From the ground to the roof: a room imports only rooms that stand before it.
FLOORS = {
    "metaworld_py": [
        "_version",
        "files",
        "folder_lock",
        "sim",
        "tasks",
        "instances",
        "engine",
        "rendering",
        "policies",
        "envs",
        "gpu",
        "benchmarks",
        "wrappers",
        "registration",
        "published",
        "__init__",
        "agents",
        "evaluation",
        "dm_env",
        "media",
        "report",
        "demonstrations",
        "checks",
        "cli",
    ],
    "metaworld_baselines": """__init__ places arrays networks gradients experience runs algorithms train supervised publishing jobs
    sweep""".split(),  # noqa: SIM905
}


def room_of(package: Path, module: str) -> str | None:
    """The room of a dotted name of this package; None for other packages."""
    parts = module.split(".")
    if parts[0] != package.name:
        return None
    return parts[1] if len(parts) > 1 and ((package / parts[1]).is_dir() or (package / f"{parts[1]}.py").is_file()) else "__init__"


def imported(package: Path, tree: ast.Module) -> set[str]:
    """Dotted names that a file imports, names of modules that it takes from a package resolved."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] == package.name}


def import_graph(package: Path) -> dict[str, set[str]]:
    """For each room the rooms that it imports."""
    rooms: dict[str, set[str]] = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        rooms.setdefault(parts[0], set())
        for name in imported(package, ast.parse(path.read_text(encoding="utf-8"))):
            room = room_of(package, name)
            if room is not None and room != parts[0]:
                rooms[parts[0]].add(room)
    return rooms


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Rooms that reach one another, as groups."""

    def reached(start: str) -> set[str]:
        found, left = set(), [start]
        while left:
            for room in graph[left.pop()]:
                if room not in found:
                    found.add(room)
                    left.append(room)
        return found

    reach = {room: reached(room) for room in graph}
    groups = {tuple(sorted(other for other in reach[room] if room in reach[other])) for room in graph if room in reach[room]}
    return [list(group) for group in sorted(groups)]


def floors(graph: dict[str, set[str]]) -> int:
    """How many rooms stand above one another, circles taken as one."""
    member = {room: tuple(group) for group in circles(graph) for room in group}

    def height(rooms: tuple[str, ...]) -> int:
        below = {member.get(other, (other,)) for room in rooms for other in graph[room]} - {rooms}
        return 1 + max(map(height, below), default=0)

    return max(height(member.get(room, (room,))) for room in graph)


def arrows_up(graph: dict[str, set[str]], order: list[str]) -> list[tuple[str, str]]:
    """Imports of rooms that stand above, in this order from the ground."""
    return [(room, other) for room in graph for other in graph[room] if order.index(other) > order.index(room)]


def fewest_arrows_up(graph: dict[str, set[str]]) -> int:
    """How many imports run up in the best order that there is."""
    among = [({room: graph[room] & set(group) for room in group}, group) for group in circles(graph)]
    return sum(min(len(arrows_up(inside, list(order))) for order in permutations(group)) for inside, group in among)


def described(package: Path) -> str:
    """The figures in a line."""
    graph = import_graph(package)
    found = circles(graph)
    shown = f": {'; '.join(', '.join(group) for group in found)}" if found else ""
    figures = f"{len(graph)} rooms, {floors(graph)} floors, {sum(map(len, graph.values()))} arrows, {fewest_arrows_up(graph)} arrows up"
    return f"{package.name}: {figures}, {len(found)} circles{shown}"


if __name__ == "__main__":
    for folder in sys.argv[1:] or [ROOT / "metaworld_py", ROOT / "baselines" / "metaworld_baselines"]:
        print(described(Path(folder).resolve()))
