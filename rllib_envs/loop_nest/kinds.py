"""The kinds of loop nest that a benchmark can ask for, each written once as an index expression.

A tensor is a list of dimensions, outermost first, and a dimension is a sum of loop variables: `"y+p x+q c"` is an
image of height y+p, width x+q and c channels that a p by q window slides over, and `"2y+p 2x+q c"` one over which it
moves in steps of two. Layouts are dense and row-major.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from rllib_envs.errors import UserError
from rllib_envs.loop_nest.statement import EpilogueStep, Statement, Strides
from rllib_envs.names import choose

STATEMENTS_KEPT = 4096
"""More than the benchmarks of a suite, at some 2 kB each."""


@dataclass(frozen=True)
class Kind:
    """A family of statements that differ in their sizes alone."""

    order: str
    """Loop variables of the untuned nest, outermost first; also the order of sizes on a command line, see `sizes`."""
    output: str
    inputs: tuple[str, ...]
    summary: str
    sizes: str = ""
    """Order in which people give the sizes; the loop order where empty."""
    combine: str = "multiply"
    reduce: str = "add"
    epilogue: tuple[tuple[str, str | float], ...] = ()
    """Operations on the complete C, each with a tensor's dimensions or a constant."""

    @property
    def size_names(self) -> list[str]:
        return (self.sizes or self.order).split()


KINDS: Mapping[str, Kind] = {
    "mm": Kind("m k n", "m n", ("m k", "k n"), "matrix product C[m,n] += A[m,k] B[k,n]", sizes="m n k"),
    "mm_nt": Kind("m n k", "m n", ("m k", "n k"), "matrix product with B transposed", sizes="m n k"),
    "mm_tn": Kind("k m n", "m n", ("k m", "k n"), "matrix product with A transposed", sizes="m n k"),
    "mm_bias_relu": Kind(
        "m k n",
        "m n",
        ("m k", "k n"),
        "matrix product, then a bias for each column and ReLU",
        sizes="m n k",
        epilogue=(("add", "n"), ("max", 0.0)),
    ),
    "bmm": Kind("b m k n", "b m n", ("b m k", "b k n"), "batched matrix product", sizes="b m n k"),
    "conv1d": Kind("x q c o", "x o", ("x+q c", "q c o"), "1-d convolution, channels last", sizes="o c x q"),
    "conv2d": Kind(
        "y x p q c o",
        "y x o",
        ("y+p x+q c", "p q c o"),
        "2-d convolution, channels last (NHWC), stride 1, input padded beforehand",
        sizes="o c y x p q",
    ),
    "conv2d_stride2": Kind(
        "y x p q c o",
        "y x o",
        ("2y+p 2x+q c", "p q c o"),
        "2-d convolution, channels last (NHWC), stride 2, input padded beforehand",
        sizes="o c y x p q",
    ),
    "conv2d_bias_relu": Kind(
        "y x p q c o",
        "y x o",
        ("y+p x+q c", "p q c o"),
        "2-d convolution, channels last, then a bias for each output channel and ReLU",
        sizes="o c y x p q",
        epilogue=(("add", "o"), ("max", 0.0)),
    ),
    "conv2d_nchw": Kind(
        "o y x c p q",
        "o y x",
        ("o c p q", "c y+p x+q"),
        "2-d convolution, channels first (NCHW), stride 1, input padded beforehand",
        sizes="o c y x p q",
    ),
    "transpose": Kind("m n", "n m", ("m n",), "transposition C[n,m] = A[m,n]", combine="copy", reduce="none"),
    "row_sum": Kind("m n", "m", ("m n",), "sum of each row", combine="copy"),
    "row_max": Kind("m n", "m", ("m n",), "largest element of each row", combine="copy", reduce="max"),
    "dot_rows": Kind("m n", "m", ("m n", "m n"), "pointwise product of two matrices, summed by row"),
    "add_bias": Kind("m n", "m n", ("m n", "n"), "bias added to each row", combine="add", reduce="none"),
}


def make_statement(kind: str, sizes: Mapping[str, int], order: str | None = None) -> Statement:
    """The statement of a kind at the given sizes, its loops in `order` ("k m n") or in the kind's own order."""
    form = KINDS[choose(kind, KINDS, "kind of loop nest")]
    names = form.order.split()
    if sorted(sizes) != sorted(names):
        raise UserError(f"{kind} needs the sizes {', '.join(form.size_names)}; got {', '.join(sizes) or 'none'}")
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int):
            raise UserError(f"size {name} of {kind} is {size!r}; it must be a whole number")
    loops = order.split() if order else names
    if sorted(loops) != sorted(names):
        raise UserError(f"loop order {order!r} of {kind} must name each of {', '.join(names)} once")
    return _statement(kind, tuple((name, sizes[name]) for name in loops))


@lru_cache(maxsize=STATEMENTS_KEPT)
def _statement(kind: str, trip_counts: tuple[tuple[str, int], ...]) -> Statement:
    """Every episode begins with one, and checking it takes longer than all its steps."""
    form, sizes = KINDS[kind], dict(trip_counts)
    epilogue = (
        EpilogueStep(operation, _row_major(operand, sizes) if isinstance(operand, str) else operand)
        for operation, operand in form.epilogue
    )
    return Statement(
        sizes=trip_counts,
        output=_row_major(form.output, sizes),
        inputs=tuple(_row_major(dims, sizes) for dims in form.inputs),
        combine=form.combine,
        reduce=form.reduce,
        epilogue=tuple(epilogue),
        kind=kind,
    )


def benchmark_name(kind: str, sizes: Mapping[str, int]) -> str:
    """Such as `mm64_128_32`, the sizes in the order in which people give them."""
    numbers = "_".join(str(sizes[name]) for name in KINDS[kind].size_names)
    return f"{kind}_{numbers}" if kind[-1].isdigit() else f"{kind}{numbers}"


def terms(dim: str) -> list[tuple[str, int]]:
    """The loop variables of a dimension and how far each moves in it: `"2y+p"` is [("y", 2), ("p", 1)]."""
    return [(name, int(factor or 1)) for factor, name in re.findall(r"(\d*)([a-z]+)", dim)]


def tensor_shape(dims: str, sizes: Mapping[str, int]) -> list[int]:
    """Extent of each dimension; a window of w at n places reaches n + w - 1 elements, in steps of two 2n + w - 2."""
    return [1 + sum((sizes[name] - 1) * factor for name, factor in terms(dim)) for dim in dims.split()]


def _row_major(dims: str, sizes: Mapping[str, int]) -> Strides:
    strides: list[tuple[str, int]] = []
    step = 1
    for dim, extent in zip(reversed(dims.split()), reversed(tensor_shape(dims, sizes)), strict=True):
        strides.extend((name, factor * step) for name, factor in terms(dim))
        step *= extent
    return tuple(reversed(strides))
