"""`launcher/stem_sharing.py experiment`: what sharing is worth, for ever more applications on one box."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from launcher.options import at_least
from launcher.stem.options import ExperimentOptions
from launcher.stem.setup import Setup, read_setup
from launcher.tables import print_table
from rllib_envs.errors import MissingPackage, UserError
from rllib_envs.names import choose
from rllib_envs.stem_sharing.scheduler import Report
from rllib_envs.stem_sharing.schedulers import MODES
from rllib_envs.stem_sharing.task import TooLittle

FEWEST = 2
LABELS = {"mainstream": "shares what is worth it", "maxsharing": "shares all it can", "nosharing": "shares nothing"}
LOOKS = {"mainstream": ("#0072B2", "o"), "maxsharing": ("#D55E00", "s"), "nosharing": ("#666666", "^")}


def run_experiment(options: ExperimentOptions) -> None:
    """Write a CSV file for each version, and a figure. Rows are id, fnr, fpr, accuracy loss, freeze points, rates."""
    at_least(("num_apps", options.num_apps, 1))
    for version in options.versions:
        choose(version, MODES, "version")
    prefix = Path(options.outfile_prefix)
    if options.setup is None:
        raise UserError("--setup is missing: a JSON file with apps, video_desc and model_desc, or a benchmark file")
    setup = read_setup(options.setup, options.datasets)
    if prefix.name in ("", ".."):
        raise UserError(f"outfile_prefix is {options.outfile_prefix!r}; it needs a name, such as results/night")
    try:
        prefix.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"folder {prefix.parent} can't be made: {error.strerror}; choose another prefix") from None
    found = {version: _reports(options, setup, version) for version in options.versions}
    for version, reports in found.items():
        rows = ["".join(f"{_row(size, report)}\n") for size, report in reports.items()]
        Path(f"{prefix}-{version}").write_text("".join(rows))
    _show(found)
    draw(Path(f"{prefix}.png"), found, options.budget)
    print(f"written: {', '.join(f'{prefix}-{version}' for version in found)}, {prefix}.png")


def _reports(options: ExperimentOptions, setup: Setup, version: str) -> dict[int, Report]:
    """By the number of applications; without those for which the budget is too little."""
    reports = {}
    for size in range(min(FEWEST, options.num_apps), options.num_apps + 1):
        try:
            reports[size] = setup.in_turns(size).scheduler(options, version).run(options.budget)
        except TooLittle as error:
            print(f"{version}, {size} applications: {error}")
    return reports


def _row(size: int, report: Report) -> str:
    means = [f"{mean:.6f}" for mean in (report.fnr, report.fpr, report.relative_accuracy_loss)]
    return ",".join([str(size), *means, *map(str, report.frozen), *(f"{rate:g}" for rate in report.fps)])


def _show(found: dict[str, dict[int, Report]]) -> None:
    table = Table(box=None, pad_edge=False, title="mean F1", title_justify="left")
    for column in ("applications", *found):
        table.add_column(column, justify="right")
    for size in sorted({size for reports in found.values() for size in reports}):
        cells = (f"{reports[size].f1:.3f}" if size in reports else "-" for reports in found.values())
        table.add_row(str(size), *cells)
    print_table(table)


def draw(path: Path, found: dict[str, dict[int, Report]], budget: float) -> None:
    """A picture (by the path's ending) of mean F1 by the number of applications."""
    try:
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator
    except ImportError:
        raise MissingPackage("pictures need matplotlib; pip install 'tunewright[eval]'") from None
    figure = Figure(figsize=(6.5, 4.0), layout="constrained")
    axes = figure.subplots()
    for version, reports in found.items():
        colour, marker = LOOKS[version]
        axes.plot([*reports], [one.f1 for one in reports.values()], color=colour, marker=marker, label=LABELS[version])
    axes.set(xlabel="applications", ylabel="mean F1 of events", ylim=(0, 1), title=f"Budget {budget:g}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=len(found), frameon=False)
    figure.savefig(path, dpi=150)
