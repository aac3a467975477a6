"""`launcher/network_scaling.py`: what users type, what they get, and one line for what can't work."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from eval.searches.hill_climbing import hill_climbing
from launcher.network_scaling import main
from launcher.scaling.options import SearchOptions
from launcher.scaling.search import alone, compound, folder_name, method_of, policy_then_climb
from rllib_envs.network_scaling import timing
from rllib_envs.network_scaling.latency_file import LatencyFile
from rllib_envs.network_scaling.problem import NetworkScaling
from rllib_envs.network_scaling.timing import Timing
from tests.conftest import ROOT
from tests.models.toy_policies import untrained
from tests.rllib_envs.network_scaling.scaled import DIGITS

PROGRAM = (sys.executable, str(ROOT / "launcher" / "network_scaling.py"))
ALONE = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
TABLE = ("-p", "raspberrypi", "-v", "cpu", "--table", str(DIGITS))
LIVE = (
    "-p", "raspberrypi", "--latency", "0.01", "--mem", "1", "--data", "digits", "--images", "64", "--validation", "40",
    "--batch", "64", "-w", "0.1", "-r", "5",
)  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOOP_TOOL_ROOT", raising=False)
    return tmp_path


def run(*arguments) -> None:
    main(list(map(str, arguments)))


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def refused(code, capsys, *arguments) -> str:
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    error = capsys.readouterr().err
    assert ended.value.code == code and error.startswith("error: ") and error.count("\n") == 1, error
    return error


def test_a_search_answers_with_the_best_and_logs_every_network(folder, capsys):
    run("search", *TABLE, "--latency", 0.012, "--mem", 2, "--id", 3, "--evaluations", 12)
    printed = capsys.readouterr().out
    place = folder / "runs" / "network_scaling" / "raspberrypi_cpu_l0.012_m2"
    visited, best = rows(place / "search3.jsonl"), json.loads((place / "best3.json").read_text())
    assert len(visited) == 12 == best["evaluations"]
    assert best["accuracy"] == max(row["accuracy"] for row in visited) == visited[-1]["best"]
    assert all(row["latency"] <= 0.012 and row["memory"] <= 2 for row in visited)
    assert len({(row["width"], row["depth"], row["resolution"]) for row in visited}) == 12
    scaling = f"({best['width'] / 10:g}, {best['depth'] / 10:g}, {best['resolution']})"
    assert f"(width, depth, resolution) = {scaling}" in printed and "modelled after" in printed
    assert f"validation accuracy: {best['accuracy']:.2f} %" in printed
    assert f"latency: {best['latency']:.4g} s of at most 0.012 s" in printed
    assert f"memory:  {best['memory']:.2f} MB of at most 2 MB" in printed


@pytest.mark.parametrize("method", ["random", "compound", "reinforce", "greedy1"])
def test_other_methods_search_too(method, folder, capsys):
    run("search", *TABLE, "--latency", 0.02, "--mem", 4, "--evaluations", 3, "--method", method)
    assert "(width, depth, resolution) = " in capsys.readouterr().out
    (log,) = folder.glob("runs/network_scaling/*/search0.jsonl")
    assert 1 <= len(rows(log)) <= 3


def test_impossible_bounds_end_with_code_4_and_the_nearest_miss(folder, capsys):
    error = refused(4, capsys, "search", *TABLE, "--latency", 0.001, "--mem", 100)
    assert "There are no possible architecture satisfying constraints!" in error
    assert "The nearest miss is (0.1, 0.5, 4), which takes 0.001643 s" in error
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-p", "rasberrypi"), "unknown platform 'rasberrypi'; did you mean 'raspberrypi'?"),
        (("-p", "raspberrypi", "-v", "cuda"), "unknown device of raspberrypi 'cuda'"),
        (("--latency", 0), "--latency is 0; it must be a number above 0"),
        (("--mem", "nan"), "--mem is nan"),
        (("--id", -1), "--id is -1; it must be at least 0"),
        (("--evaluations", 0), "--evaluations is 0"),
        (("--table", "digits", "--seeds", 3), "--seeds is for what is trained"),
        (("--live",), "--live is for what a --table lacks"),
        (("--table", "nowhere.json"), "table of accuracies nowhere.json does not exist"),
        (("--data", "mnist"), "unknown data set of images 'mnist'"),
        (("-m", "vgg"), "unknown network 'vgg'"),
        (("-m", "efficientnet"), "there is no table of latencies desktop_cpu_efficientnet_b0_1x10.json"),
        (("-w", 0.25), "width is 0.25; give a multiple of 0.1"),
        (("-e", 0), "epochs of a training is 0"),
        (("--data", "digits", "--method", "greedy"), "unknown method 'greedy'"),
        (("--data", "digits", "--method", "random", "--policy", "x"), "--policy is for --method policy"),
        (("--data", "digits", "--method", "policy"), "no policy for 'network_scaling'"),
        (("--data", "cifar100"), "cifar100 is not shipped"),
        (("--folder", "."), "Fashion-MNIST is not in .*apt-get install dataset-fashion-mnist"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(arguments, message, folder, capsys):
    assert re.search(message.replace("(", r"\("), refused(2, capsys, "search", *arguments))
    assert not (folder / "runs").exists()


def test_an_id_is_for_one_search_at_a_time(folder, capsys):
    place = folder / "shared" / folder_name(SearchOptions(platform="raspberrypi", latency=1.0, mem=2.0))
    bounds = ("--latency", 1, "--mem", 2, "--shared", "shared", "--evaluations", 2)
    with alone(place, 7):
        error = refused(2, capsys, "search", *TABLE, *bounds, "--id", 7)
        assert "a search with --id 7 is running" in error and not (place / "search7.jsonl").exists()
        run("search", *TABLE, *bounds, "--id", 8)
    run("search", *TABLE, *bounds, "--id", 7)
    assert len(rows(place / "search7.jsonl")) == len(rows(place / "search8.jsonl")) == 2


def test_searches_that_run_together_share_what_they_train(folder):
    """Each looks at three networks, both begin at the same one, and none is trained twice."""
    few = ("--latency", "0.006", "--mem", "0.5", "--evaluations", "3", "--shared", folder / "shared")
    searches = [subprocess.Popen([*PROGRAM, "search", *LIVE, *few, "--id", number], env=ALONE) for number in "01"]
    assert [search.wait() for search in searches] == [0, 0]
    trained = [row["solution"] for row in rows(folder / "shared" / "results.jsonl")]
    logs = [rows(path) for path in sorted((folder / "shared").glob("*/search*.jsonl"))]
    networks = {(row["width"], row["depth"], row["resolution"]) for log in logs for row in log}
    assert len(trained) == len(set(trained)) == len(networks) and [len(log) for log in logs] == [3, 3]
    assert len(networks) < 6, "both begin at the same network"


def test_a_live_search_trains_what_a_table_lacks(folder, capsys):
    begun = folder / "begun.json"
    begun.write_text(DIGITS.read_text())
    records = DIGITS.with_suffix(".jsonl").read_text().splitlines(keepends=True)
    begun.with_suffix(".jsonl").write_text("".join(records[:50]))
    assert "lacks 30 trainings" in refused(2, capsys, "search", *TABLE[:4], "--table", begun)
    bounds = ("--latency", 0.0018, "--mem", 0.3, "-w", 0.1, "-d", 0.1, "-r", 4, "--evaluations", 1)
    run("search", *TABLE[:4], "--table", begun, "--live", *bounds)
    (log,) = folder.glob("runs/network_scaling/*/search0.jsonl")
    (row,) = rows(log)
    seeds = [one["value"] for one in map(json.loads, records) if " blocks 1 1 1 1 " in one["solution"]
             and "stem 8 " in one["solution"] and "input 1x4x4" in one["solution"]]  # fmt: skip
    assert len(seeds) == 2 and row["accuracy"] == pytest.approx(sum(seeds) / 2)
    assert not (folder / "runs" / "network_scaling" / "results.jsonl").exists(), "the table had it"


def test_damaged_results_cost_nothing_but_their_own_training(folder, capsys):
    few = ("--latency", 0.0018, "--mem", 0.3, "--evaluations", 1, "--shared", "shared")
    run("search", *LIVE, *few)
    results = folder / "shared" / "results.jsonl"
    whole = results.read_text()
    results.write_text(whole + "damaged\n" + '{"problem": "netw')
    run("search", *LIVE, *few, "--id", 1)
    assert results.read_text().startswith(whole) and results.read_text().count('"solution"') == 1
    results.write_text("not ours\n")
    assert "is no record file; name another one" in refused(2, capsys, "search", *LIVE, *few)
    assert results.read_text() == "not ours\n"


def test_evaluate_prints_accuracy_latency_and_memory(folder, capsys, monkeypatch):
    monkeypatch.setattr(timing, "RUN_SECONDS", 0.0)
    monkeypatch.setattr(timing, "ATTEMPTS", 1)
    run(
        "evaluate", "-p", "desktop", "-v", "cpu", "-w", 0.1, "-d", 0.5, "-r", 4, "-e", 2, "--data", "digits",
        "--images", 0, "--batch", 64, "--learning-rate", 0.05,
    )  # fmt: skip
    printed = capsys.readouterr().out
    assert "stage4.first" in printed and "[epoch 2 (" in printed and "measured here (two rounds" in printed
    accuracies = [float(word) for word in printed.partition("accuracy: ")[2].split() if word.replace(".", "").isdigit()]
    assert len(accuracies[:2]) == 2 and min(accuracies[:2]) > 60
    assert "memory:   0.19 MB" in printed
    assert not (folder / "runs").exists()


def test_latencies_of_other_platforms_say_where_they_come_from(folder, capsys, monkeypatch):
    few = ("-w", 0.1, "-d", 0.1, "-r", 4, "--data", "digits", "--images", 64, "--batch", 64)
    run("evaluate", "-p", "jetson", "-v", "cuda", *few)
    assert "s for a batch of 64, modelled after 0.35 s at (1.9, 1.1, 36)" in capsys.readouterr().out
    run("evaluate", "-p", "jetson", "-m", "efficientnet", *few)
    assert "latency:  unknown: there is no table of latencies jetson_cpu_eff" in capsys.readouterr().out
    monkeypatch.setattr(timing, "time_network", lambda *_: Timing([1.0], 0.5, 1.0))
    run("evaluate", *few)
    assert "unsteady: more than 10 %, so the machine is busy" in capsys.readouterr().out


def test_a_training_that_diverges_is_named(capsys):
    few = ("-w", 0.1, "-d", 0.1, "-r", 4, "--data", "digits", "--images", 640, "--batch", 64)
    error = refused(4, capsys, "evaluate", *few, "--learning-rate", 1e30)
    assert "the training diverged in epoch 1; try a --learning-rate below 1e+30" in error


def test_the_toy_is_solved(capsys):
    run("toy")
    printed = capsys.readouterr().out
    assert "best (width, depth) = (0.5, 0.3), accuracy 1.000" in printed
    assert "unknown method 'hill'" in refused(2, capsys, "toy", "--method", "hill")
    assert "--evaluations is 0" in refused(2, capsys, "toy", "--evaluations", 0)


def test_tables_of_accuracies_are_recorded_and_searched(folder, capsys):
    few = ("--data", "digits", "--images", 64, "--validation", 40, "--batch", 64, "--seeds", 1)
    grid = ("--widths", 0.1, 0.2, "--depths", 0.5, "--resolutions", 4, 5)
    threads = torch.get_num_threads()
    run("record", "--table", "mine.json", *few, *grid, "--threads", threads + 1)
    assert "4 networks, the best with" in capsys.readouterr().out
    assert torch.get_num_threads() == threads, "what is trained next in this process depends on it"
    lines = (folder / "mine.jsonl").read_text()
    run("record", "--table", "mine.json")
    assert (folder / "mine.jsonl").read_text() == lines and "going on with mine.json" in capsys.readouterr().out
    run("search", "-p", "raspberrypi", "--table", "mine.json", "--evaluations", 4)
    assert "4 networks in" in capsys.readouterr().out
    assert "name a .json file" in refused(2, capsys, "record", "--table", "mine", *few)
    bad = ("--resolutions", 5, 4)
    assert "resolutions must be rising" in refused(2, capsys, "record", "--table", "bad.json", *few, *bad)
    assert "--seeds is 0" in refused(2, capsys, "record", "--table", "bad.json", *few[:-1], 0)
    assert not (folder / "bad.json").exists()


def test_latencies_are_measured_written_by_the_script_and_imported(folder, capsys, monkeypatch):
    monkeypatch.setattr(timing, "STEADY", 1e9)
    monkeypatch.setattr(timing, "RUN_SECONDS", 0.0)
    few = ("--widths", 0.1, 0.4, "--resolutions", 4, 10, "--batch", 2)
    run("measure", *few, "--data", "digits")
    (path,) = folder.glob("runs/network_scaling/latency/*.json")
    assert path.name == "desktop_cpu_preactresnet18_1x10.json"
    capsys.readouterr()
    run("search", "-p", "desktop", "--table", DIGITS, "--evaluations", 2)
    assert "latencies: measured on" in capsys.readouterr().out
    replace(LatencyFile.read(path), platform="raspberrypi").write(folder / "from_device.json")
    run("import", "from_device.json")
    assert "preactresnet18 on raspberrypi cpu, widths 0.1 to 0.4, 4 to 10 pixels" in capsys.readouterr().out
    run("search", *TABLE, "--evaluations", 2)
    assert "latencies: measured on" in capsys.readouterr().out
    whole = LatencyFile.read(path)
    replace(whole, rows=whole.rows[:3]).write(folder / "half.json")
    assert "lacks width 0.4 at 10 pixels" in refused(2, capsys, "import", "half.json")
    assert "does not exist" in refused(2, capsys, "import", "nowhere.json")
    assert "unknown platform 'phone'" in refused(2, capsys, "measure", "-p", "phone")
    run("script", "--out", "measure.pyz")
    assert "python3 measure.pyz --help" in capsys.readouterr().out and (folder / "measure.pyz").stat().st_size > 5000


def test_policies_are_used_where_there_are_any(folder, capsys):
    untrained("actor_critic", problem=NetworkScaling("axis", horizon=9)).save(folder / "runs" / "one" / "policy")
    run("search", *TABLE, "--latency", 0.02, "--mem", 4, "--evaluations", 5)
    assert "policy runs/one, and hill climbing from its best" in capsys.readouterr().out
    search, *needs = method_of(SearchOptions())
    assert needs == ["axis", 9] and search.func is policy_then_climb
    assert method_of(SearchOptions(method="compound")) == (compound, "joint", 40)
    assert method_of(SearchOptions(method="hill_climbing", steps=7)) == (hill_climbing, "joint", 7)
    untrained("actor_critic").save(folder / "toy")
    error = refused(2, capsys, "search", *TABLE, "--policy", "toy")
    assert "is a policy for problem 'toy'" in error


def test_it_is_a_program():
    done = subprocess.run([*PROGRAM, "toy", "--evaluations", "3"], capture_output=True, text=True, env=ALONE)
    assert done.returncode == 0 and "the optimum is (0.5, 0.3)" in done.stdout, done.stderr
