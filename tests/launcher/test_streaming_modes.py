"""`launcher/streaming_engine.py`: each mode gives a verified mapping, or says why there is none."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from launcher.mapping.answer import read_task
from launcher.mapping.graphs import graphs_of, nodes_of, to_answer, write_stages
from launcher.mapping.options import MODES, MappingOptions
from launcher.mapping.training import train_config
from launcher.options import parse_settings
from launcher.streaming_engine import main
from models.policy import Policy
from models.trainers.registry import make_trainer
from rllib_envs.streaming_engine.mapping_json import load_mapping
from rllib_envs.streaming_engine.rules import Rules
from rllib_envs.streaming_engine.task import Task
from rllib_envs.suite import Suite
from tests.models.toy_policies import untrained

INFEASIBLE = {"nodes": ["a", "b", "c"], "edges": [["a", "b"], ["a", "c"]], "memory": {"M": ["b", "c"]}}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "disabled")
    return tmp_path


def run(*arguments) -> None:
    main(list(map(str, arguments)))


def mapped(folder: Path) -> list[Path]:
    return sorted(folder.glob("runs/*/mappings/mapping_*.json"))


@pytest.fixture(scope="module")
def ray():
    from models.local_ray import ray_running

    with ray_running(workers=1, gpus=0):
        yield


@pytest.mark.parametrize("mode", [0, 1])
def test_searches_find_the_optimum_and_leave_a_run(mode, folder, capsys):
    run("--mode", mode, "--epochs", 3000, "--device_topology", 4, 1, 3)
    assert "verified: 7 cycles; proven optimal" in capsys.readouterr().out
    (path,) = mapped(folder)
    task = read_task(Path("vector_add"), (4, 1, 3))
    assert load_mapping(path, task).tiles
    (record,) = folder.glob("runs/*/metrics.jsonl")
    assert json.loads(record.read_text().splitlines()[-1])["figures"] == {"makespan/vector_add": 7}
    assert list(folder.glob("runs/*/events.out.tfevents.*"))


@pytest.mark.parametrize("mode", range(len(MODES)))
def test_infeasible_is_an_answer_without_any_training(mode, folder, capsys):
    (folder / "graph.json").write_text(json.dumps(INFEASIBLE))
    suite = folder / "suite"
    suite.mkdir()
    (suite / "graph.json").write_text(read_task(Path("graph.json"), (16, 6)).to_benchmark("graph").to_json())
    run("--mode", mode, "--input", "suite" if mode == 4 else "graph.json", "--device_topology", 16, 6)
    printed = capsys.readouterr().out
    assert "infeasible" in printed and "tile_memory + sibling" in printed
    assert not mapped(folder) and not list(folder.glob("runs/*/policy"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--mode", 6), "there is no mode 6; known: 0 random search"),
        (("--mode", -1), "there is no mode -1"),
        (("--input", "nowhere.json"), "does not exist"),
        (("--input", "fft_inner", "--device_topology", 4, 1, 3), "take a larger device"),
        (("--device_topology", 4), "write 16 6"),
        (("--epochs", 0), "--epochs is 0"),
        (("--betas", 0.9, 1), "second of --betas is 1"),
        (("--lr", 0), "--lr is 0"),
        (("--mode", 0, "--model", "x"), "--model is for modes 2 to 5"),
        (("--model", "nowhere"), "nowhere does not exist"),
        (("--mode", 5, "--emb_size", 30), "heads"),
        (("--mode", 4, "--input", "", "--nodes", 1), "--nodes is 1"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(arguments, message, folder, capsys):
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    error = capsys.readouterr().err
    assert ended.value.code == 2 and error.count("\n") == 1 and message in error
    assert not (folder / "runs").exists()


def test_a_model_of_another_problem_is_refused(folder, capsys):
    untrained("actor_critic").save(folder / "toy")
    for epochs in (0, 10):
        with pytest.raises(SystemExit) as ended:
            run("--model", "toy", "--epochs", epochs)
        assert ended.value.code == 2 and "is a policy for problem 'toy'" in capsys.readouterr().err
    assert not (folder / "runs").exists()


def test_the_flags_are_settings_of_the_trainer():
    options = MappingOptions(
        mode=3, update_timestep=10, ppo_epoch=7, K_epochs=9, max_grad_norm=0.3, eps_clip=0.1, gamma=0.9, lr=3e-4,
        betas=(0.8, 0.95), loss_entropy_c=0.02, loss_value_c=0.7, emb_size=32, graph_size=16, log_interval=40,
    )  # fmt: skip
    config = train_config(options, graphs_of(options))
    settings = asdict(make_trainer(config.trainer, parse_settings(config.trainer_settings, "a trainer")))
    expected = {
        "batch_steps": 110, "epochs": 7, "gradient_norm": 0.3, "clip": 0.1, "discount": 0.9, "learning_rate": 3e-4,
        "beta1": 0.8, "beta2": 0.95, "entropy_start": 0.02, "entropy_end": 0.002, "value_weight": 0.7,
    }  # fmt: skip
    assert {name: settings[name] for name in expected} == pytest.approx(expected)
    assert (config.encoder, config.encoder_width, config.print_every) == ("sinkhorn", 32, 4)
    kinds = {2: ("scorer", 32), 4: ("graph_attention", 16), 5: ("transformer", 32)}
    for mode, kind in kinds.items():
        options = MappingOptions(mode=mode, K_epochs=9, emb_size=32, graph_size=16)
        config = train_config(options, graphs_of(options))
        assert (config.encoder, config.encoder_width) == kind and "epochs=9" in config.trainer_settings


def test_a_large_device_fits_the_policy():
    options = MappingOptions(device_topology=(9, 9, 4))
    assert train_config(options, graphs_of(options)).problem_settings == ("max_tiles=81",)


def test_a_curriculum_begins_with_the_smallest_graphs(folder):
    options = MappingOptions(mode=4, input="", nodes=9, device_topology=(16, 6))
    graphs = graphs_of(options)
    stages = [Suite.load(stage) for stage in write_stages(folder / "stages", graphs, curriculum=True)]
    sizes = [max(map(nodes_of, stage.benchmarks)) for stage in stages]
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1] == 9
    assert len(stages[0].benchmarks) < len(stages[1].benchmarks) < len(stages[2].benchmarks) == len(graphs)
    assert all(nodes_of(benchmark) == 9 for benchmark in to_answer(graphs, options))


def test_rules_can_be_switched_off():
    options = MappingOptions(no_tm_constr=True, no_sf_constr=True, no_sibling_constr=True, pass_timing=True)
    (benchmark,) = graphs_of(options)
    assert Task.from_benchmark(benchmark).rules == Rules(False, False, False, True)


def test_a_policy_is_learnt_applied_and_learnt_further(ray, folder, capsys):
    few = ("--mode", 3, "--update_timestep", 4, "--emb_size", 8, "--seconds", 2)
    run(*few, "--epochs", 4, "--input", "mul_add")
    assert "verified: 10 cycles" in capsys.readouterr().out
    (path,) = mapped(folder)
    first = path.parent.parent
    assert list(first.glob("events.out.tfevents.*"))
    run(*few, "--epochs", 0, "--model", first)
    assert "verified: 7 cycles; proven optimal" in capsys.readouterr().out
    run(*few, "--epochs", 4, "--model", first, "--input", "vector_add")
    assert "goes on after iteration 1" in capsys.readouterr().out
    (forked,) = (each for each in (folder / "runs").iterdir() if each.name.endswith("-fork"))
    assert Policy.load(forked).provenance["iteration"] == 2
    with pytest.raises(SystemExit) as ended:
        run("--mode", 5, "--emb_size", 8, "--epochs", 4, "--model", first)
    assert ended.value.code == 2 and "belongs to another training" in capsys.readouterr().err
    assert {*(folder / "runs").iterdir()} == {first, forked}, "nothing is left of what was refused"


def test_a_curriculum_is_one_run(ray, folder, capsys):
    few = ("--update_timestep", 2, "--graph_size", 8, "--seconds", 2, "--device_topology", 16, 6)
    run("--mode", 4, "--epochs", 6, "--nodes", 6, "--input", "", *few)
    assert "stage 3 of 3" in capsys.readouterr().out
    assert len(mapped(folder)) == 3
    (record,) = folder.glob("runs/*/metrics.jsonl")
    assert [json.loads(line)["iteration"] for line in record.read_text().splitlines()] == [1, 2, 3]
