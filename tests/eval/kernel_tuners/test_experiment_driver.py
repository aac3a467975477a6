"""`python eval/driver.py -m experiment -c config.json`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.driver import main
from eval.kernel_tuners.config import read_config
from eval.kernel_tuners.experiments import EXPERIMENTS
from rllib_envs.errors import UserError
from tests.conftest import ROOT


def section(**fields: object) -> str:
    return json.dumps({"experiments": {"names": ["compare_gadqn_ga"], **fields}})


def test_the_example_is_valid() -> None:
    config = read_config(str(ROOT / "eval" / "config-example.json"))
    assert set(config.names) <= set(EXPERIMENTS)


def test_an_experiment_leaves_results_figures_and_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = section(
        save_path=str(tmp_path / "out"),
        kernels=["synthetic_dense_128x128x128", "synthetic_depthwise_192x28_3x3"],
        seeds=1,
        trials=32,
    )
    main(["-m=experiment", f"-c={text}"])
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "compare_gadqn_ga.jsonl",
        "compare_gadqn_ga_convergence.png",
        "compare_gadqn_ga_ratios.png",
    }
    said = capsys.readouterr().out
    assert "ga_dqn" in said and "synthetic_depthwise" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("{}", 'lacks the object "experiments"'),
        ('{"experiments": {}}', 'field "names"'),
        (section(names=["compare_reword"]), "did you mean 'compare_reward'"),
        (section(seed=3), "did you mean 'seeds'"),
        (section(trials="many"), 'field "trials" of experiments has to be of type int'),
        (section(trials=0), 'field "trials" of experiments is 0'),
        (section(kernels="synthetic"), 'field "kernels" of experiments has to be a list'),
        ("/nowhere.json", "can't be read"),
    ],
)
def test_a_wrong_configuration_is_answered_with_the_field(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read_config(text)


def test_a_wrong_configuration_ends_with_one_line_and_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["-m", "experiment", "-c", '{"experiments": {}}'])
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.startswith("error: ") and len(said.strip().splitlines()) == 1
