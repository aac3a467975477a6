"""Where the key is looked for, and who sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.tracking import account
from launcher.tracking.account import KEY_FILE, KEY_VARIABLE, find_key, hide_key
from launcher.tracking.reference import BASE_URL
from rllib_envs.errors import UserError

KEY = "0123456789" * 4


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any key."""
    for name in (KEY_VARIABLE, BASE_URL):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("LOOP_TOOL_ROOT", str(tmp_path))
    monkeypatch.setattr(account, "_hidden", [])
    return tmp_path


def write(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text)
    path.chmod(mode)


def test_there_may_be_none() -> None:
    assert find_key() is None


def test_the_environments_is_hidden_from_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    hide_key()
    assert KEY_VARIABLE not in os.environ
    child = subprocess.run([sys.executable, "-c", "import os; print(os.environ)"], capture_output=True, text=True)
    assert KEY not in child.stdout
    assert find_key() == find_key() == KEY
    assert find_key(for_jobs=True) is None


def test_a_file_of_the_users_own(nowhere: Path) -> None:
    write(nowhere / KEY_FILE, f"{KEY}\n")
    assert find_key() == KEY


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_that_others_can_read_is_refused(mode: int, nowhere: Path) -> None:
    write(nowhere / KEY_FILE, KEY, mode)
    with pytest.raises(UserError, match=rf"can be read by others \(mode {mode:o}\); chmod 600 .*{KEY_FILE}"):
        find_key()


def test_netrc_has_one_for_each_server(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = KEY[::-1]
    lines = [
        f"machine api.wandb.ai login user password {KEY}",
        f"machine wandb.example.org login user password {other}",
    ]
    write(nowhere / "netrc", "\n".join(lines))
    assert find_key() == KEY
    monkeypatch.setenv(BASE_URL, "http://wandb.example.org:8080")
    assert find_key() == other


@pytest.mark.parametrize("server", ["", "http://wandb.example.org:8080"])
def test_what_the_clients_login_writes_is_read(server: str, nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wandb.sdk.lib.urls import DEFAULT_BASE_URL
    from wandb.sdk.lib.wbauth.wbnetrc import write_netrc_auth

    monkeypatch.setenv(BASE_URL, server)
    write_netrc_auth(host=server or DEFAULT_BASE_URL, api_key=KEY)
    assert find_key() == KEY


def test_what_netrc_has_for_any_machine_is_no_key(nowhere: Path) -> None:
    write(nowhere / "netrc", "default login anonymous password somebody@example.org")
    assert find_key() is None


def test_what_is_no_key_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "secret but short")
    with pytest.raises(UserError, match=f"{KEY_VARIABLE} holds no key of Weights & Biases: 16 char") as caught:
        find_key()
    assert "secret" not in str(caught.value)


def test_the_place_of_what_is_no_key_is_named(nowhere: Path) -> None:
    write(nowhere / "netrc", "machine api.wandb.ai login user password short")
    with pytest.raises(UserError, match=r"netrc holds no key of Weights & Biases: 5 characters"):
        find_key()
