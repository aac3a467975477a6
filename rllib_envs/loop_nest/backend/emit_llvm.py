"""Write a planned loop nest as LLVM IR, for processors that the machine-code emitter does not know.

Slower to compile than `emit_x86` by a factor of twenty, but the same plan, so the same schedules are good. Values that
loops carry (pointers, accumulators) are phi nodes, so the code needs no optimisation passes.
"""

from __future__ import annotations

import struct

from rllib_envs.loop_nest.backend.block import block_operations, epilogue_offsets, held_vectors
from rllib_envs.loop_nest.backend.loops import Schedule
from rllib_envs.loop_nest.backend.plan import Access, Plan, Target, Tensor, last_visits, make_plan
from rllib_envs.loop_nest.statement import Statement

FUNCTION = "kernel"
IDENTITY = {"add": "0.0", "max": "0xFFF0000000000000", "min": "0x7FF0000000000000"}

Extents = dict[str, int]
Accumulators = dict[int, list[str]]
"""Values of the C vectors that are held, by byte offset."""


def emit_llvm(
    statement: Statement, loops: Schedule, target: Target, slack: bool = True, function: str = FUNCTION
) -> str:
    """IR of `void function(float *C, const float *A, const float *B, ...)`, under the contract of `emit_x86`."""
    return IrEmitter(statement, make_plan(statement, loops, target), target, slack, function).emit()


