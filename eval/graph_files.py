"""The folder with the pictures of a comparison's searches: each as text for Graphviz, and as SVG."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

from eval.graph_drawing import to_dot, to_svg
from eval.plan import Turn
from eval.search_graph import SearchGraph
from models.store.atomic import NotWritten

GRAPHS = "graphs"
"""The folder's name."""
DOT, SVG = ".dot", ".svg"


def graph_name(benchmark: str, turn: Turn) -> str:
    """What the files of a search are called: its names without what a file system may not like."""
    name = f"{benchmark}-{turn.method}-seed{turn.seed}"
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", name)
    return plain if plain == name else f"{plain}-{zlib.crc32(name.encode()):08x}"


def write_graph(folder: Path, benchmark: str, turn: Turn, graph: SearchGraph) -> None:
    """Write both files. Raises NotWritten."""
    title = f"{turn.method} on {benchmark}, seed {turn.seed}"
    name = graph_name(benchmark, turn)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / (name + DOT)).write_text(to_dot(graph, title), encoding="utf-8")
        (folder / (name + SVG)).write_text(to_svg(graph, title), encoding="utf-8")
    except OSError as error:
        raise NotWritten(
            f"the graph {folder / name} can't be written: {error.strerror}. What was measured is in the journal; make "
            "room, and start again to go on"
        ) from None


def read_graphs(folder: Path) -> dict[str, str]:
    """The SVG element of each search that was recorded, by `graph_name`; empty where none was."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob(f"*{SVG}"))}
