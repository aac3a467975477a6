"""Check kernels of random statements and schedules: `python fuzz_kernels.py SEED COUNT BACKEND[,BACKEND...] [show]`.

Each backend is checked against numpy and against the others. BACKEND is avx512, avx2 or llvm; llvm/4 has LLVM use
vectors of four lanes, as it does for NEON. A program of its own, because a wrong kernel may end the process that runs
it. "show" prints each case before it runs. Exits with the number of wrong cases.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from functools import partial

import numpy as np

from rllib_envs.errors import UserError
from rllib_envs.loop_nest.backend import Loop, compile_kernel
from rllib_envs.loop_nest.backend.emit_llvm import FUNCTION, emit_llvm
from rllib_envs.loop_nest.backend.kernel import Kernel
from rllib_envs.loop_nest.backend.llvm_code import LoadedObject, compile_ir
from rllib_envs.loop_nest.backend.loops import Schedule
from rllib_envs.loop_nest.backend.memory import FloatArray
from rllib_envs.loop_nest.backend.plan import Target
from rllib_envs.loop_nest.backend.workload import Workload
from rllib_envs.loop_nest.kinds import KINDS, make_statement
from rllib_envs.loop_nest.statement import EPILOGUE, EpilogueStep, Statement, Strides

POINTS = 200_000
"""Largest iteration space, which keeps a case at a few milliseconds."""


def random_schedule(statement: Statement, rng: random.Random) -> Schedule:
    """Up to three splits of each variable, half of them not powers of two, in any order, some annotated."""
    chains = []
    for var, size in statement.sizes:
        steps = {1}
        for _ in range(rng.randint(0, 3)):
            steps.add(rng.choice([2, 4, 8, 16, 32, 64]) if rng.random() < 0.5 else rng.randint(1, size + 2))
        chains.append([(var, step) for step in sorted(steps, reverse=True)])
    loops = []
    while chains:
        chain = rng.choice(chains)
        loops.append(Loop(*chain.pop(0), rng.choice(["", "", "", "unroll", "vectorize"])))
        chains = [chain for chain in chains if chain]
    return tuple(loops)


def random_statement(rng: random.Random) -> Statement:
    """A statement of a known kind, or one with any operations and strides."""
    while True:
        try:
            statement = known_statement(rng) if rng.random() < 0.6 else any_statement(rng)
        except UserError:  # strides that overlap, or a map that does not write everything
            continue
        points = 1
        for _, size in statement.sizes:
            points *= size
        if points <= POINTS:
            return statement


def known_statement(rng: random.Random) -> Statement:
    kind = rng.choice([*KINDS, "mm", "mm", "mm"])
    names = KINDS[kind].order.split()
    largest = {2: 200, 3: 90, 4: 30, 6: 12}[len(names)]
    return make_statement(kind, {name: rng.randint(1, largest) for name in names})


def any_statement(rng: random.Random) -> Statement:
    size = {name: rng.randint(1, 40) for name in "mnk"}
    combine = rng.choice(["multiply", "add", "subtract", "max", "min", "copy"])
    reduce = rng.choice(["add", "max", "min", "none"])
    output = dense(rng.choice(["mnk", "knm"] if reduce == "none" else ["mn", "nm", "m", "k", "", "kmn"]), size, rng)
    inputs = [dense(rng.choice(["mk", "km", "k", "", "mnk"]), size, rng)]
    if combine != "copy":
        inputs.append(dense(rng.choice(["kn", "nk", "n", "", "nmk"]), size, rng))
    written = "".join(name for name, _ in output)
    return Statement(tuple(size.items()), output, tuple(inputs), combine, reduce, any_epilogue(written, size, rng))


def any_epilogue(written: str, size: dict[str, int], rng: random.Random) -> tuple[EpilogueStep, ...]:
    """Up to four steps, half of the time none; their tensors have some of the output's variables, in any order."""
    steps = []
    for _ in range(rng.choice([0, 0, 0, 1, 2, 4])):
        names = "".join(rng.sample(written, rng.randint(0, len(written))))
        operand = rng.choice([0.0, rng.gauss(0, 1)]) if rng.random() < 0.4 else dense(names, size, rng)
        steps.append(EpilogueStep(rng.choice(EPILOGUE), operand))
    return tuple(steps)


def dense(names: str, size: dict[str, int], rng: random.Random) -> Strides:
    """Row-major strides, in one of three cases with gaps between the elements."""
    strides: list[tuple[str, int]] = []
    step = rng.choice([1, 1, 3])
    for name in reversed(names):
        strides.append((name, step))
        step *= size[name] + rng.choice([0, 0, 2])
    return tuple(strides)


def compiled(statement: Statement, loops: Schedule, backend: str) -> Kernel:
    name, _, variant = backend.partition("/")
    if variant in ("", "exact"):
        return compile_kernel(statement, loops, name, slack=variant != "exact")
    ir = emit_llvm(statement, loops, Target(lanes=int(variant), registers=32))
    return Kernel(statement, compile_ir(ir), partial(LoadedObject, function=FUNCTION))


def wrong(statement: Statement, loops: Schedule, backends: Sequence[str]) -> str:
    """What is wrong with the kernels of a schedule, or ""."""
    workload = Workload(statement)
    output, _ = workload.tensors
    results: dict[str, list[FloatArray]] = {}
    for backend in backends:
        kernel = compiled(statement, loops, backend)
        of_backend = results[backend] = []

        def run(kernel: Kernel = kernel, of_backend: list[FloatArray] = of_backend) -> None:
            kernel(*workload.addresses[: len(statement.elements)])
            of_backend.append(output.copy())

        error = workload.verify(run)
        if error:
            return f"{backend}: {error}"
    if statement.reduce != "add":  # nothing is rounded twice, so all must agree to the last bit
        for backend in backends[1:]:
            if not all(map(partial(np.array_equal, equal_nan=True), results[backends[0]], results[backend])):
                return f"{backend} differs from {backends[0]}"
    return ""


def main(seed: int, count: int, backends: Sequence[str], verbose: bool) -> int:
    rng = random.Random(seed)
    failures = 0
    for case in range(count):
        statement = random_statement(rng)
        loops = random_schedule(statement, rng)
        if verbose:
            print(f"case {case}: {statement} {loops}", flush=True)
        error = wrong(statement, loops, backends)
        if error:
            failures += 1
            print(f"seed {seed} case {case}: {error}\n  {statement}\n  {loops}", flush=True)
    return failures


if __name__ == "__main__":
    seed, count, backends, *options = sys.argv[1:]
    sys.exit(min(100, main(int(seed), int(count), backends.split(","), "show" in options)))
