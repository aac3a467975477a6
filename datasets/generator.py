"""Write a suite of benchmarks: a folder with one small JSON file each.

Loop nests:

    python datasets/generator.py --kind=mm --dimA=64:128:16,64:128:16 --dimB=64:128:16,64:128:16 --out=my_suite

The dimensions are those of the tensors A and B in their memory layout: A is m,k and B is k,n for `mm`; A is
height,width,channels and B is window height,window width,channels,output channels for `conv`. Each is a number, a
choice `32|64|100`, or a range `low:high[:step]` that includes its end. A dimension that A and B share is given twice
and must agree. Every combination becomes a benchmark.

Random compute graphs for a streaming engine, each of which has a valid mapping:

    python datasets/generator.py --kind=layered --nodes=10:20:5 --count=100 --topology='16 6' --out=my_graphs

Random kernels of dense layers, batched products and convolutions, with the extents of common networks:

    python datasets/generator.py --kind=kernel_tuning --count=20 --out=my_kernels

Random video applications that share a network's stem, each task with a budget that some schedule keeps to:

    python datasets/generator.py --kind=stem_sharing --apps=2:10 --count=20 --out=my_applications

Random traces, on which such applications come and go and the box's capacity drifts:

    python datasets/generator.py --kind=online_sharing --apps=4:8 --count=20 --out=my_traces
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from launcher.usage import one_line_usage
from rllib_envs.errors import UserError, one_line_errors
from rllib_envs.generated_suite import write_suite
from rllib_envs.suite_generator import GeneratorOptions, generate


@dataclass(frozen=True, kw_only=True)
class Arguments(GeneratorOptions):
    """Write a suite of benchmarks."""

    out: Path
    """Folder to write; it must not exist yet."""
    debug: bool = False
    """Show the traceback of an error."""


def main() -> None:
    with one_line_usage(Arguments):
        arguments = tyro.cli(Arguments, description=__doc__)
    with one_line_errors(arguments.debug):
        if arguments.out.exists():
            raise UserError(f"{arguments.out} exists already; choose another --out or remove it")
        benchmarks = generate(arguments)
        write_suite(benchmarks, arguments.out)
        print(f"{len(benchmarks)} benchmarks in {arguments.out}, for example {benchmarks[0].name}.json")


if __name__ == "__main__":
    main()
