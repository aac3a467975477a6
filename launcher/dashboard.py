"""`tunewright dashboard`: a view of a project at Weights & Biases that shows what matters of its runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

import tyro

from launcher.tracking.account import HOW, find_key
from launcher.tracking.advice import explained
from launcher.tracking.panels import COLUMNS, sections
from launcher.tracking.reference import View, parse_view
from launcher.tracking.settings import client_errors, interface, load_workspaces, one_line, page, sign_in
from launcher.tracking.sync import DEFAULT_PROJECT
from rllib_envs.errors import UserError
from rllib_envs.names import choose
from rllib_envs.registry import PROBLEMS

NAME = "tunewright"


@dataclass(frozen=True)
class DashboardConfig:
    """Make a dashboard of a project at Weights & Biases. Whoever may see the project sees it, too."""

    project: Annotated[str, tyro.conf.arg(name="wandb-project", aliases=["--project"])] = DEFAULT_PROJECT
    """The project, which has a run already."""
    entity: Annotated[str, tyro.conf.arg(name="wandb-entity", aliases=["--entity"])] = ""
    """Whose project it is; empty for the account's own."""
    problem: str = ""
    """Show only runs of this problem, such as loop_nest. Returns of different problems can't be compared."""
    update: str = ""
    """Address of a dashboard: give that one today's panels, instead of making another."""
    debug: bool = False
    """Show the traceback of an error."""


def run_dashboard(config: DashboardConfig) -> None:
    """Make or update it, and print its address. UserError says what is in the way, with the next step."""
    problem = choose(config.problem, PROBLEMS, "problem") if config.problem else ""
    view = parse_view(config.update) if config.update else None
    key = find_key()
    if key is None:
        raise UserError(f"no key of Weights & Biases: {HOW}")
    load_workspaces()
    sign_in(key)
    workspace = there_is(view) if view else new(config, problem, key)
    workspace.sections = sections()
    name = saved(workspace)
    address = f"{page(workspace.entity, workspace.project)}?nw={name}"
    print(f"dashboard: {address}")
    if not view:
        print(f"to bring it up to date later:  tunewright dashboard --update '{address}'")


def there_is(view: View) -> Any:
    """A workspace that was saved before, with whatever people have changed in it."""
    ws = load_workspaces()
    from wandb_workspaces.workspaces.errors import SpecVersionError

    try:
        return ws.Workspace.from_url(view.address)
    except (ValueError, SpecVersionError) as error:
        raise UserError(
            f"dashboard {view.path} can't be read: {one_line(error)}; is the address right, or was it deleted?"
        ) from error
    except client_errors() as error:
        raise UserError(f"dashboard {view.path} can't be read: {explained(one_line(error))}") from error


def new(config: DashboardConfig, problem: str, key: str) -> Any:
    """A workspace that the server doesn't know yet. UserError unless there is the project."""
    ws = load_workspaces()
    try:
        server = interface(key)
        entity = config.entity or server.default_entity
        known = find_project(server, entity, config.project)
    except client_errors() as error:
        raise UserError(f"project {config.project} can't be read: {explained(one_line(error))}") from error
    if not known:
        raise UserError(
            f"there is no project {entity}/{config.project}, or this account may not see it; "
            f"its first run makes it: tunewright train ... --wandb online --wandb-project {config.project}"
        )
    return ws.Workspace(
        entity,
        config.project,
        name=f"{NAME} {problem}".rstrip(),
        runset_settings=ws.RunsetSettings(
            filters=ws.And(ws.Tags().isin([problem])) if problem else "",
            pinned_columns=[f"summary:{name}" for name in COLUMNS],
        ),
    )


def find_project(server: Any, entity: str, project: str) -> bool:
    """Whether there is such a project. Raises what the client raises where that can't be known."""
    try:
        return bool(server.project(project, entity).id)
    except ValueError as error:
        if error.__cause__ is None:
            return False
        raise error.__cause__ from error


def saved(workspace: Any) -> str:
    """The name that the server has for it in addresses."""
    try:
        workspace.save()
        query: str = urlsplit(workspace.url).query
        return dict(parse_qsl(query))["nw"]
    except client_errors() as error:
        where = f"{workspace.entity}/{workspace.project}"
        raise UserError(f"no dashboard can be saved in {where}: {explained(one_line(error))}") from error
