"""Which names depend on themselves, and in which wishes: Terraform refuses to plan those.

Each dependency stands under the wishes whose repository has it. Where all of them together, whether
they ever meet or not, lead nowhere back, none can; only among the others is it followed in which
wishes a way back is whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

import networkx

from cdp_scaffold.bdd import FALSE
from cdp_scaffold.composition.facts import Name
from cdp_scaffold.feature_model import FeatureModel

Edges = Mapping[tuple[Name, Name], int]
"""What depends on what → the wishes in which it does."""


def leading_back(model: FeatureModel, edges: Edges) -> Iterator[tuple[Name, int]]:
    """Each name that could lead back to itself, with the wishes in which it does."""
    graph = networkx.DiGraph(edges.keys())
    for part in networkx.strongly_connected_components(graph):
        within = graph.subgraph(part)
        if within.number_of_edges():
            for name in sorted(part):
                yield name, _back(model, edges, within, name)


def shortest(model: FeatureModel, edges: Edges, here: int, name: Name) -> list[tuple[Name, Name]]:
    """The shortest way from a name back to itself, step by step, in one wish that has it."""
    held = [edge for edge, wishes in edges.items() if model.diagrams.meet(wishes, here)]
    graph = networkx.DiGraph(held)
    back = networkx.single_target_shortest_path(graph, name)
    ways = ([name, *back[then]] for then in graph.successors(name) if then in back)
    way: list[Name] = min(ways, key=lambda each: (len(each), each))
    return list(pairwise(way))


def _back(model: FeatureModel, edges: Edges, graph: networkx.DiGraph, start: Name) -> int:
    """The wishes in which a way leads from a name back to it."""
    reached = {start: model.valid}
    found = FALSE
    todo = [start]
    while todo:
        name = todo.pop()
        for then in graph.successors(name):
            wishes = model.both(reached[name], edges[name, then])
            if then == start:
                found = model.diagrams.some((found, wishes))
                continue
            known = reached.get(then, FALSE)
            reached[then] = model.diagrams.some((known, wishes))
            if reached[then] != known:
                todo.append(then)
    return found
