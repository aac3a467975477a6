"""What `datasets/generator.py` writes: loop nests of all sizes in a range, and random tasks of the other problems."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.generate import random_suite as random_kernels
from rllib_envs.kernel_tuning.task import PROBLEM as KERNELS
from rllib_envs.loop_nest.kinds import KINDS, Kind, benchmark_name, make_statement, terms
from rllib_envs.names import choose
from rllib_envs.network_scaling.generate import random_bounds
from rllib_envs.network_scaling.results import PROBLEM as SCALING
from rllib_envs.online_sharing.generate import random_suite as random_traces
from rllib_envs.online_sharing.trace import PROBLEM as ONLINE_SHARING
from rllib_envs.problem import Benchmark
from rllib_envs.stem_sharing.checked import member
from rllib_envs.stem_sharing.events import EventLength
from rllib_envs.stem_sharing.generate import random_suite as random_applications
from rllib_envs.stem_sharing.task import PROBLEM as STEM_SHARING
from rllib_envs.streaming_engine.device import DEFAULT_PIPELINE_DEPTH, parse_topology
from rllib_envs.streaming_engine.generate import KINDS as GRAPH_KINDS
from rllib_envs.streaming_engine.generate import random_suite

MAX_BENCHMARKS = 20_000
"""More files than this in one folder is nearly always a mistyped range."""
ALIASES = {"conv": "conv2d"}


@dataclass(frozen=True, kw_only=True)
class GeneratorOptions:
    """What is generated."""

    kind: str
    """Kind of loop nest (mm, bmm, conv (= conv2d, NHWC), conv1d, transpose, row_sum and others) or of random graph
    (layered, gn), kernel_tuning for random kernels, network_scaling for random bounds on latency and memory,
    stem_sharing for applications, or online_sharing for traces of them."""
    dimA: str = ""
    """Loop nests: dimensions of A, outermost first, for example 64:128:16,64:128:16."""
    dimB: str = ""
    """Loop nests: dimensions of B, where the kind has one."""
    permute: bool = False
    """Loop nests: write every order of the loops, not only the kind's own."""
    nodes: str = ""
    """Graphs: their sizes, for example 10:20 or 10|15|20."""
    count: int = 10
    """Graphs, applications and traces: how many tasks of each size. Kernels: of each operator. Bounds: how many."""
    topology: str = "16 6"
    """Graphs: tiles and spokes of the device, or rows, columns and spokes."""
    pipeline_depth: int = DEFAULT_PIPELINE_DEPTH
    """Graphs: cycles from an instruction's start until its result is ready."""
    seed: int = 0
    """Of what is random: the same seed gives the same tasks."""
    apps: str = ""
    """Applications: how many share a stem, for example 2:10. Traces: how many there are at most at a time."""
    event_length: str = EventLength.CORRECTED
    """Applications and traces: corrected, or compatible with the published program."""
    table: str = ""
    """Bounds: the table of accuracies, by its name or the path of its .json."""
    platform: str = "desktop"
    """Bounds: raspberrypi, jetson or desktop."""
    device: str = "cpu"
    """Bounds: cpu, or cuda where the platform has it."""
    suffix: str = ""
    """Behind each benchmark's name, so that those of several kinds can be in one suite."""


def generate(options: GeneratorOptions) -> list[Benchmark]:
    """The benchmarks, always the same ones for the same options. UserError for options that make none."""
    if options.seed < 0:
        raise UserError(f"--seed is {options.seed}; it must not be negative")
    name = choose(options.kind, [*MAKERS, *ALIASES], "kind of benchmark")
    name = ALIASES.get(name, name)
    made = MAKERS[name](options, name)
    return [replace(each, name=each.name + options.suffix) for each in made] if options.suffix else made


def parse_dimension(text: str) -> list[int]:
    """The numbers that `lo:hi[:step]`, `a|b|c` or one number stands for."""
    try:
        if ":" in text:
            low, high, *rest = (int(part) for part in text.split(":"))
            (step,) = rest or [1]
            numbers = list(range(low, high + 1, step))
        else:
            numbers = [int(part) for part in text.split("|")]
    except ValueError:
        raise UserError(f"dimension {text!r} is not a number, a choice a|b|c, or a range low:high[:step]") from None
    if not numbers or min(numbers) < 1:
        raise UserError(f"dimension {text!r} has no positive size in it")
    return numbers


