"""From our records to TVM's: every tuner's results as a database that MetaSchedule applies.

Records of other problems, of failures, and of another processor or version are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.gene_space import Gene
from rllib_envs.kernel_tuning.measure import KernelMeasurer
from rllib_envs.kernel_tuning.measured_on import measured_on
from rllib_envs.kernel_tuning.notation import parse_gene
from rllib_envs.kernel_tuning.task import PROBLEM, KernelTask
from rllib_envs.records import Record

SECONDS = "seconds"
"""Among an evaluation's details: what one run took."""


def write_tuning_records(records: Iterable[Record], folder: Path, measurer: KernelMeasurer) -> int:
    """Add records to the database in a folder, which is made where there is none; how many.

    Of a gene that was measured several times the fastest counts. UserError for a record whose task or gene makes no
    sense.
    """
    fastest: dict[KernelTask, dict[Gene, float]] = {}
    for record in records:
        if record.problem != PROBLEM or record.evaluation.error or record.measured_on != measured_on():
            continue
        task = _task(record.benchmark)
        gene = parse_gene(measurer.open(task).space, record.solution)
        seconds = record.evaluation.details.get(SECONDS, 0.0)
        if seconds <= 0:
            raise UserError(f"the record of {record.solution!r} has no seconds; it was not made by kernel tuning")
        genes = fastest.setdefault(task, {})
        genes[gene] = min(seconds, genes.get(gene, seconds))
    return sum(measurer.write_database(task, sorted(genes.items()), folder) for task, genes in fastest.items())


def _task(text: str) -> KernelTask:
    try:
        spec = json.loads(text)
    except ValueError:
        spec = None
    if not isinstance(spec, dict):
        raise UserError(f"{text[:60]!r} describes no kernel; the records are damaged")
    return KernelTask.from_spec(spec)
