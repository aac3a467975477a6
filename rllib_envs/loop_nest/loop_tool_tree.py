"""A state as loop_tool's IR and LoopTree, and back.

loop_tool (https://github.com/facebookresearch/loop_tool) is the common language for schedules: what it serialises,
our benchmarks read, and what we tune, it can print, compile and run. The nest of the epilogue, which also writes the
result out, follows the compute nest without its reduction loops. A constant of an epilogue is a tensor without
dimensions, as in `loop_tool.nn`.
"""

from __future__ import annotations

from typing import Any

import loop_tool as lt

from rllib_envs.errors import UserError
from rllib_envs.loop_nest.backend.loops import Loop
from rllib_envs.loop_nest.kinds import KINDS, tensor_shape, terms
from rllib_envs.loop_nest.state import NestState
from rllib_envs.loop_nest.statement import EpilogueStep, Statement, Strides

_OPERATION = {name: getattr(lt, name) for name in ("multiply", "add", "subtract", "max", "min", "copy")}
_ON_LAZY_TENSORS = {
    "multiply": lt.Tensor.__mul__,
    "add": lt.Tensor.__add__,
    "subtract": lt.Tensor.__sub__,
    "max": lt.Tensor.max,
}


def to_ir(state: NestState) -> Any:
    """The loop_tool IR whose loop orders are the state's. A sliding window becomes a view node."""
    statement = state.statement
    kind = KINDS.get(statement.kind)
    windowed = kind is not None and any("+" in dims for dims in kind.inputs)
    ir, var, compute, outside = _windowed_ir(statement) if windowed else _dense_ir(statement)
    order = [(var[loop.var], state.size_and_tail(index)) for index, loop in enumerate(state.loops)]
    written = {name for name, _ in statement.output}
    for node in compute:
        ir.set_order(node, order)
    pairs = zip(order, state.loops, strict=True)
    written_order = [entry for entry, loop in pairs if loop.var in written]
    for node in outside:
        ir.set_order(node, written_order)
    return ir


def to_tree(state: NestState) -> Any:
    """The LoopTree; its references 0, 1, ... are the state's loops, and annotations are set on them."""
    tree = lt.LoopTree(to_ir(state))
    for index, loop in enumerate(state.loops):
        if loop.annotation:
            tree = tree.annotate(index, loop.annotation)
    return tree


def dump(state: NestState) -> str:
    """The loop tree as text, with an arrow at the cursor and the annotations."""

    def mark(ref: int) -> str:
        if ref >= len(state.loops):
            return ""
        arrow = "  <-- cursor" if ref == state.cursor else ""
        return f"{state.loops[ref].annotation}{arrow}"

    return "\n".join(line.rstrip() for line in to_tree(state).dump(mark).splitlines() if line.strip())


def _dense_dims(access: Strides, size: dict[str, int]) -> list[str]:
    """Variables of a dense row-major tensor, outermost first. Of equal strides the one of size 1 goes outside."""
    return [name for name, _ in sorted(access, key=lambda item: (-item[1], size[item[0]]))]


def _dense_ir(statement: Statement) -> tuple[Any, dict[str, Any], list[Any], list[Any]]:
    """The IR, its variables by name, and the nodes inside and outside of the reduction loops."""
    ir = lt.IR()
    var = {name: ir.create_var(name) for name, _ in statement.sizes}
    reads = [
        ir.create_node(lt.read, [], [var[name] for name in _dense_dims(access, statement.size)])
        for access in statement.inputs
    ]
    output = [var[name] for name in _dense_dims(statement.output, statement.size)]
    everything = [var[name] for name, _ in statement.sizes]
    compute = []
    result = reads
    if statement.combine != "copy" or statement.reduce == "none":
        shape = everything if statement.reduce != "none" else output
        result = [ir.create_node(_OPERATION[statement.combine], reads, shape)]
        compute += result
    if statement.reduce != "none":
        result = [ir.create_node(_OPERATION[statement.reduce], result, output)]
        compute += result
    outside = []
    for operation, operand in statement.epilogue:
        dims = _dense_dims(operand, statement.size) if isinstance(operand, tuple) else []
        read = ir.create_node(lt.read, [], [var[name] for name in dims])
        reads.append(read)
        result = [ir.create_node(_OPERATION[operation], [*result, read], output)]
        outside += result
    write = ir.create_node(lt.write, result, output)
    ir.set_inputs(reads)
    ir.set_outputs([write])
    return ir, var, compute, [*outside, write]


