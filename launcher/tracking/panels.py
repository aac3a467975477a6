"""The dashboard at Weights & Biases: which figures it shows, under which titles, and in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.report.figures import drawings
from launcher.comparison.evaluation import METHODS
from launcher.tracking.figures import LEARNING, LOSS, THROUGHPUT, TRAINER, WORKERS

ITERATION, MINUTES = "Step", "RelativeTime(Process)"
"""Horizontal axes, in the library's words."""
OPEN = ("Learning", "Held-out benchmarks")
"""Sections whose panels are seen at once."""
HELD_OUT = "Held-out benchmarks"
TABLES = ("benchmarks", "wins", "fast_p", "actions")
REPORT = "report"
"""Of a run's report, as `evaluation/...`."""
COLUMNS = ("iteration", "env_steps", "return_mean", "speedup_mean", "best_speedup", "speedup/policy")
"""Of the table of runs: from a run's summary."""

CURVES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "Learning": {
        "Return of an episode, mean": [f"{LEARNING}/return_mean"],
        "Return of the best actions": [f"{LEARNING}/greedy_return"],
        "Speed-up over the untuned state, mean": [f"{LEARNING}/speedup_mean"],
        "Best speed-up so far": [f"{LEARNING}/best_speedup"],
    },
    HELD_OUT: {},
    "Throughput": {
        "Environment steps per second": [f"{THROUGHPUT}/env_steps_per_second"],
        "Environment steps": [f"{THROUGHPUT}/env_steps"],
        "Episodes in an iteration": [f"{THROUGHPUT}/episodes"],
        "Seconds of training": [f"{THROUGHPUT}/seconds"],
    },
    "Losses": {
        "Total": [f"{LOSS}/total_loss"],
        "Policy": [f"{LOSS}/policy_loss"],
        "Value function": [f"{LOSS}/vf_loss"],
        "Variance that the value function explains": [f"{LOSS}/vf_explained_var"],
        "Entropy of the policy": [f"{LOSS}/entropy"],
        "Weight of the entropy": [f"{LOSS}/curr_entropy_coeff"],
        "Q function": [f"{LOSS}/qf_loss"],
        "Q values, mean": [f"{LOSS}/qf_mean"],
        "TD error, mean": [f"{LOSS}/td_error_mean"],
    },
    "Ape-X: staleness and replay": {
        "Environment steps per second": [f"{TRAINER}/env_steps_per_second"],
        "Updates per second": [f"{TRAINER}/updates_per_second"],
        "Steps trained on per step played": [f"{TRAINER}/replay_ratio"],
        "Staleness: versions behind": [f"{TRAINER}/versions_behind"],
        "Staleness: updates behind": [f"{TRAINER}/updates_behind"],
        "Version of the weights": [f"{TRAINER}/weights_version"],
        "Share of time that the learner waits, and is held back": [
            f"{TRAINER}/learner_idle_share",
            f"{TRAINER}/learner_throttled_share",
        ],
        "Transitions in the replay": [f"{TRAINER}/replay_size"],
        "Age of what is drawn, in steps": [f"{TRAINER}/replay_age_steps"],
        "Priority, mean": [f"{TRAINER}/mean_priority"],
        "Priorities that came too late": [f"{TRAINER}/stale_priority_writes"],
        "Samples that are lost": [f"{TRAINER}/lost_samples"],
        "In flight: additions, samples, requests": [
            f"{TRAINER}/adds_in_flight",
            f"{TRAINER}/prefetched_samples",
            f"{TRAINER}/learner_requests_in_flight",
        ],
    },
    "Workers": {
        "Environment runners replaced": [f"{WORKERS}/runner_restarts"],
        "Environments replaced": [f"{WORKERS}/env_restarts"],
    },
}
"""By section and title, over iterations. The held-out benchmarks have other panels."""
SYSTEM: Mapping[str, Sequence[str]] = {
    "CPU of the training, %": ["system/cpu"],
    "Memory of the training, MB": ["system/proc.memory.rssMB"],
    "Memory of the machine, %": ["system/memory_percent"],
    "Disk that is used, %": ["system/disk./.usagePercent"],
    "GPU, %": ["system/gpu.0.gpu"],
    "Memory of the GPU, %": ["system/gpu.0.memoryAllocated"],
}
"""By title, over minutes; what the client measures beside the training."""


def sections() -> list[Any]:
    """The sections of a workspace of `wandb_workspaces`, which must be installed."""
    import wandb_workspaces.workspaces as ws

    made = [
        ws.Section(name=name, panels=curves(shown, ITERATION) if shown else held_out(), is_open=name in OPEN)
        for name, shown in CURVES.items()
    ]
    return [*made, ws.Section(name="System", panels=curves(SYSTEM, MINUTES))]


def curves(shown: Mapping[str, Sequence[str]], over: str) -> list[Any]:
    import wandb_workspaces.reports.v2 as wr

    return [wr.LinePlot(title=title, x=over, y=list(names)) for title, names in shown.items()]


def held_out() -> list[Any]:
    """What a run's report has: each method's speed-up, the figures, the tables, and the page itself."""
    import wandb_workspaces.reports.v2 as wr

    bars = wr.BarPlot(title="Speed-up on held-out benchmarks", metrics=[f"speedup/{method}" for method in METHODS])
    shown = (*drawings((), references=()), REPORT)
    pictures = [wr.MediaBrowser(title=name, media_keys=[f"evaluation/{name}"]) for name in shown]
    tables = [wr.WeavePanelSummaryTable(table_name=f"evaluation/{name}") for name in TABLES]
    return [bars, *pictures, *tables]
