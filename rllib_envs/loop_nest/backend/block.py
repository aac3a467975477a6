"""The straight-line part of a plan: which vector operations it consists of, in the order of the schedule."""

from __future__ import annotations

from dataclasses import replace

from rllib_envs.loop_nest.backend.plan import Plan

Operation = tuple[int, int, int, int]
"""Byte offsets in C, A and B (0 when absent) from the pointers of the block, and the lanes in use."""


def block_operations(plan: Plan, extents: dict[str, int], lanes: int) -> list[Operation]:
    """All operations of the block, for the extent that each variable has left when the block is entered."""
    return _operations(plan, plan.block, extents, lanes)


def held_vectors(plan: Plan, extents: dict[str, int], lanes: int) -> dict[int, int]:
    """The C vectors that the block writes: byte offset and lanes in use, in the order of first use."""
    written = {var: extent if var in plan.output.stride else 1 for var, extent in extents.items()}
    return {operation[0]: operation[3] for operation in block_operations(plan, written, lanes)}


def epilogue_offsets(plan: Plan, extents: dict[str, int], lanes: int) -> dict[int, tuple[int, ...]]:
    """The byte offsets in the epilogue's tensors that belong to each C vector, by the byte offset of that."""
    written = {var: extent if var in plan.output.stride else 1 for var, extent in extents.items()}
    each = (block_operations(replace(plan, inputs=(tensor,)), written, lanes) for tensor in plan.epilogue)
    return {operations[0][0]: tuple(a for _, a, _, _ in operations) for operations in zip(*each, strict=True)}


def _operations(plan: Plan, depth: int, extents: dict[str, int], lanes: int) -> list[Operation]:
    if depth >= len(plan.loops) - 1:
        return _vectors(plan, extents[plan.vector], lanes)
    var, step, _ = plan.loops[depth]
    full, tail = divmod(extents[var], step)
    operations: list[Operation] = []
    if full:
        iteration = _operations(plan, depth + 1, {**extents, var: step}, lanes)
        for index in range(full):
            operations += _shifted(plan, iteration, var, index * step)
    if tail:
        rest = _operations(plan, depth + 1, {**extents, var: tail}, lanes)
        operations += _shifted(plan, rest, var, full * step)
    return operations


def _shifted(plan: Plan, operations: list[Operation], var: str, distance: int) -> list[Operation]:
    """The same operations for a variable that is `distance` further on."""
    if distance == 0:
        return operations
    to_c, to_a, to_b = _distances(plan, var, distance)
    return [(c + to_c, a + to_a, b + to_b, lanes) for c, a, b, lanes in operations]


def _vectors(plan: Plan, extent: int, lanes: int) -> list[Operation]:
    """The vector loop."""
    c, a, b = _distances(plan, plan.vector, 1)
    return [(c * start, a * start, b * start, min(lanes, extent - start)) for start in range(0, extent, lanes)]


def _distances(plan: Plan, var: str, distance: int) -> tuple[int, int, int]:
    """Bytes that moving a variable by `distance` means in C, A and B."""
    first, *second = plan.inputs
    return (
        plan.output.stride.get(var, 0) * distance,
        first.stride.get(var, 0) * distance,
        second[0].stride.get(var, 0) * distance if second else 0,
    )
