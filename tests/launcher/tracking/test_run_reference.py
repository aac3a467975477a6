"""What a person may write for a run at Weights & Biases."""

from __future__ import annotations

import pytest

from launcher.tracking.reference import BASE_URL, Reference, View, is_reference, parse_reference, parse_view
from launcher.tracking.settings import PUBLIC_SERVER
from rllib_envs.errors import UserError

RUN = Reference("ent", "loops", run="1a2b3c4d")


@pytest.mark.parametrize(
    "place",
    [
        "ent/loops/1a2b3c4d",
        "https://wandb.ai/ent/loops/runs/1a2b3c4d",
        "https://wandb.ai/ent/loops/runs/1a2b3c4d/overview?nw=nwuser",
        "https://www.wandb.ai/ent/loops/runs/1a2b3c4d/",
        "https://forge.coreweave.com/wandb/ent/loops/runs/1a2b3c4d",
    ],
)
def test_a_run(place: str) -> None:
    assert is_reference(place)
    assert parse_reference(place) == RUN
    assert parse_reference(place).path == "ent/loops/1a2b3c4d"


@pytest.mark.parametrize(
    "place",
    ["ent/loops/checkpoint-1a2b:v3", "https://wandb.ai/ent/loops/artifacts/checkpoint/checkpoint-1a2b/v3/files"],
)
def test_a_checkpoint(place: str) -> None:
    assert parse_reference(place) == Reference("ent", "loops", artifact="checkpoint-1a2b:v3")


def test_the_client_shows_pages_at_an_address_that_is_read() -> None:
    import wandb

    page = f"{wandb.Settings(base_url=PUBLIC_SERVER).app_url}/ent/loops/runs/1a2b3c4d"
    assert parse_reference(page) == RUN


def test_the_users_own_server(monkeypatch: pytest.MonkeyPatch) -> None:
    place = "http://wandb.example.org:8080/ent/loops/runs/1a2b3c4d"
    with pytest.raises(UserError, match=r"is at wandb.example.org; runs are fetched from wandb.ai, .* only"):
        parse_reference(place)
    monkeypatch.setenv(BASE_URL, "http://wandb.example.org:8080")
    assert parse_reference(place) == RUN


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("https://wandb.ai.evil.org/ent/loops/runs/1", "is at wandb.ai.evil.org"),
        ("https://wandb.ai@evil.org/ent/loops/runs/1", "is at evil.org"),
        ("file:///etc/passwd", "is at no host"),
        ("http://wandb.ai/ent/loops/runs/1", "write https"),
        ("https://wandb.ai/ent/loops", "is the address of no run"),
        ("https://[wandb.ai/ent/loops/runs/1", "is no address"),
        ("ent/loops", "is no run at Weights & Biases; give entity/project/run_id"),
        ("ent/../run", "is no run"),
        ("https://wandb.ai/ent/..%2F..%2Fx/runs/1", "is no run"),
        ("ent/loops/run:v1:v2:", "is no run"),
        ("ent/loops/", "is no run"),
        ("ent/lo\nops/run", "is no run"),
    ],
)
def test_what_is_none(place: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_reference(place)


@pytest.mark.parametrize("place", ["runs/20260101-120000-toy", "./ent/loops/run", "/ent/loops/run", "~/runs/a/b"])
def test_a_folder_is_none(place: str) -> None:
    assert not is_reference(place)


@pytest.mark.parametrize("page", ["https://wandb.ai", "https://forge.coreweave.com/wandb"])
def test_a_dashboard(page: str) -> None:
    view = View("ent", "loops", "a0b1c2")
    assert parse_view(f"{page}/ent/loops?nw=a0b1c2") == parse_view(f"{page}/ent/loops/workspace?nw=a0b1c2") == view
    for wrong in ("ent/loops?nw=nwusersomebody", "ent/loops", "ent/loops/runs/1?nw=a0b1c2", "ent/loops?nw=../x"):
        with pytest.raises(UserError, match="is the address of no saved view"):
            parse_view(f"{page}/{wrong}")
