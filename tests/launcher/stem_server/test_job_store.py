"""Jobs in a real Redis: none is lost and none is given to two, whoever asks when, and whatever is killed."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from launcher.stem_server import own_redis
from launcher.stem_server import store as store_module
from launcher.stem_server.job import CANCELLED, DEPLOY, DONE, FAILED, SCHEDULE, TRAIN, Given, Outcome
from launcher.stem_server.own_redis import OwnRedis
from launcher.stem_server.store import MOST_CRASHES, Lost, Store, StoreFull, StoreGone
from rllib_envs.errors import UserError

ASK = {"setup": 1}
LONG = 60.0


def claimed(store: Store, kind: str, worker: str, lease_s: float = LONG) -> Given:
    given = store.claim(kind, worker, lease_s)
    assert given is not None
    return given


def test_what_is_asked_for_again_is_the_same_job(store: Store) -> None:
    for _ in range(2):
        store.submit("a1", SCHEDULE, ASK)
    store.submit("a2", SCHEDULE, ASK)
    assert [job["id"] for job in store.jobs(10)] == ["a1", "a2"] and store.counts()[SCHEDULE]["queued"] == 2
    with pytest.raises(UserError, match="there is another job a1"):
        store.submit("a1", SCHEDULE, {"setup": 2})
    first = claimed(store, SCHEDULE, "worker")
    assert first.id == "a1" and first.ask == ASK
    assert claimed(store, SCHEDULE, "worker") == first, "the answer may not have arrived"
    for _ in range(2):
        store.finish(first, "worker", Outcome(DONE, {"f1": 0.5}))
    assert store.job("a1")["result"] == {"f1": 0.5} and store.job("a1")["runs"] == 1
    assert claimed(store, SCHEDULE, "worker").id == "a2"
    with pytest.raises(UserError, match="there is no job 'a3'"):
        store.job("a3")


def test_an_application_is_trained_once_at_a_time(store: Store) -> None:
    store.submit("a1", TRAIN, ASK, "bus")
    with pytest.raises(UserError, match="job a1 trains application 'bus' already"):
        store.submit("a2", TRAIN, ASK, "bus", replace=True)
    given = claimed(store, TRAIN, "worker")
    store.finish(given, "worker", Outcome(DONE), "bus", {"model_dir": "models"})
    assert store.apps() == {"bus": {"model_dir": "models"}}
    with pytest.raises(UserError, match="there is an application 'bus' already"):
        store.submit("a3", TRAIN, ASK, "bus")
    store.submit("a3", TRAIN, ASK, "bus", replace=True)
    store.cancel("a3")
    store.submit("a4", TRAIN, ASK, "car")
    store.finish(claimed(store, TRAIN, "worker"), "worker", Outcome(FAILED, {}, "no images", 2))
    store.submit("a5", TRAIN, ASK, "car")
    assert store.job("a4")["error"] == "no images" and list(store.apps()) == ["bus"]


def test_many_workers_and_clients_at_once(redis: OwnRedis, store: Store) -> None:
    """Eight threads ask for jobs of which half are the same, and eight do them."""
    found: Counter[str] = Counter()

    def ask(number: int) -> None:
        own = Store(redis.url, store.prefix)
        for index in range(50):
            own.submit(f"{number // 2}-{index}", SCHEDULE, ASK)

    def work(name: str) -> None:
        own = Store(redis.url, store.prefix)
        while time.monotonic() < end and sum(found.values()) < 200:
            if given := own.claim(SCHEDULE, name, LONG):
                own.finish(given, name, Outcome(DONE))
                found[given.id] += 1

    end = time.monotonic() + 30
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    threads += [threading.Thread(target=work, args=(f"worker{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == Counter({f"{number}-{index}": 1 for number in range(4) for index in range(50)})


def test_whose_lease_has_ended_is_refused(store: Store) -> None:
    store.submit("a1", TRAIN, ASK, "bus")
    late = claimed(store, TRAIN, "late", lease_s=0.05)
    lines = store.note(late, late.lines, "begun")
    store.note(late, lines, point=5, what={"hit": 0.9})
    assert store.claim(TRAIN, "next", LONG) is None
    time.sleep(0.06)
    following = claimed(store, TRAIN, "next")
    assert following.id == "a1" and int(following.token) > int(late.token) and following.done == {5: {"hit": 0.9}}
    assert store.job("a1")["lines"][1].endswith("goes on after 1 freeze points")
    assert store.renew(["late", "next", "other"], LONG) == ["late"]
    with pytest.raises(Lost):
        store.note(late, 0, "I go on")
    with pytest.raises(Lost):
        store.finish(late, "late", Outcome(DONE, {"by": "late"}))
    store.finish(following, "next", Outcome(DONE, {"by": "next"}))
    assert store.job("a1")["result"] == {"by": "next"} and store.job("a1")["runs"] == 2


def test_a_late_worker_goes_on_where_nobody_took_the_job(store: Store) -> None:
    store.submit("a1", SCHEDULE, ASK)
    given = claimed(store, SCHEDULE, "late", lease_s=0.01)
    time.sleep(0.02)
    assert store.renew(["late"], LONG) == [] and store.claim(SCHEDULE, "next", LONG) is None
    store.finish(given, "late", Outcome(DONE))
    assert store.job("a1")["runs"] == 1


def test_a_line_that_is_sent_again_is_one(store: Store) -> None:
    store.submit("a1", SCHEDULE, ASK)
    given = claimed(store, SCHEDULE, "worker")
    assert [store.note(given, 0, "first"), store.note(given, 0, "first"), store.note(given, 1, "second")] == [1, 1, 2]
    assert store.job("a1")["lines"] == ["first", "second"] and store.job("a1", lines_from=1)["lines"] == ["second"]


def test_cancelling(store: Store) -> None:
    for job in ("a1", "a2"):
        store.submit(job, SCHEDULE, ASK)
    given = claimed(store, SCHEDULE, "worker")
    assert store.cancel("a1") == ("running", "worker") and store.cancel("a2") == ("queued", "")
    assert store.cancel("a1") == (CANCELLED, "") and store.renew(["worker"], LONG) == ["worker"]
    with pytest.raises(Lost):
        store.finish(given, "worker", Outcome(DONE))
    assert store.claim(SCHEDULE, "worker", LONG) is None and store.job("a1")["state"] == CANCELLED
    with pytest.raises(UserError, match="there is no job 'a3'"):
        store.cancel("a3")


def test_a_job_that_ends_its_workers_fails(store: Store) -> None:
    store.submit("a1", SCHEDULE, ASK)
    store.submit("a2", SCHEDULE, ASK)
    for number in range(MOST_CRASHES):
        assert claimed(store, SCHEDULE, f"worker{number}").id == "a1", "it was the first"
        store.leave(f"worker{number}", "its process ended with -9", crashed=True)
    assert store.job("a1")["state"] == FAILED and store.job("a1")["error"] == "its process ended with -9, 3 times"
    for number in range(MOST_CRASHES + 1):
        assert claimed(store, SCHEDULE, f"other{number}").id == "a2"
        store.leave(f"other{number}", "the server ended", crashed=False)
    assert store.job("a2")["state"] == "queued"


def test_deployments_come_one_after_the_other(store: Store) -> None:
    for job in ("a1", "a2"):
        store.submit(job, DEPLOY, ASK)
    first = claimed(store, DEPLOY, "one")
    assert store.claim(DEPLOY, "two", LONG) is None
    store.finish(first, "one", Outcome(DONE))
    assert claimed(store, DEPLOY, "two").id == "a2"


def test_old_jobs_are_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.submit("a1", TRAIN, ASK, "bus")
    store.finish(claimed(store, TRAIN, "worker"), "worker", Outcome(DONE), "bus", {})
    monkeypatch.setattr(store_module, "KEPT_S", 0)
    time.sleep(0.01)
    store.submit("a2", SCHEDULE, ASK)
    store.finish(claimed(store, SCHEDULE, "worker"), "worker", Outcome(DONE))
    assert not [job for job in store.jobs(10) if job["id"] == "a1"] and list(store.apps()) == ["bus"]


def test_too_many(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MOST_WAITING", 1)
    store.submit("a1", SCHEDULE, ASK)
    with pytest.raises(UserError, match="1 jobs of kind schedule wait already"):
        store.submit("a2", SCHEDULE, ASK)
    store._redis.config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreFull, match="make some"):
            store.submit("a3", TRAIN, ASK, "bus")
    finally:
        store._redis.config_set("maxmemory", "2gb")
    assert [job["id"] for job in store.jobs(10)] == ["a1"]


def test_what_was_answered_survives_killing_redis(tmp_path: Path) -> None:
    """Threads ask while Redis is killed three times; each job whose asking was answered is there, and done once."""
    with OwnRedis(tmp_path) as own:
        own.start()
        kept: list[str] = []
        over = threading.Event()

        def ask(number: int) -> None:
            client = Store(own.url)
            for index in itertools.count():
                if over.is_set():
                    return
                while not answered(client, f"{number}-{index}"):
                    time.sleep(0.01)
                kept.append(f"{number}-{index}")

        def answered(client: Store, job: str) -> bool:
            try:
                client.submit(job, SCHEDULE, ASK)
            except StoreGone:
                return False
            return True

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            before = len(kept)
            while len(kept) < before + 50:
                time.sleep(0.01)
            assert own._process
            os.kill(own._process.pid, signal.SIGKILL)
            own._process.wait()
            assert own.ended()
            own.start()
        over.set()
        for thread in threads:
            thread.join()
        store = Store(own.url)
        done = set()
        while given := store.claim(SCHEDULE, "worker", LONG):
            store.finish(given, "worker", Outcome(DONE))
            assert given.id not in done
            done.add(given.id)
        assert done == set(kept) and len(kept) > 150


def test_a_folder_is_one_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_redis, "LOCK_S", 0.1)
    with OwnRedis(tmp_path / "jobs"):
        with pytest.raises(UserError, match="another server works in"):
            OwnRedis(tmp_path / "jobs")
        assert (tmp_path / "jobs").stat().st_mode & 0o077 == 0
    OwnRedis(tmp_path / "jobs").close()
    with pytest.raises(UserError, match="too long for a socket"):
        OwnRedis(tmp_path / ("long" * 30))


def test_no_redis() -> None:
    with pytest.raises(UserError, match="is no address of a Redis"):
        Store("nowhere")
    with pytest.raises(StoreGone, match="Redis is gone"):
        Store("redis://127.0.0.1:1").ping()
