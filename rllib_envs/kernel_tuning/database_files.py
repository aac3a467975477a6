"""What the files of TVM's tuning records are called, for processes with and without TVM."""

from __future__ import annotations

WORKLOADS, RECORDS = "database_workload.json", "database_tuning_record.json"
"""As MetaSchedule itself calls them."""
