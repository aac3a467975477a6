"""Servers of jobs as processes that are killed, and what their clients see of it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher import stem_sharing
from launcher.stem import client as stem_client
from launcher.stem_server.client import JobServer
from launcher.stem_server.job import DONE, KINDS, RUNNING, SCHEDULE
from launcher.stem_server.messages import read_answer
from launcher.stem_server.own_redis import OwnRedis
from launcher.stem_server.store import Store
from rllib_envs.errors import UserError
from rllib_envs.stem_sharing.executor.simulator import Simulator
from tests.launcher.stem.test_stem_deploy import written
from tests.launcher.stem_server.servers import ServerProcess, ask_for_schedules, in_the_file, planning, server
from tests.processes import left_of
from tests.rllib_envs.stem_sharing.tasks import three_applications
from tests.rllib_envs.stem_sharing.test_executor import say, serving

CLIENTS, REQUESTS = 4, 60


def ask(server: ServerProcess, *arguments: str) -> int:
    """The exit code of the client."""
    with pytest.raises(SystemExit) as ended:
        stem_client.main([*arguments, "--address", server.address])
        raise SystemExit(0)
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server(tmp_path_factory.mktemp("root")) as process:
        yield process


@pytest.mark.slow
def test_no_job_is_lost_or_run_twice_when_server_and_redis_are_killed(tmp_path: Path) -> None:
    """Clients, each a process, go on asking; the server is killed in the middle, and later its Redis."""
    first = ServerProcess(tmp_path)
    with multiprocessing.get_context("spawn").Pool(CLIENTS) as pool:
        asked = pool.starmap_async(ask_for_schedules, [(first.address, REQUESTS)] * CLIENTS)
        wait_for(JobServer(first.address), CLIENTS * REQUESTS // 4)
        children = {pid: "" for pid in first.children("")}
        first.kill()
        with server(tmp_path, address=first.address) as second:
            assert not left_of(children)
            client = JobServer(second.address, patience_s=30)
            wait_for(client, CLIENTS * REQUESTS // 2)
            (redis,) = second.children("redis-server")
            os.kill(redis, signal.SIGKILL)
            budgets = {job: budget for found in asked.get(timeout=60) for job, budget in found.items()}
            ended = {job: client.follow(job, lambda line: None) for job in budgets}
            jobs = client.ask("status", most=1000)["jobs"]
    assert len(budgets) == CLIENTS * REQUESTS and {job["id"] for job in jobs} == budgets.keys()
    for job, found in ended.items():
        assert found["state"] == DONE and found["result"]["budget"] == budgets[job]
        assert found["result"]["cost"] <= budgets[job]
        cuts = [line for line in found["lines"] if line.startswith("cut, since ")]
        assert found["runs"] == 1 + len(cuts)
    assert sum(found["runs"] for found in ended.values()) <= len(budgets) + 1, "one planner was killed once"
    # what Redis itself has written down
    assert in_the_file(tmp_path / "stem_jobs", DONE) == dict.fromkeys(budgets, 1)
    assert in_the_file(tmp_path / "stem_jobs", RUNNING) == {job: found["runs"] for job, found in ended.items()}


def wait_for(client: JobServer, count: int) -> None:
    """Until there are so many jobs."""
    while client.ask("status", most=0)["submitted"] < count:
        time.sleep(0.02)


def test_a_schedule_is_the_one_that_is_made_here(
    running: ServerProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    setup, emitted = written(tmp_path / "setup.json", three_applications()), tmp_path / "nets.json"
    given = ("schedule", setup, "--budget", "400", "--event-length", "compatible", "--emit", str(emitted))
    assert ask(running, *given) == 0
    job, _, told = capsys.readouterr().out.partition("\n")
    nets = emitted.read_text()
    stem_sharing.main(list(given))
    assert told == capsys.readouterr().out and nets == emitted.read_text()
    assert "mean F1 0.8710" in told
    assert ask(running, "status", job.removeprefix("job ")) == 0
    assert capsys.readouterr().out.endswith(": done\n")
    assert ask(running, *given, "--detach") == 0
    job = capsys.readouterr().out.removeprefix("job ").strip()
    assert ask(running, "status", job, "--wait") == 0
    assert ask(running, "cancel", job) == 0
    assert capsys.readouterr().out == f"job {job} was done already\n"


def test_deploying_through_the_server(
    running: ServerProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = written(tmp_path / "setup.json", three_applications())
    root = Path(running.said[-1].split("working in ")[1].split(",")[0])
    monkeypatch.chdir(root)
    with serving(Simulator(three_applications().network, 70.0)) as executor:
        assert ask(running, "deploy", setup, "-b", "400", "--executor", executor) == 0
    told = capsys.readouterr().out
    assert "turn 1: " in told and "in force:" in told and "expected mean F1" in told
    assert ask(running, "deploy", setup, "-b", "400", "--executor", "tcp://127.0.0.1:1") == 4
    assert "nobody is there" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)
    assert ask(running, "deploy", setup, "-b", "400") == 2
    assert f"is outside {root}, where the server works" in capsys.readouterr().err


BAD: list[tuple[bytes, str]] = [
    (b"\xff", "the message is no JSON"),
    (b"[]", "an object that says what to do"),
    (b'{"do": "sumbit"}', "did you mean 'submit'?"),
    (b'{"do": "job"}', "None is no job"),
    (b'{"do": "job", "id": "abcdef123456", "lines_from": -1}', "lines_from has to be a whole number"),
    (b'{"do": "job", "id": "*"}', "'*' is no job"),
    (b'{"do": "cancel", "id": "abcdef123456"}', "there is no job 'abcdef123456'"),
    (b'{"do": "status", "most": 100000}', "most has to be"),
    (b'{"do": "submit", "id": "abcdef123456", "kind": "run"}', "unknown kind of job"),
    (b'{"do": "submit", "id": "abcdef123456", "kind": "train", "ask": 3}', "has to be an object"),
    (b'{"do": "submit", "id": "abcdef123456", "kind": "train", "ask": {"name": 3}}', "name has to be text"),
    (b'{"do": "submit", "id": "abcdef123456", "kind": "train", "ask": {"nmae": 3}}', "did you mean 'name'?"),
    (b'{"do": "submit", "id": "abcdef123456", "kind": "schedule", "ask": {}}', "needs setup and options"),
    (
        b'{"do": "submit", "id": "abcdef123456", "kind": "schedule", "ask": {"setup": {}, "options": {"budget": "a"}}}',
        "budget in what is asked for is 'a'; give a number",
    ),
    (b'{"do": "submit", "id": "abcdef123456", "kind": "deploy", "ask": {"folder": "/"}}', "the folder / is outside"),
    (b'{"do": "submit", "id": "abcdef123456", "kind": "deploy", "ask": {"folder": "none"}}', "sees no folder"),
]


@pytest.mark.parametrize(("message", "said"), BAD)
def test_bad_messages_are_refused(running: ServerProcess, message: bytes, said: str) -> None:
    with pytest.raises(UserError) as refused:
        read_answer(say(running.address, message).encode())
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("schedule",), "the server has trained no application"),
        (("schedule", "SETUP", "--apps", "bus"), "--apps are in place of a setup"),
        (("schedule", "SETUP", "-b", "1"), "budget"),
        (("schedule", "SETUP", "-m", "f2"), "metric"),
        (("schedule", "nowhere.json"), "nowhere.json does not exist"),
        (("show", "bus"), "unknown application 'bus'"),
        (("status", "no job"), "'no job' is no job"),
        (("status", "abcdef123456", "--wait"), "there is no job 'abcdef123456'"),
        (("cancel", "abcdef123456"), "there is no job 'abcdef123456'"),
        (("list", "--token", "nowhere"), "the token nowhere can't be read"),
    ],
)
def test_bad_requests(
    running: ServerProcess,
    tmp_path: Path,
    arguments: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    setup = written(tmp_path / "setup.json", three_applications())
    assert ask(running, *(setup if argument == "SETUP" else argument for argument in arguments)) == 2
    told = capsys.readouterr().err
    assert message in told and told.startswith("error: ") and told.count("\n") == 1


def test_workers_that_are_killed_are_replaced(running: ServerProcess) -> None:
    """By somebody who wants their memory, for instance."""
    while len(workers := running.children("stem_server.worker")) < len(KINDS):
        time.sleep(0.02)
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    client = JobServer(running.address)
    assert client.follow(client.submit(SCHEDULE, planning()), print)["state"] == DONE


def test_another_redis_that_is_killed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever asks meanwhile gets a line; what was answered is there when Redis is."""
    with OwnRedis(tmp_path / "redis") as redis:
        redis.start()
        with server(tmp_path, "--redis", redis.url, "--planners", "0") as running:
            client = JobServer(running.address)
            job = client.submit(SCHEDULE, planning())
            assert redis._process
            redis._process.kill()
            redis._process.wait()
            assert ask(running, "status", "--patience", "0.3") == 4
            told = capsys.readouterr().err
            assert "Redis is gone" in told and told.startswith("error: ") and told.count("\n") == 1
            redis.start()
            assert client.ask("job", id=job)["state"] == "queued"
        Store(redis.url)._redis.config_set("requirepass", "secret")
        (tmp_path / "password").write_text("secret\n")
        with server(tmp_path, "--redis", redis.url, "--redis-password", str(tmp_path / "password")) as running:
            assert JobServer(running.address).follow(job, print)["state"] == DONE


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [("requirepass", "secret", "Redis refuses: "), ("appendonly", "no", "this Redis forgets its jobs when it ends")],
)
def test_a_redis_that_will_not_do(
    tmp_path: Path, setting: str, value: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with OwnRedis(tmp_path) as redis:
        redis.start()
        Store(redis.url)._redis.config_set(setting, value)
        with pytest.raises(SystemExit) as ended:
            stem_sharing.main(["server", "--address", "tcp://127.0.0.1:*", "--redis", redis.url])
    told = capsys.readouterr().err
    assert ended.value.code == 2 and message in told and told.count("\n") == 1


def test_nobody_is_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        stem_client.main(["list", "--address", "tcp://127.0.0.1:1", "--patience", "0.2"])
    assert ended.value.code == 4
    assert "start it (stem_sharing.py server), or correct --address" in capsys.readouterr().err


def test_only_who_knows_the_token(tmp_path: Path) -> None:
    token = "of no fewer than 24 characters"
    (tmp_path / "token").write_text(token)
    with server(tmp_path, "--token", "token", address="tcp://0.0.0.0:*") as process:
        address = process.address.replace("0.0.0.0", "127.0.0.1")
        for other in (None, token + "!"):
            with pytest.raises(UserError, match=r"give the --token that it was started with"):
                JobServer(address, other).ask("apps")
        assert JobServer(address, token).ask("apps") == {"apps": {}}


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (("--address", "tcp://0.0.0.0:5556"), "give both sides a --token", 2),
        (("--redis", "nowhere"), "is no address of a Redis", 2),
        (("--redis", "redis://127.0.0.1:1"), "Redis is gone", 4),
        (("--root", "nowhere"), "--root nowhere is no folder", 2),
        (("--trainers", "-1"), "--trainers is -1", 2),
        (("--lease", "0"), "--lease is 0", 2),
        (("--data", "file"), "file can't be written", 2),
    ],
)
def test_bad_options(
    tmp_path: Path,
    arguments: tuple[str, ...],
    message: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as ended:
        stem_sharing.main(["server", "--address", "tcp://127.0.0.1:*", *arguments])
    assert ended.value.code == code
    told = capsys.readouterr().err
    assert message in told and told.startswith("error: ") and told.count("\n") == 1
