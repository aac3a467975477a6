"""Pages of lists, as GraphQL's clients walk through them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def connection(nodes: Iterable[Any], first: int | None = None, after: str | None = None) -> dict[str, Any]:
    """`first` of the nodes, from the one after the cursor `after` on. A cursor is a node's place in the list."""
    every = list(nodes)
    start = 0 if after is None else int(after) + 1
    page = list(enumerate(every))[start:][:first]
    return {
        "totalCount": len(every),
        "pageInfo": {
            "hasNextPage": start + len(page) < len(every),
            "endCursor": str(page[-1][0]) if page else None,
        },
        "edges": [{"node": node, "cursor": str(place)} for place, node in page],
    }
