#!/usr/bin/env python3
"""Stands in for `sacct` where there is no accounting: prints, with `|` between, what the controller remembers of jobs.

Knows the options and columns that submitit and people use most. Steps of a job are not listed.
"""

from __future__ import annotations

import argparse
import re
import subprocess

COLUMNS = {
    "jobid": "JobID",
    "jobidraw": "JobId",
    "jobname": "JobName",
    "partition": "Partition",
    "user": "UserId",
    "state": "JobState",
    "exitcode": "ExitCode",
    "nodelist": "NodeList",
    "nnodes": "NumNodes",
    "alloccpus": "NumCPUs",
    "submit": "SubmitTime",
    "start": "StartTime",
    "end": "EndTime",
    "elapsed": "RunTime",
    "restarts": "Restarts",
    "workdir": "WorkDir",
    "comment": "Comment",
}
"""Of sacct, and where `scontrol show job` has it."""


def remembered_jobs() -> list[dict[str, str]]:
    """Each job, or task of an array, with the names of `scontrol`; JobID is written as sacct would."""
    shown = subprocess.run(["scontrol", "show", "job", "-o"], capture_output=True, text=True).stdout
    # A value may contain blanks; it ends where the next name begins.
    jobs = [dict(re.findall(r"(\S+?)=(.*?)(?=\s\S+=|\s*$)", line)) for line in shown.splitlines()]
    for job in jobs:
        array, task = job.get("ArrayJobId"), job.get("ArrayTaskId", "")
        pending_tasks = task if task.isdecimal() else f"[{task}]"
        job["JobID"] = f"{array}_{pending_tasks}" if array else job.get("JobId", "")
        job["NodeList"] = job.get("NodeList", "").replace("(null)", "None assigned")
    return [job for job in jobs if job["JobID"]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="sacct", description=__doc__)
    parser.add_argument("-j", "--jobs", action="append", default=[])
    parser.add_argument("-o", "--format", default="JobID,JobName,Partition,State,ExitCode")
    parser.add_argument("-n", "--noheader", action="store_true")
    for accepted in (("-P", "--parsable2"), ("-X", "--allocations"), ("-a", "--allusers")):
        parser.add_argument(*accepted, action="store_true", help="always on")
    options = parser.parse_args()

    columns = options.format.split(",")
    asked = {job for jobs in options.jobs for job in jobs.split(",")}
    if not options.noheader:
        print("|".join(columns))
    for job in remembered_jobs():
        if not asked or asked & {job["JobID"], job["JobId"], job.get("ArrayJobId")}:
            print("|".join(job.get(COLUMNS.get(column.lower(), ""), "") for column in columns))


if __name__ == "__main__":
    main()
