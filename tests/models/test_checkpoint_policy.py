"""A checkpoint from elsewhere that describes no policy is refused in words. Those that do: see test_training."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.checkpoint_policy import policy_of
from models.encoders.config import EncoderConfig
from rllib_envs.errors import UserError
from rllib_envs.toy import Toy
from tests.models.checkpoints import example_checkpoint

IDENTITY = {
    "trainer": "ppo",
    "problem": "toy",
    "actions": list(Toy.actions),
    "observation": Toy.spec._asdict(),
    "network": vars(EncoderConfig()),
}
ENV = {"problem": "toy", "suite": "somewhere/toys"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trainer": "pppo"}, "did you mean 'ppo'"),
        ({"trainer": ["ppo"]}, "unknown trainer"),
        ({"problem": "os.system"}, "unknown problem"),
        ({"observation": {"max_tokens": 3}}, "describes no policy"),
        ({"network": {"width": "wide"}}, "the encoder's width is 'wide'"),
        ({"network": None}, "describes no policy"),
        ({"actions": None}, "describes no policy"),
        ({}, "does not hold the weights"),
    ],
)
def test_what_describes_no_policy_is_refused(tmp_path, changes, message):
    checkpoint = replace(example_checkpoint(3), identity=IDENTITY | changes, settings={"seed": 0, "suite_hash": "0"})
    checkpoint.write(tmp_path / "checkpoint")
    with pytest.raises(UserError, match=message):
        policy_of(tmp_path / "checkpoint", ENV).save(tmp_path / "policy")
    assert not (tmp_path / "policy").exists()
