"""From a run at Weights & Biases to a run directory here. What comes from there is data, and is not trusted.

Only files that a checkpoint has are taken, each by its own name and no larger than it can be. They are looked at in a
folder of their own, and become a run directory when all of them are what the manifest says.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

from launcher.options import checked
from launcher.tracking.account import HOW, find_key
from launcher.tracking.advice import explained
from launcher.tracking.artifacts import CHECKPOINT
from launcher.tracking.mirrored import Mirrored
from launcher.tracking.reference import Reference, is_reference, parse_reference
from launcher.tracking.settings import client_errors, interface, one_line, page, server_url
from launcher.training.config import TrainConfig
from launcher.training.recorded_config import OF_THIS_CALL
from models.checkpoint import ALGORITHM, DESCRIPTION, LEARNER, RANDOM, Checkpoint
from models.store.atomic import new_directory, read_json, write_json
from models.store.manifest import MANIFEST
from models.store.run_directory import CHECKPOINTS, METRICS, RECORD, RunDirectory
from rllib_envs.errors import UserError

MEBIBYTE = 1 << 20
LARGEST: Mapping[str, int] = {
    DESCRIPTION: 16 * MEBIBYTE,
    MANIFEST: 16 * MEBIBYTE,
    RECORD: 16 * MEBIBYTE,
    METRICS: 1024 * MEBIBYTE,
    RANDOM: 16 * MEBIBYTE,
    LEARNER: 4096 * MEBIBYTE,
    ALGORITHM: 16384 * MEBIBYTE,
}
"""Bytes of the files that a checkpoint's artifact has; there are no others."""
OF_THEIR_MACHINE = ("runs", "run", "records", "config", "export", *OF_THIS_CALL, "sweep")
"""Options that name places where the run was made, or that say nothing about the training. They are not taken over."""


class Refused(UserError):
    """What the server offers is not what a checkpoint of ours can be."""


def fetch_run(reference: Reference, runs: Path, key: str) -> Path:
    """The run directory, under `runs`, of a run with its newest checkpoint, or of that checkpoint.

    One that was fetched or made here before is taken as it is, if it has the same checkpoint. UserError for whatever is
    in the way, with the next step.
    """
    with asking(reference):
        artifact = find_checkpoint(reference, key)
        check_offer(artifact)
    with tempfile.TemporaryDirectory(prefix=".fetched-", dir=_made(runs)) as place:
        downloaded = download(artifact, Path(place) / "artifact")
        return make_run(downloaded, artifact, reference, runs)


def check_url(place: str) -> None:
    """UserError for a value of --wandb_url that is neither a run at Weights & Biases nor a folder."""
    if place and not Path(place).exists():
        parse_reference(place)


def local_run(place: str, runs: Path) -> str:
    """The folder of a run, fetched under `runs` where `place` means one at Weights & Biases."""
    if not is_reference(place) or Path(place).exists():
        return place
    reference, key = parse_reference(place), find_key()
    if key is None:
        raise UserError(f"{place} is at Weights & Biases, and there is no key: {HOW}")
    print(f"fetching {reference.path} from {server_url()}", flush=True)
    run = fetch_run(reference, runs, key)
    print(f"fetched: {run}", flush=True)
    return str(run)


def find_checkpoint(reference: Reference, key: str) -> Any:
    """The artifact of a run's newest checkpoint, or the very artifact that is meant."""
    server = interface(key)
    if reference.artifact:
        return server.artifact(reference.path, type=CHECKPOINT)
    offered = [each for each in server.run(reference.path).logged_artifacts() if each.type == CHECKPOINT]
    if not offered:
        raise UserError(
            f"{reference.path} has no checkpoint; it was not mirrored, or its checkpoints were deleted. "
            "Go on from its run directory where it was trained"
        )
    return max(offered, key=_version)


@contextmanager
def asking(reference: Reference) -> Iterator[None]:
    """What the client raises becomes a UserError that says why and what to do."""
    try:
        yield
    except UserError:
        raise
    except client_errors() as error:
        raise UserError(f"{reference.path} can't be fetched: {explained(one_line(error))}") from error