def all_sizes(kind: Kind, dims: list[str]) -> Iterator[dict[str, int]]:
    """Every combination of loop sizes; `dims` has the command line's text for each tensor."""
    ranges: dict[str, list[int]] = {}
    for tensor, text, layout in zip("AB", dims, kind.inputs, strict=False):
        names, parts = layout.split(), text.split(",") if text else []
        if len(parts) != len(names):
            raise UserError(f"--dim{tensor} needs {len(names)} dimensions ({', '.join(names)}), got {text!r}")
        for name, part in zip(names, parts, strict=True):
            numbers = parse_dimension(part)
            if ranges.setdefault(name, numbers) != numbers:
                raise UserError(f"dimension {name} belongs to A and B and must be the same in both, got {part!r}")
    for combination in itertools.product(*ranges.values()):
        extents = dict(zip(ranges, combination, strict=True))
        sizes = {name: extent for name, extent in extents.items() if "+" not in name}
        for dim in extents.keys() - sizes.keys():
            (place, stride), (window, _) = terms(dim)
            sizes[place] = (extents[dim] - sizes[window]) // stride + 1
        if min(sizes.values()) >= 1:  # a window that is larger than its image has no place
            yield sizes


def make_benchmarks(name: str, kind: Kind, dims: list[str], permute: bool) -> Iterator[Benchmark]:
    own_order = kind.order.split()
    for sizes in all_sizes(kind, dims):
        make_statement(name, sizes)  # refuses sizes that no tensor can have
        label = benchmark_name(name, sizes)
        spec = {"kind": name, "sizes": sizes}
        if not permute:
            yield Benchmark(label, "loop_nest", spec)
            continue
        for order in itertools.permutations(own_order):
            yield Benchmark(f"{label}_{''.join(order)}", "loop_nest", {**spec, "order": " ".join(order)})


def loop_nests(options: GeneratorOptions, name: str) -> list[Benchmark]:
    kind = KINDS[name]
    if len(kind.inputs) < 2 and options.dimB:
        raise UserError(f"{name} has no B; leave --dimB out")
    dims = [options.dimA, options.dimB][: len(kind.inputs)]
    benchmarks = list(itertools.islice(make_benchmarks(name, kind, dims, options.permute), MAX_BENCHMARKS + 1))
    if not benchmarks:
        raise UserError("no benchmark came of these dimensions; is the window larger than the image?")
    if len(benchmarks) > MAX_BENCHMARKS:
        raise UserError(f"more than {MAX_BENCHMARKS:,} benchmarks; use larger steps")
    return benchmarks


def applications(options: GeneratorOptions, name: str) -> list[Benchmark]:
    if not options.apps:
        raise UserError(f"{name} needs --apps, for example --apps=4:8")
    length = member(EventLength, options.event_length, "event length")
    suite = random_traces if name == ONLINE_SHARING else random_applications
    return list(suite(parse_dimension(options.apps), options.count, options.seed, length))


def graphs(options: GeneratorOptions, name: str) -> list[Benchmark]:
    if options.dimA or options.dimB or options.permute:
        raise UserError(f"--dimA, --dimB and --permute are for loop nests; {name} graphs need --nodes")
    if not options.nodes:
        raise UserError(f"{name} graphs need --nodes, for example --nodes=10:20")
    device = parse_topology(options.topology, options.pipeline_depth)
    return random_suite(name, parse_dimension(options.nodes), options.count, device, seed=options.seed)


def kernels(options: GeneratorOptions, name: str) -> list[Benchmark]:
    return random_kernels(options.count, options.seed)


def bounds(options: GeneratorOptions, name: str) -> list[Benchmark]:
    if not options.table:
        raise UserError(f"{name} needs --table, the name or path of a table of accuracies")
    return random_bounds(options.table, options.platform, options.device, options.count, options.seed)


MAKERS: dict[str, Callable[[GeneratorOptions, str], list[Benchmark]]] = {
    **dict.fromkeys(KINDS, loop_nests),
    **dict.fromkeys(GRAPH_KINDS, graphs),
    KERNELS: kernels,
    SCALING: bounds,
    STEM_SHARING: applications,
    ONLINE_SHARING: applications,
}
"""By kind."""
