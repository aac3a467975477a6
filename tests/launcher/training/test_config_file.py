"""Options from a TOML file: under the flags, checked by name and type."""

from __future__ import annotations

from pathlib import Path

import pytest

from launcher.tracking import account
from launcher.training.config_file import parse_train, read_options
from models.store.run_directory import RunDirectory
from rllib_envs.errors import UserError

FILE = """
dataset = "mm64_128_16_range"
iter = 3
minutes = 2
eval-size = 4
records = "shared.jsonl"
[trainer_settings]
learning_rate = 5e-4
epochs = 3
[encoder]
kind = "transformer"
width = 64
"""


def write(folder: Path, content: str) -> Path:
    path = folder / "my.toml"
    path.write_text(content)
    return path


def test_a_file_takes_the_place_of_defaults_and_flags_count_over_it(tmp_path):
    path = write(tmp_path, FILE)
    flags = ("--iter", "7", "--trainer-settings", "epochs=2", "clip=0.3", "--encoder-layers", "1")
    for named in (("--config", str(path)), (f"--config={path}",)):
        config = parse_train([*named, *flags], prog="tunewright train")
        assert (config.dataset, config.iter, config.minutes, config.eval_size) == ("mm64_128_16_range", 7, 2.0, 4)
        assert config.records == Path("shared.jsonl") and config.config == path and config.steps == 0
        settings = config.settings("toy")
        trainer = settings.make_trainer()
        assert (trainer.learning_rate, trainer.epochs, trainer.clip) == (5e-4, 2, 0.3)
        assert (settings.encoder.kind, settings.encoder.width, settings.encoder.layers) == ("transformer", 64, 1)


def test_a_flag_counts_where_it_repeats_the_default(tmp_path):
    path = write(tmp_path, 'dataset = "somewhere"\nsteps = 3\n')
    assert parse_train(["--config", str(path), "--steps", "10"], prog="x").steps == 10
    assert parse_train(["--config", str(path)], prog="x").steps == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("itr = 3", "did you mean 'iter'"),
        ("debug = true", "unknown option"),
        ('iter = "many"', "give a whole number"),
        ("iter = 2.5", "give a whole number"),
        ("iter = true", "give a whole number"),
        ("minutes = []", "give a number"),
        ("measure_doubtful = 1", "give true or false"),
        ("encoder = 3", "give text"),
        ("trainer_settings = 3", "write a table"),
        ("[encoder]\nwidht = 3", "did you mean 'width'"),
        ("[encoder]\nwidth = 'wide'", "encoder.width .* give a whole number"),
        ("iter = ", "can't be read"),
    ],
)
def test_what_is_wrong_in_a_file_is_said(tmp_path, content, message):
    with pytest.raises(UserError, match=message):
        read_options(write(tmp_path, content))


def recorded_run(folder: Path, **config: object) -> Path:
    return RunDirectory.create(folder / "runs", "toy", {"config": {"dataset": "somewhere", **config}}).path


def test_a_run_that_a_file_goes_on_with_counts_under_the_file(tmp_path):
    run, other = recorded_run(tmp_path, steps=3, seed=7), recorded_run(tmp_path, steps=4)
    path = write(tmp_path, f'resume = "{run}"\nsteps = 5\n')
    config = parse_train(["--config", str(path), "--iter", "9"], prog="x")
    assert (config.resume, config.dataset, config.seed, config.steps, config.iter) == (str(run), "somewhere", 7, 5, 9)
    config = parse_train(["--config", str(path), "--resume", str(other)], prog="x")
    assert (config.resume, config.seed, config.steps) == (str(other), 0, 5)


def test_a_file_may_name_a_run_at_wandb(tmp_path, monkeypatch, capsys):
    """Here there is no key to fetch it with."""
    monkeypatch.setattr(account, "_hidden", [])
    monkeypatch.delenv(account.KEY_VARIABLE, raising=False)
    monkeypatch.setenv("LOOP_TOOL_ROOT", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    path = write(tmp_path, 'wandb-url = "lab/loops/1a2b3c"\n')
    with pytest.raises(SystemExit) as ended:
        parse_train(["--config", str(path)], prog="x")
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("error: lab/loops/1a2b3c is at Weights & Biases, and there is no key")
    local = recorded_run(tmp_path, steps=3)
    assert parse_train(["--config", str(path), "--resume", str(local)], prog="x").resume == str(local)


def test_a_missing_file_is_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        parse_train(["--config", str(tmp_path / "nowhere.toml")], prog="tunewright train")
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "nowhere.toml" in error
