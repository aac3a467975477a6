"""Scale a base network: the width, depth and resolution that are most accurate within bounds on latency and memory.

python launcher/network_scaling.py search -p raspberrypi -v cpu --latency 5 --mem 10 --id 0
python launcher/network_scaling.py evaluate -p desktop -v cpu -w 1.0 -d 1.0 -r 32 -e 1
python launcher/network_scaling.py toy
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from launcher.program import run_program
from launcher.scaling.evaluation import run_evaluate
from launcher.scaling.options import (
    EvaluateOptions,
    ImportOptions,
    MeasureOptions,
    RecordOptions,
    ScriptOptions,
    SearchOptions,
    ToyOptions,
)
from launcher.scaling.search import run_search_command, run_toy
from launcher.scaling.tables import run_import, run_measure, run_record, run_script

COMMANDS: dict[type[Any], Callable[[Any], None]] = {
    SearchOptions: run_search_command,
    EvaluateOptions: run_evaluate,
    ToyOptions: run_toy,
    RecordOptions: run_record,
    MeasureOptions: run_measure,
    ScriptOptions: run_script,
    ImportOptions: run_import,
}
NAMES: dict[str, Callable[..., Any]] = {
    "search": SearchOptions,
    "evaluate": EvaluateOptions,
    "toy": ToyOptions,
    "record": RecordOptions,
    "measure": MeasureOptions,
    "script": ScriptOptions,
    "import": ImportOptions,
}


def main(arguments: list[str] | None = None) -> None:
    run_program("network_scaling.py", __doc__, NAMES, COMMANDS, arguments)


if __name__ == "__main__":
    main()
