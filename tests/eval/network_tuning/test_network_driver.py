"""`python eval/driver.py -m tune -c ...` and `-m benchmark`: a network's kernels tuned, and its latency."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from eval.driver import main
from eval.network_tuning.config import read_network_config
from models.encoders.config import EncoderConfig
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.problem import KernelTuning
from tests.conftest import ROOT
from tests.models.toy_policies import untrained


def config(folder: Path | str = "out", models: object = ("mlp",), **tuner: object) -> str:
    settings = {"trials": 24, "save_path": f"{folder}/tuning", **tuner}
    run = {"repeat": 1, "save_path": f"{folder}/benchmark"}
    return json.dumps({"models": models, "autotuner_settings": settings, "run_settings": run})


def test_the_example_says_all_there_is() -> None:
    text = (ROOT / "eval" / "config-example.json").read_text()
    found = read_network_config(text)
    content = json.loads(text)
    assert content["autotuner_settings"].keys() == vars(found.tuner).keys()
    assert content["run_settings"].keys() == vars(found.run).keys()
    assert found.records("resnet18") == found.folder("resnet18") == Path("results/tuning/resnet18")


@pytest.mark.slow
def test_a_network_is_tuned_gone_on_with_and_timed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["-m=tune", f"-c={config(tmp_path)}"])
    said, folder = capsys.readouterr().out, tmp_path / "tuning" / "mlp"
    assert "mlp: 0 of 24 trials" in said and f"tuning records of TVM are in {folder}" in said
    assert len(re.findall(r"fused_matmul\d?_add", said)) >= 3 and "not tuned" not in said
    trials = (folder / "trials.jsonl").read_text().splitlines()
    assert len(trials) == 1 + 3 + 24
    assert {path.name for path in folder.iterdir()} == {
        "trials.jsonl",
        "database_workload.json",
        "database_tuning_record.json",
        "knowledge",
    }
    main(["-m=tune", f"-c={config(tmp_path, trials=32)}"])
    assert (folder / "trials.jsonl").read_text().splitlines()[: len(trials)] == trials
    assert len((folder / "trials.jsonl").read_text().splitlines()) == len(trials) + 8
    capsys.readouterr()
    main(["-m=benchmark", f"-c={config(tmp_path)}"])
    found = json.loads((tmp_path / "benchmark" / "mlp.json").read_text())
    assert found["applied"] >= 2 and found["over_untuned"] > 1.5, "whose matrix products have no vectors"
    assert found["fastest"].keys() == {"torch", "untuned", "tuned"} and max(found["error"].values()) < 1e-5
    assert "latency, one thread, all outputs verified" in capsys.readouterr().out


@pytest.mark.slow
def test_a_policy_tunes_the_kernels_of_a_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = (
        str(untrained("actor_critic", EncoderConfig("scorer", width), problem=KernelTuning()).save(tmp_path / name))
        for name, width in (("one", 16), ("other", 32))
    )
    asked = {"tuner": "policy", "trials": 6, "policy": one}
    main(["-m=tune", f"-c={config(tmp_path, **asked)}"])
    assert "tuning records of TVM are in" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["-m=tune", f"-c={config(tmp_path, **asked | {'policy': other})}"])
    assert "was begun with " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"autotuner_settings": {"trials": 1}}', 'lacks the field "models"'),
        (config(models="mlp"), 'field "models" has to be a list of names'),
        (config(models=["resnet_18"]), "in field \"models\" 'resnet_18'; did you mean 'resnet18'"),
        ('{"models": ["mlp"]}', 'lacks the object "autotuner_settings"'),
        ('{"models": ["mlp"], "autotuner_setings": {}}', "did you mean 'autotuner_settings'"),
        (config(tuner="xgb-rank"), "unknown tuner in field \"tuner\" of autotuner_settings 'xgb-rank'"),
        (config(tuner="policy"), 'tuner "policy" of autotuner_settings needs the field "policy"'),
        (config(trials=None), 'needs the field "trials" or the field "minutes"'),
        (config(trials=0), 'field "trials" of autotuner_settings is 0, which is too small'),
        (config(minutes="long"), 'field "minutes" of autotuner_settings has to be of type float'),
        (config(minutes=0), 'field "minutes" of autotuner_settings is 0, which is too small'),
        (config(seed=-1), 'field "seed" of autotuner_settings is -1'),
        (config(trial=3), "unknown field of autotuner_settings 'trial'; did you mean 'trials'"),
        (config()[:-1] + ', "target": 3}', 'field "target" has to be of type str'),
    ],
)
def test_a_wrong_field_is_named(text: str, said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        read_network_config(text)


@pytest.mark.parametrize("wrong", [{"tuner": "tvm"}, {"policy": "toy"}, {"transfer_from": "none"}])
def test_what_a_tuner_can_not_use_leaves_no_folder_that_was_begun_with_it(
    wrong: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    untrained("q").save("toy")
    untrained("actor_critic", EncoderConfig("scorer", 16), problem=KernelTuning()).save("kernels")
    with pytest.raises(SystemExit) as ended:
        main(["-m=tune", f"-c={config(**{'policy': 'kernels', 'tuner': 'ga', **wrong})}"])
    assert ended.value.code == 2 and not Path("out").exists()


def test_what_can_not_be_done_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tuning" / "mlp").mkdir(parents=True)
    (tmp_path / "tuning" / "mlp" / "trials.jsonl").write_text('{"tuning": 1, "network": "mlp", "tuner": "ga"}\n')
    foreign = config(tmp_path)[:-1] + ', "target": "cuda"}'
    for mode, text, words in (
        ("tune", config(tmp_path), "was begun with "),
        ("tune", config(tmp_path / "other", transfer_from=str(tmp_path / "none")), "does not exist"),
        ("tune", config(tmp_path / "other")[:-1] + ', "target": "cuda"}', "target 'cuda' is not on this machine"),
        ("benchmark", config(tmp_path), "has no tuning records of TVM; tune mlp first"),
        ("benchmark", foreign, "has no tuning records of TVM; tune mlp first"),
    ):
        with pytest.raises(SystemExit) as ended:
            main([f"-m={mode}", f"-c={text}"])
        error = capsys.readouterr().err
        assert ended.value.code == 2 and words in error and error.count("\n") == 1, error