def _windowed_ir(statement: Statement) -> tuple[Any, dict[str, Any], list[Any], list[Any]]:
    """Views can only be made by loop_tool's lazy tensors; the tensors here are never filled or computed."""
    kind = KINDS[statement.kind]
    symbol = {name: lt.Symbol(name) for name, _ in statement.sizes}
    operands = [_view(dims, statement, symbol) for dims in kind.inputs]
    result = (operands[0] * operands[1]).sum(*(symbol[name] for name in statement.reduced))
    for operation, operand in statement.epilogue:
        dims = _dense_dims(operand, statement.size) if isinstance(operand, tuple) else []
        tensor = lt.Tensor(*(statement.size[name] for name in dims)) if dims else lt.Tensor().set(0.0)
        other = tensor.to(*(symbol[name] for name in dims)) if dims else tensor
        result = _ON_LAZY_TENSORS[operation](result, other)
    ir = result.ir
    var = {ir.dump_var(item).rsplit("_", 1)[0]: item for item in ir.vars}
    scheduled = [node for node in ir.nodes if node in ir.orders]
    inside = len(scheduled) - 1 - len(statement.epilogue)
    return ir, var, scheduled[:inside], scheduled[inside:]


def _view(dims: str, statement: Statement, symbol: dict[str, Any]) -> Any:
    axes, constraints, seen = [], [], []
    for position, dim in enumerate(dims.split()):
        parts = [(symbol[name], factor) for name, factor in terms(dim)]
        seen += [part for part, _ in parts]
        if len(parts) == 1:
            axes.append(parts[0][0])
            continue
        axes.append(lt.Symbol(f"window{position}"))
        place, window = (lt.Expr(factor) * part for part, factor in parts)
        constraints.append((axes[-1], place + window))
    tensor = lt.Tensor(*tensor_shape(dims, statement.size)).to(*axes)
    return tensor.to(*seen, constraints=constraints) if constraints else tensor


def from_ir(text: str) -> NestState:
    """Read a serialised IR of one statement. UserError when it is none, or holds what a Statement can't say.

    The IR doesn't tell the value of a constant, so what was one becomes a tensor of one element.
    """
    try:
        ir = lt.deserialize(text)
    except Exception as error:  # loop_tool raises bare RuntimeErrors of every sort here
        raise UserError(f"not a serialised loop_tool IR: {error}") from None
    operation = {node: str(ir.op(node)).rpartition(".")[2] for node in ir.nodes}
    compute = [node for node in ir.nodes if operation[node] not in ("read", "write")]
    unknown = sorted({operation[node] for node in compute} - set(_OPERATION))
    if unknown or not compute:
        raise UserError(f"the IR computes {', '.join(unknown) or 'nothing'}; {', '.join(_OPERATION)} can be read")
    order = ir.orders[compute[0]]
    loops, size = _steps([(ir.dump_var(var), *trip) for var, trip in order])
    untuned_order = list(dict.fromkeys(loop.var for loop in loops))

    def strides(node: Any) -> Strides:
        result, step = [], 1
        for name in reversed([ir.dump_var(var) for var in ir.output_vars(node)]):
            result.append((name, step))
            step *= size[name]
        return tuple(reversed(result))

    first, *rest = compute
    inputs = ir.inputs(first)
    combine = operation[first] if len(inputs) == 2 or operation[first] == "copy" else "copy"
    reduction = None
    if len(inputs) == 1 and operation[first] != "copy":
        reduction = first
    elif rest and ir.inputs(rest[0]) == [first]:
        reduction = rest.pop(0)
    result = first if reduction is None else reduction
    epilogue = []
    for node in rest:
        if ir.inputs(node)[:1] != [result] or len(ir.inputs(node)) != 2 or ir.inputs(node)[1] in compute:
            raise UserError(
                "the IR is no chain: after one combination and one reduction, each operation must take the result of "
                "the one before and a tensor"
            )
        epilogue.append(EpilogueStep(operation[node], strides(ir.inputs(node)[1])))
        result = node
    statement = Statement(
        sizes=tuple((name, size[name]) for name in untuned_order),
        output=strides(result),
        inputs=tuple(strides(node) for node in inputs),
        combine=combine,
        reduce="none" if reduction is None else operation[reduction],
        epilogue=tuple(epilogue),
    )
    return NestState(statement, tuple(loops))


def _steps(order: list[tuple[str, int, int]]) -> tuple[list[Loop], dict[str, int]]:
    """Steps of (variable, size, tail) loops: each loop moves by what the loops inside it cover."""
    covered: dict[str, int] = {}
    loops = []
    for name, size, tail in reversed(order):
        step = covered.get(name, 1)
        loops.append(Loop(name, step))
        covered[name] = size * step + tail
    return loops[::-1], covered
