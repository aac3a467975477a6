"""What a person types to mean a run at Weights & Biases: its path, its address, or one of its checkpoints."""

from __future__ import annotations

import os
import re
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from rllib_envs.errors import UserError

BASE_URL = "WANDB_BASE_URL"
"""The variable in which the client looks for a server other than the public one."""
FORGE, FORGE_PATH = "forge.coreweave.com", "wandb"
"""Where wandb 0.31 shows the pages of the public server, and what their paths begin with."""
PUBLIC_HOSTS = ("wandb.ai", "www.wandb.ai", "api.wandb.ai", FORGE)
PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
"""Of entities, projects, runs and artifacts; what else the service allows in names needs no place in ours."""
PERSONAL = "nwuser"
"""How the names of those views begin that belong to one person and are not saved."""
FORMS = "entity/project/run_id, the address of its page, or entity/project/checkpoint-run_id:v3"


class Reference(NamedTuple):
    """A run, or one of its checkpoints."""

    entity: str
    project: str
    run: str = ""
    """The run's id; empty where an artifact is meant."""
    artifact: str = ""
    """Such as checkpoint-1a2b3c:v3."""

    @property
    def path(self) -> str:
        """As the client's public interface takes it."""
        return f"{self.entity}/{self.project}/{self.run or self.artifact}"


class View(NamedTuple):
    """A dashboard, which W&B calls a saved view of a project's workspace."""

    entity: str
    project: str
    name: str

    @property
    def path(self) -> str:
        return "/".join(self)

    @property
    def address(self) -> str:
        """As the library that makes them takes it, which looks at the path and the query only."""
        return f"https://{PUBLIC_HOSTS[0]}/{self.entity}/{self.project}?nw={self.name}"


def is_reference(place: str) -> bool:
    """Whether it means a run at Weights & Biases, rather than a folder."""
    return "://" in place or (len(place.split("/")) == 3 and not place.startswith((".", "/", "~")))


def parse_reference(place: str) -> Reference:
    """UserError for an address elsewhere, and for what is none of the forms."""
    parts = place.split("/")
    if "://" in place:
        parts = _of_address(place)
    if len(parts) != 3 or not all(PART.fullmatch(part) for part in (*parts[:2], *parts[2].split(":"))):
        raise UserError(f"{place!r} is no run at Weights & Biases; give {FORMS}")
    entity, project, last = parts
    return Reference(entity, project, artifact=last) if ":" in last else Reference(entity, project, run=last)


def parse_view(place: str) -> View:
    """A dashboard by its page's address. UserError for an address elsewhere, and for that of another page."""
    parts, query = _at_our_host(place) if "://" in place else ([], "")
    name = dict(parse_qsl(query)).get("nw", "")
    match parts:
        case [entity, project] | [entity, project, "workspace"]:
            if all(PART.fullmatch(part) for part in (entity, project, name)) and not name.startswith(PERSONAL):
                return View(entity, project, name)
    raise UserError(f"{place!r} is the address of no saved view; open it and copy the address, which ends in ?nw=...")


def _of_address(place: str) -> list[str]:
    """Entity, project and run or artifact of an address at a host that we know."""
    match _at_our_host(place)[0]:
        case [entity, project, "runs", run, *_]:
            return [entity, project, run]
        case [entity, project, "artifacts", _, name, version, *_]:
            return [entity, project, f"{name}:{version}"]
    raise UserError(f"{place} is the address of no run; open the run's page and copy that, or give {FORMS}")


def _at_our_host(place: str) -> tuple[list[str], str]:
    """The parts of an address's path, and its query. UserError where it is at a host that we don't know."""
    try:
        address = urlsplit(place)
        host, own = address.hostname, urlsplit(os.environ.get(BASE_URL, "")).hostname
    except ValueError as error:
        raise UserError(f"{place!r} is no address: {error}; copy that of the page") from None
    known = [*PUBLIC_HOSTS, *([own] if own else [])]
    if address.scheme not in ("http", "https") or host not in known:
        raise UserError(f"{place} is at {host or 'no host'}; runs are fetched from {', '.join(known)} only")
    if address.scheme == "http" and host in PUBLIC_HOSTS:
        raise UserError(f"{place} would be fetched in the clear; write https")
    parts = [unquote(part) for part in address.path.strip("/").split("/")]
    if host == FORGE and parts[0] == FORGE_PATH:
        del parts[0]
    return parts, address.query
