"""The throw-away cluster is a real SLURM: steps, arrays, GPUs, preemption, lost nodes; and it leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.devclusters import DEVCLUSTER, devcluster, output, processes_that_know, wait_until


def submit(*arguments: str) -> str:
    """The id of a batch job that writes nothing."""
    return output("sbatch", "--parsable", "--output=/dev/null", *arguments).strip()


def job(number: str) -> dict[str, str]:
    """What the controller knows of a job."""
    pairs = (pair.partition("=") for pair in output("scontrol", "show", "job", "-o", number).split())
    return {name: value for name, _, value in pairs}


def accounted(number: str, column: str) -> set[str]:
    rows = output("sacct", "--jobs", number, "-X", "--noheader", "--parsable2", f"--format=JobID,{column}")
    return set(rows.split())


def test_all_nodes_are_idle_after_the_start(slurm_cluster: Path) -> None:
    assert output("sinfo", "-h", "-p", "main", "-o", "%N %T %c %m %G").split() == [
        "n[1-3]",
        "idle",
        "4",
        "8000",
        "gpu:2",
    ]


def test_a_step_runs_on_three_nodes(slurm_cluster: Path) -> None:
    lines = output("srun", "--nodes=3", "--label", "printenv", "SLURMD_NODENAME").splitlines()
    assert sorted(lines) == ["0: n1", "1: n2", "2: n3"]


def test_an_array_has_results(slurm_cluster: Path) -> None:
    array = submit("--array=0-2", "--wait-all-nodes=0", "--wrap=exit $(( SLURM_ARRAY_TASK_ID % 2 ))")
    expected = {f"{array}_0|COMPLETED", f"{array}_1|FAILED", f"{array}_2|COMPLETED"}
    wait_until(lambda: accounted(array, "State") == expected, "three tasks with their states in sacct")
    assert accounted(array, "ExitCode") == {f"{array}_0|0:0", f"{array}_1|1:0", f"{array}_2|0:0"}


def test_a_job_sees_its_gpus(slurm_cluster: Path) -> None:
    assert output("srun", "--gres=gpu:2", "printenv", "CUDA_VISIBLE_DEVICES") == "0,1\n"


def test_mail_can_be_read(slurm_cluster: Path) -> None:
    number = submit("--mail-type=END", "--mail-user=somebody@example.org", "--wrap=true")
    mail = slurm_cluster / "log" / "mail.log"
    wait_until(lambda: mail.exists() and f"Job_id={number}" in mail.read_text(), "a mail about the job's end")
    assert "somebody@example.org" in mail.read_text()


def test_status_counts_jobs(slurm_cluster: Path) -> None:
    number = submit("--wrap=sleep 100")
    wait_until(lambda: job(number)["JobState"] == "RUNNING", "the job runs")
    status = devcluster("status", "--dir", slurm_cluster).stdout
    output("scancel", "--full", "--signal=KILL", number)
    assert "jobs: 1 running\n" in status
    assert [line.split()[0] for line in status.splitlines()[1:-1]] == ["n1", "n2", "n3"]
    wait_until(lambda: not output("squeue", "-h"), "the job has gone")


def test_a_job_of_higher_priority_takes_the_place_of_a_low_one(slurm_cluster: Path, tmp_path: Path) -> None:
    # Without a word of its own, a job would be requeued by SLURM after GraceTime.
    signals = tmp_path / "signals"
    script = f"trap 'echo USR2 >> {signals}; scontrol requeue $SLURM_JOB_ID' USR2; while true; do sleep 0.1; done"
    low = submit("--partition=low", "--nodes=3", "--exclusive", "--signal=B:USR2@1", "--time=10", f"--wrap={script}")
    wait_until(lambda: job(low)["JobState"] == "RUNNING", "the low job runs")
    high = submit("--partition=high", "--nodes=1", "--wrap=true")
    wait_until(signals.exists, "the low job is told")
    wait_until(lambda: job(high)["JobState"] == "COMPLETED", "the high job is done")
    assert job(low)["Restarts"] == "1"
    output("scancel", low)


@pytest.mark.slow
def test_a_job_on_a_lost_node_starts_again_elsewhere(slurm_cluster: Path) -> None:
    number = submit("--wrap=sleep 100")
    wait_until(lambda: job(number)["JobState"] == "RUNNING", "the job runs")
    node = job(number)["NodeList"]
    assert devcluster("kill-node", node, "--dir", slurm_cluster).stdout == f"devcluster: {node} killed\n"
    assert "was not running" in devcluster("kill-node", node, "--dir", slurm_cluster).stdout
    assert "slurmd is not running" in devcluster("status", "--dir", slurm_cluster).stdout
    wait_until(
        lambda: job(number)["JobState"] == "RUNNING" and job(number)["NodeList"] != node, "it runs elsewhere", 120
    )
    assert job(number)["Restarts"] == "1"
    output("scancel", number)
    assert devcluster("start-node", node, "--dir", slurm_cluster).stdout == f"devcluster: {node} is back\n"
    assert "was running already" in devcluster("start-node", node, "--dir", slurm_cluster).stdout
    assert output("srun", f"--nodelist={node}", "printenv", "SLURMD_NODENAME") == f"{node}\n"


IN_A_SHELL = """
eval "$({python} {devcluster} start --nodes 1 --no-accounting --dir {folder})"
srun --quiet sh -c 'setsid sleep 654 >/dev/null 2>&1 &'
sbatch --quiet --output=/dev/null --wrap='sleep 655'
sacct --noheader --format=JobName,State
SLURM_JOB_ID=1 SLURM_CLUSTER_NAME=another exec sleep 656
"""


def test_stop_leaves_nothing(short_folder: Path) -> None:
    script = IN_A_SHELL.format(python=sys.executable, devcluster=DEVCLUSTER, folder=short_folder)
    with subprocess.Popen(["bash", "-c", script], stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        # From the stand-in, for this cluster has no accounting.
        assert shell.stdout.readline() == "sh|COMPLETED\n"
        assert shell.stdout.readline().startswith("wrap|")
        wait_until(lambda: any("655" in line for line in processes_that_know(short_folder)), "the second job runs")
        stop = devcluster("stop", "--dir", short_folder)
        assert stop.returncode == 0, stop.stderr
        assert "(sleep 654) of job" in stop.stdout
        assert not short_folder.exists()
        assert processes_that_know(short_folder) == ["sleep 656 "], "only the shell that used the cluster lives on"
        assert shell.poll() is None
        shell.kill()
    again = devcluster("stop", "--dir", short_folder)
    assert (again.returncode, again.stdout) == (0, f"devcluster: no cluster in {short_folder}\n")


def with_slurmctld(folder: Path, script: str) -> str:
    """A PATH on which `script` stands in the place of the controller."""
    program = folder / "slurmctld"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_a_start_that_fails_shows_the_log_and_leaves_nothing(short_folder: Path, tmp_path: Path) -> None:
    path = with_slurmctld(tmp_path, "echo fatal: out of order; exit 3")
    start = devcluster("start", "--no-accounting", "--dir", short_folder, PATH=path)
    assert (start.returncode, start.stdout) == (1, "")
    assert "slurmctld ended with status 3; the end of its log:\n  fatal: out of order\n" in start.stderr
    assert not short_folder.exists() and not processes_that_know(short_folder)


def test_a_start_that_is_told_to_end_leaves_nothing(short_folder: Path, tmp_path: Path) -> None:
    path = with_slurmctld(tmp_path, "exec sleep 100")
    command = [sys.executable, str(DEVCLUSTER), "start", "--no-accounting", "--dir", str(short_folder)]
    with subprocess.Popen(command, env=os.environ | {"PATH": path}, stderr=subprocess.PIPE, text=True) as start:
        wait_until((short_folder / "run" / "slurmctld.pid").exists, "the controller was started")
        second = devcluster("start", "--dir", short_folder)
        assert second.returncode == 2 and second.stderr.startswith("error: another start is under way")
        start.send_signal(signal.SIGTERM)
        assert start.communicate(timeout=30)[1] == "interrupted\n"
        assert start.returncode == 130
    assert not short_folder.exists() and not processes_that_know(short_folder)


def test_what_a_dead_cluster_left_gives_way(short_folder: Path) -> None:
    arguments = "start", "--nodes", "1", "--no-accounting", "--dir", short_folder
    assert devcluster(*arguments).returncode == 0
    os.kill(int((short_folder / "run" / "slurmctld.pid").read_text()), signal.SIGKILL)
    wait_until(lambda: devcluster("status", "--dir", short_folder).returncode == 1, "no controller")
    again = devcluster(*arguments)
    assert again.returncode == 0 and "has died" in again.stderr


def refusal(*arguments: str | Path, **environment: str) -> str:
    """The one line with which bad input is answered."""
    run = devcluster(*arguments, **environment)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("error: ") and run.stderr.count("\n") == 1, run.stderr
    return run.stderr


def test_a_missing_package_is_named(short_folder: Path) -> None:
    said = refusal("start", "--dir", short_folder, PATH="/nonexistent")
    assert "slurm-wlm must be installed: apt-get install" in said
    assert not short_folder.exists()


@pytest.mark.parametrize("command", ["start", "stop"])
def test_a_folder_of_others_stays(short_folder: Path, command: str) -> None:
    short_folder.mkdir()
    (short_folder / "thesis.tex").touch()
    assert "was not made by devcluster" in refusal(command, "--dir", short_folder)
    assert [path.name for path in short_folder.iterdir()] == ["thesis.tex"]
    (short_folder / "thesis.tex").unlink()


def test_two_clusters_do_not_share_a_folder(slurm_cluster: Path) -> None:
    assert "runs in" in refusal("start", "--dir", slurm_cluster)
    assert "idle" in output("sinfo", "-h")


def test_clusters_that_start_at_once_number_their_jobs_differently(short_folder: Path) -> None:
    """What a job leaves in this host's /tmp is known by its number."""
    folders = [short_folder.parent / name for name in "ab"]
    small = ("start", "--nodes", "1", "--no-accounting", "--dir")
    starts = [
        subprocess.Popen([sys.executable, DEVCLUSTER, *small, folder], stdout=subprocess.DEVNULL) for folder in folders
    ]
    assert [start.wait(120) for start in starts] == [0, 0]
    try:
        numbers = []
        for folder in folders:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
                numbers.append(int(submit("--wrap=true")))
    finally:
        for folder in folders:
            devcluster("stop", "--dir", folder)
    assert abs(numbers[0] - numbers[1]) > 10


@pytest.mark.parametrize("command", ["kill-node", "start-node"])
def test_an_unknown_node_is_answered_with_those_there_are(slurm_cluster: Path, command: str) -> None:
    assert "no node 'n9'" in (said := refusal(command, "n9", "--dir", slurm_cluster)) and "n1, n2, n3" in said


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["start", "--nodes", "0"], "'0' is not a whole number from 1 to 64"),
        (["start", "--cpus", "two"], "'two' is not a whole number of at least 1"),
        (["start", "--ports", "17000-17002"], "5 free ports in a row are needed and 17000-17002 has none left"),
        (["start", "--ports", "17000"], "'17000' is not a range of ports"),
        (["start", "--dir", "/tmp/" + "x" * 80], "give a --dir of 73 at most"),
        (["start", "--dir", "/tmp/tws my cluster"], "contains ' '"),
        (["start", "--dir", "/nonexistent/folder"], "parent is missing"),
        (["kill-node", "n1", "--dir", "/tmp/tws-none"], "no cluster runs in /tmp/tws-none"),
        (["restart"], "invalid choice: 'restart'"),
        ([], "required: COMMAND"),
    ],
)
def test_bad_input_gets_one_line(arguments: list[str], part: str) -> None:
    assert part in refusal(*arguments)