class IrEmitter:
    """Writes one function. Methods return the names of the values that they define."""

    def __init__(self, statement: Statement, plan: Plan, target: Target, slack: bool, function: str) -> None:
        self.statement = statement
        self.plan = plan
        self.slack = slack
        self.function = function
        self.lanes = target.lanes
        self.vector = f"<{target.lanes} x float>"
        self.mask_type = f"<{target.lanes} x i1>"
        self.tensors: tuple[Tensor, ...] = plan.tensors
        outer = {loop.var for loop in plan.loops[: plan.hold]}
        self.counts_visits = statement.reduce != "none" and not outer <= plan.output.stride.keys()
        self._lines = ["entry:"]
        self._label = "entry"
        self._names = 0
        self._declarations: set[str] = set()

    def emit(self) -> str:
        names = self.statement.tensor_names
        self._nest(0, dict(self.statement.size), [f"%{name}" for name in names], "0", 0, {})
        body = "\n".join(self._lines)
        arguments = ", ".join(f"ptr noalias %{name}" for name in names)
        declarations = "\n".join(sorted(self._declarations))
        return f"define void @{self.function}({arguments}) nounwind {{\n{body}\n  ret void\n}}\n{declarations}\n"

    # Loops

    def _nest(
        self,
        depth: int,
        extents: Extents,
        pointers: list[str],
        visits: str,
        last_visit: int | None,
        held: Accumulators,
    ) -> Accumulators:
        """Code for the loops from this depth inwards; the accumulators after it."""
        enters = depth == self.plan.hold
        if enters:
            held = self._load_accumulators(extents, pointers[0], visits)
        if depth == self.plan.block:
            held = self._block(extents, pointers, held)
        else:
            held = self._loop(depth, extents, pointers, visits, last_visit, held)
        if enters:
            self._store_accumulators(extents, pointers, visits, last_visit, held)
            held = {}
        return held

    def _loop(
        self,
        depth: int,
        extents: Extents,
        pointers: list[str],
        visits: str,
        last_visit: int | None,
        held: Accumulators,
    ) -> Accumulators:
        var, step, _ = self.plan.loops[depth]
        full, tail = divmod(extents[var], step)
        iteration = {**extents, var: step}
        last_of_full, last_of_tail = last_visits(self.plan, depth, extents[var], last_visit)
        if full == 1:
            held = self._nest(depth + 1, iteration, pointers, visits, last_of_full, held)
        elif full:
            held = self._counted(depth, full, iteration, pointers, visits, last_of_full, held)
        if tail:
            pointers, visits = self._moved(depth, str(full), pointers, visits)
            held = self._nest(depth + 1, {**extents, var: tail}, pointers, visits, last_of_tail, held)
        return held

    def _counted(
        self,
        depth: int,
        count: int,
        extents: Extents,
        pointers: list[str],
        visits: str,
        last_visit: int | None,
        held: Accumulators,
    ) -> Accumulators:
        """A loop of `count` equal iterations. Its phi nodes are written last, when their values are known."""
        before, body, after = self._label, self._new("loop"), self._new("done")
        self._write(f"br label %{body}")
        self._start(body)
        top = len(self._lines)
        index, next_index = self._new(), self._new()
        carried = {c: [self._new() for _ in values] for c, values in held.items()}
        inner_pointers, inner_visits = self._moved(depth, index, pointers, visits)
        result = self._nest(depth + 1, extents, inner_pointers, inner_visits, last_visit, carried)
        last = self._label
        phis = [f"  {index} = phi i64 [ 0, %{before} ], [ {next_index}, %{last} ]"]
        for c, names in carried.items():
            for name, start, end in zip(names, held[c], result[c], strict=True):
                phis.append(f"  {name} = phi {self.vector} [ {start}, %{before} ], [ {end}, %{last} ]")
        self._lines[top:top] = phis
        self._write(f"{next_index} = add i64 {index}, 1")
        again = self._value(f"icmp ult i64 {next_index}, {count}")
        self._write(f"br i1 {again}, label %{body}, label %{after}")
        self._start(after)
        return result

    def _moved(self, depth: int, iterations: str, pointers: list[str], visits: str) -> tuple[list[str], str]:
        """Pointers and visits after so many iterations of a loop."""
        var, step, _ = self.plan.loops[depth]
        pointers = list(pointers)
        if iterations == "0":
            return pointers, visits
        for position, tensor in enumerate(self.tensors):
            if var in tensor.stride:
                distance = self._value(f"mul i64 {iterations}, {tensor.stride[var] * step}")
                pointers[position] = self._value(f"getelementptr i8, ptr {pointers[position]}, i64 {distance}")
        if self.counts_visits and self.plan.revisits(depth):
            visits = self._value(f"add i64 {visits}, {iterations}")
        return pointers, visits

    # Accumulators

    def _load_accumulators(self, extents: Extents, c_pointer: str, visits: str) -> Accumulators:
        if self.statement.reduce == "none":
            return {}
        start = self._splat(IDENTITY[self.statement.reduce])
        vectors = held_vectors(self.plan, extents, self.lanes)
        held = {c: [start] * self.plan.accumulators for c in vectors}
        if self.counts_visits and self.plan.output.access is not Access.BROADCAST:
            visited = self._splat(self._value(f"icmp ne i64 {visits}, 0"), "i1")
            for c, lanes in vectors.items():
                mask = self._value(f"and {self.mask_type} {visited}, {self._mask(lanes)}")
                held[c][0] = self._masked_load(self.plan.output, c_pointer, c, mask, start)
        return held

    def _store_accumulators(
        self, extents: Extents, pointers: list[str], visits: str, last_visit: int | None, held: Accumulators
    ) -> None:
        if self.statement.reduce == "none":
            return
        complete = ""
        if last_visit is not None and self.statement.epilogue and self.counts_visits:
            complete = self._splat(self._value(f"icmp eq i64 {visits}, {last_visit}"), "i1")
        offsets = epilogue_offsets(self.plan, extents, self.lanes)
        for c, lanes in held_vectors(self.plan, extents, self.lanes).items():
            total, *others = held[c]
            for other in others:
                total = self._operate(self.statement.reduce, total, other)
            summed = self.plan.output.access is Access.BROADCAST
            if summed:
                total = self._lane_sum(pointers[0], c, visits, total)
            if last_visit is not None:
                finished = self._finished(total, pointers, offsets.get(c, ()), lanes)
                chosen = f"{self.mask_type} {complete}, {self.vector} {finished}, {self.vector} {total}"
                total = self._value(f"select {chosen}") if complete else finished
            if summed:
                value = self._value(f"extractelement {self.vector} {total}, i32 0")
                self._write(f"store float {value}, ptr {self._address(pointers[0], c)}, align 4")
            else:
                self._store(pointers[0], c, lanes, total)

    def _lane_sum(self, c_pointer: str, c: int, visits: str, vector: str) -> str:
        """A vector whose first lane is the reduction of all lanes, together with the value that C already has."""
        reduce, width = self.statement.reduce, self.lanes
        while width > 1:  # halve the vector
            width //= 2
            moved = ", ".join(f"i32 {lane + width if lane < width else lane}" for lane in range(self.lanes))
            shuffled = self._value(
                f"shufflevector {self.vector} {vector}, {self.vector} poison, <{self.lanes} x i32> <{moved}>"
            )
            vector = self._operate(reduce, vector, shuffled)
        if self.counts_visits:
            visited = self._value(f"icmp ne i64 {visits}, 0")
            mask = self._value(f"insertelement {self.mask_type} zeroinitializer, i1 {visited}, i32 0")
            start = self._splat(IDENTITY[reduce])
            vector = self._operate(reduce, vector, self._masked_load(self.plan.output, c_pointer, c, mask, start))
        return vector

    def _finished(self, vector: str, pointers: list[str], offsets: tuple[int, ...], lanes: int) -> str:
        """A C vector after the epilogue."""
        position = len(self.plan.inputs)
        read = iter(offsets)
        for operation, operand in self.statement.epilogue:
            if isinstance(operand, tuple):
                position += 1
                tensor = self.tensors[position]
                used = self.lanes if tensor.access is Access.BROADCAST else lanes
                other = self._load(tensor, pointers[position], next(read), used)
            else:
                # As IR writes every float: the bits of the same value in double precision.
                (single,) = struct.unpack("<f", struct.pack("<f", operand))
                other = self._splat(f"0x{struct.pack('>d', single).hex().upper()}")
            vector = self._operate(operation, vector, other)
        return vector

    # The block

    def _block(self, extents: Extents, pointers: list[str], held: Accumulators) -> Accumulators:
        held = {c: list(values) for c, values in held.items()}
        turn = dict.fromkeys(held, 0)
        loaded: dict[tuple[int, int, int], str] = {}
        written = epilogue_offsets(self.plan, extents, self.lanes) if self.statement.reduce == "none" else {}

        def load(position: int, offset: int, lanes: int) -> str:
            tensor = self.tensors[position]
            whole = tensor.access is Access.BROADCAST or (self.slack and tensor.access is Access.PACKED)
            key = (position, offset, self.lanes if whole else lanes)
            if key not in loaded:
                loaded[key] = self._load(tensor, pointers[position], offset, key[2])
            return loaded[key]

        for c, a, b, lanes in block_operations(self.plan, extents, self.lanes):
            offsets = (a, b)[: len(self.plan.inputs)]
            operands = [load(position, offset, lanes) for position, offset in enumerate(offsets, 1)]
            if self.statement.reduce == "none":
                finished = self._finished(self._combined(operands), pointers, written.get(c, ()), lanes)
                self._store(pointers[0], c, lanes, finished)
                continue
            place = turn[c] % len(held[c])
            turn[c] += 1
            held[c][place] = self._accumulated(held[c][place], operands, lanes)
        return held

    def _combined(self, operands: list[str]) -> str:
        return operands[0] if len(operands) == 1 else self._operate(self.statement.combine, *operands)

    def _accumulated(self, accumulator: str, operands: list[str], lanes: int) -> str:
        if (self.statement.combine, self.statement.reduce) == ("multiply", "add"):
            result = self._call("fmuladd", self.vector, (*operands, accumulator))
        else:
            result = self._operate(self.statement.reduce, accumulator, self._combined(operands))
        if lanes < self.lanes and self.plan.output.access is Access.BROADCAST:
            # Lanes beyond a tail hold arbitrary values, which a sum must not meet.
            chosen = f"{self.vector} {result}, {self.vector} {accumulator}"
            result = self._value(f"select {self.mask_type} {self._mask(lanes)}, {chosen}")
        return result

    # Vectors

    def _operate(self, operation: str, left: str, right: str) -> str:
        arithmetic = {"multiply": "fmul", "add": "fadd", "subtract": "fsub"}
        if operation in arithmetic:
            return self._value(f"{arithmetic[operation]} {self.vector} {left}, {right}")
        compare = "ogt" if operation == "max" else "olt"
        chosen = self._value(f"fcmp {compare} {self.vector} {left}, {right}")
        return self._value(f"select {self.mask_type} {chosen}, {self.vector} {left}, {self.vector} {right}")

    def _load(self, tensor: Tensor, pointer: str, offset: int, lanes: int) -> str:
        if tensor.access is Access.STRIDED or lanes < self.lanes:
            return self._masked_load(tensor, pointer, offset, self._mask(lanes), "zeroinitializer")
        address = self._address(pointer, offset)
        if tensor.access is Access.PACKED:
            return self._value(f"load {self.vector}, ptr {address}, align 4")
        return self._splat(self._value(f"load float, ptr {address}, align 4"))

    def _masked_load(self, tensor: Tensor, pointer: str, offset: int, mask: str, otherwise: str) -> str:
        if tensor.access is Access.STRIDED:
            operation, where = "masked.gather", (f"<{self.lanes} x ptr>", self._addresses(tensor, pointer, offset))
        else:
            operation, where = "masked.load", ("ptr", self._address(pointer, offset))
        arguments = (where, ("i32", "4"), (self.mask_type, mask), (self.vector, otherwise))
        return self._call_typed(operation, self.vector, arguments)

    def _store(self, pointer: str, offset: int, lanes: int, value: str) -> None:
        tensor = self.plan.output
        if tensor.access is Access.PACKED and lanes == self.lanes:
            self._write(f"store {self.vector} {value}, ptr {self._address(pointer, offset)}, align 4")
            return
        if tensor.access is Access.STRIDED:
            operation, where = "masked.scatter", (f"<{self.lanes} x ptr>", self._addresses(tensor, pointer, offset))
        else:
            operation, where = "masked.store", ("ptr", self._address(pointer, offset))
        arguments = ((self.vector, value), where, ("i32", "4"), (self.mask_type, self._mask(lanes)))
        self._call_typed(operation, "void", arguments)

    def _address(self, pointer: str, offset: int) -> str:
        return self._value(f"getelementptr i8, ptr {pointer}, i64 {offset}") if offset else pointer

    def _addresses(self, tensor: Tensor, pointer: str, offset: int) -> str:
        """The address of each lane."""
        stride = tensor.stride[self.plan.vector]
        offsets = ", ".join(f"i64 {offset + lane * stride}" for lane in range(self.lanes))
        return self._value(f"getelementptr i8, ptr {pointer}, <{self.lanes} x i64> <{offsets}>")

    def _mask(self, lanes: int) -> str:
        return "<" + ", ".join(f"i1 {int(lane < lanes)}" for lane in range(self.lanes)) + ">"

    def _splat(self, scalar: str, kind: str = "float") -> str:
        vector = f"<{self.lanes} x {kind}>"
        single = self._value(f"insertelement {vector} poison, {kind} {scalar}, i32 0")
        zeros = f"<{self.lanes} x i32> zeroinitializer"
        return self._value(f"shufflevector {vector} {single}, {vector} poison, {zeros}")

    # Text

    def _call(self, operation: str, kind: str, values: tuple[str, ...]) -> str:
        """Call an intrinsic function whose arguments and result have the same type."""
        return self._call_typed(operation, kind, tuple((kind, value) for value in values))

    def _call_typed(self, operation: str, result: str, arguments: tuple[tuple[str, str], ...]) -> str:
        suffixes = [f"v{self.lanes}f32"]
        if operation.startswith("masked"):
            suffixes.append("p0" if operation in ("masked.load", "masked.store") else f"v{self.lanes}p0")
        name = f"@llvm.{operation}.{'.'.join(suffixes)}"
        self._declarations.add(f"declare {result} {name}({', '.join(kind for kind, _ in arguments)})")
        call = f"call {result} {name}({', '.join(f'{kind} {value}' for kind, value in arguments)})"
        if result == "void":
            self._write(call)
            return ""
        return self._value(call)

    def _value(self, instruction: str) -> str:
        name = self._new()
        self._write(f"{name} = {instruction}")
        return name

    def _new(self, label: str = "") -> str:
        self._names += 1
        return f"{label}{self._names}" if label else f"%v{self._names}"

    def _start(self, label: str) -> None:
        self._lines.append(f"{label}:")
        self._label = label

    def _write(self, text: str) -> None:
        self._lines.append(f"  {text}")