def check_offer(artifact: Any) -> None:
    """Refused unless the artifact has the files of a checkpoint and nothing else."""
    entries = artifact.manifest.entries
    for name, entry in entries.items():
        if name not in LARGEST:
            raise Refused(f"{artifact.name} has a file {name!r}, which no checkpoint has; nothing was fetched")
        if entry.ref is not None:
            raise Refused(f"{artifact.name} refers for {name} to another place, {entry.ref!r}; nothing was fetched")
        if not isinstance(entry.size, int) or not 0 <= entry.size <= LARGEST[name]:
            raise Refused(f"{artifact.name} has {name} of {entry.size} bytes, and it can have {LARGEST[name]}")
    missing = LARGEST.keys() - entries.keys()
    if missing:
        raise Refused(f"{artifact.name} is no checkpoint: it lacks {', '.join(sorted(missing))}")


def download(artifact: Any, folder: Path) -> Path:
    """Fetch the files into `folder`, and hold them against their sizes and hashes."""
    try:
        artifact.download(root=str(folder), skip_cache=True)
        artifact.verify(root=str(folder))
    except client_errors() as error:
        raise Refused(f"{artifact.name} can't be fetched: {explained(one_line(error))}") from error
    for name, entry in artifact.manifest.entries.items():
        path = folder / name
        if path.is_symlink() or not path.is_file() or path.stat().st_size != entry.size:
            raise Refused(f"{artifact.name}: what was fetched as {name} is not the file of {entry.size} bytes it lists")
    return folder


def make_run(fetched: Path, artifact: Any, source: Reference, runs: Path) -> Path:
    """Check everything once more as what it is to be, and put it in its place."""
    record = read_json(fetched / RECORD, "a run's record")
    record = {**record, "config": config_of(record, fetched / RECORD)}
    iteration = Checkpoint.read(fetched).counters.iteration
    rows = rows_until(iteration, fetched / METRICS)
    name, _, version = str(artifact.name).partition(":")
    run_id = name.removeprefix(f"{CHECKPOINT}-")
    place = runs / f"{source.project}-{run_id}-{version}"
    if not RunDirectory.exists(place):
        (fetched / RECORD).unlink()
        (fetched / METRICS).unlink()
        checkpoint = f"{iteration:06}"
        url = f"{page(source.entity, source.project)}/runs/{run_id}"
        mirrored = Mirrored(source.project, source.entity, run_id, url=url, checkpoints={checkpoint: version})
        with new_directory(place) as folder:
            (folder / CHECKPOINTS).mkdir()
            fetched.rename(folder / CHECKPOINTS / checkpoint)
            (folder / METRICS).write_text(rows)
            mirrored.write(folder)
            write_json(folder / RECORD, record)
    return place


def config_of(record: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The options of the training, each of the type it has here. UserError for a value of another type."""
    kinds, given = get_type_hints(TrainConfig), record.get("config")
    if not isinstance(given, dict):
        raise Refused(f"{path.name} has no configuration")
    config: dict[str, Any] = {}
    for field in fields(TrainConfig):
        if field.name not in given or field.name in OF_THEIR_MACHINE:
            continue
        value = given[field.name]
        if isinstance(value, list):
            config[field.name] = [checked(path, field.name, each, str) for each in value]
        elif value is not None:
            config[field.name] = checked(path, field.name, value, kinds[field.name])
    return config


def rows_until(iteration: int, path: Path) -> str:
    """The lines of `metrics.jsonl` of the iterations that the checkpoint has behind it."""
    kept = []
    for line in path.read_text().splitlines():
        try:
            row = json.loads(line)
            behind = isinstance(row["iteration"], int) and row["iteration"] <= iteration
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Refused(f"{path.name} holds a line that is no iteration: {one_line(error)}") from None
        if behind:
            kept.append(json.dumps(row) + "\n")
    return "".join(kept)


def _version(artifact: Any) -> int:
    return int(str(artifact.version).removeprefix("v"))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
