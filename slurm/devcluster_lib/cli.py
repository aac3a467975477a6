"""The command line of `slurm/devcluster`."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Never

from devcluster_lib import cluster, processes
from devcluster_lib.configuration import Settings, ports_needed
from devcluster_lib.errors import DevclusterError
from devcluster_lib.folder import creatable, default_folder, existing
from devcluster_lib.requirements import PORTS, check_packages, free_ports, install, missing_for_accounting

DESCRIPTION = """\
A real SLURM of several nodes on this host, thrown away after use: its own daemons, ports and folder; no systemd, no
cgroups, root or plain user. Partitions: main, low (preemptible) and high (preempts low).

  eval "$(slurm/devcluster start)"      some seconds; then sinfo, srun, sbatch, sacct work in this shell
  slurm/devcluster stop                 removes jobs, daemons and the folder
"""

MOST_NODES = 64
"""A daemon of some 10 MB each; LONGEST_SOCKET counts on two digits."""


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    def error(self, message: str) -> Never:
        raise DevclusterError(f"{message}; see {self.prog} --help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. The exit status: 0, 1 when a start failed or nothing runs, 2 for bad input, 130 on Ctrl-C."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        options = _parser().parse_args(arguments)
        status: int = options.command(options)
        return status
    except DevclusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _parser() -> Parser:
    parser = Parser("devcluster", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = Parser(add_help=False)
    common.add_argument("--dir", type=Path, default=default_folder(), help="of the cluster (default: %(default)s)")

    start = commands.add_parser("start", parents=[common], help="bring a cluster up; prints what a shell should eval")
    start.set_defaults(command=_start)
    start.add_argument("--nodes", type=_count(1, MOST_NODES), default=3, help="default: %(default)s")
    start.add_argument("--cpus", type=_count(1), default=4, help="of each node (default: %(default)s)")
    start.add_argument("--memory", type=_count(1), default=4000, help="of each node, in MB (default: %(default)s)")
    start.add_argument("--gpus", type=_count(0), default=0, help="of each node, fake ones (default: %(default)s)")
    start.add_argument("--ports", type=_ports, default=PORTS, help="to choose from (default: 17000-29999)")
    start.add_argument("--no-accounting", action="store_true", help="no slurmdbd: faster; sacct is a stand-in")

    stop = commands.add_parser("stop", parents=[common], help="remove every trace of the cluster")
    stop.set_defaults(command=_stop)
    status = commands.add_parser("status", parents=[common], help="show its nodes and count its jobs")
    status.set_defaults(command=_status)
    kill_node = commands.add_parser("kill-node", parents=[common], help="kill a node and all that runs there")
    kill_node.set_defaults(command=_kill_node)
    start_node = commands.add_parser("start-node", parents=[common], help="bring a killed node back")
    start_node.set_defaults(command=_start_node)
    for command in (kill_node, start_node):
        command.add_argument("node", help="such as n2")
    return parser


def _start(options: argparse.Namespace) -> int:
    begin = time.monotonic()
    check_packages()
    folder = creatable(options.dir)
    missing = [] if options.no_accounting else missing_for_accounting()
    if missing:
        print(f"devcluster: no accounting, sacct is a stand-in; for the real one: {install(missing)}", file=sys.stderr)
    settings = Settings(
        nodes=options.nodes,
        cpus=options.cpus,
        memory=options.memory,
        gpus=options.gpus,
        accounting=not options.no_accounting and not missing,
        first_port=free_ports(ports_needed(options.nodes), options.ports),
    )
    cluster.start(settings, folder)
    print(f"export SLURM_CONF={shlex.quote(str(folder.slurm_conf))}")
    print(f'export PATH={shlex.quote(str(folder.bin))}:"$PATH"')
    nodes = "1 node" if settings.nodes == 1 else f"{settings.nodes} nodes"
    print(f"devcluster: {nodes} up in {time.monotonic() - begin:.1f} s in {folder.path}", file=sys.stderr)
    return 0


def _stop(options: argparse.Namespace) -> int:
    begin = time.monotonic()
    folder = existing(options.dir)
    if not folder.is_ours() and not processes.of_cluster(folder):
        print(f"devcluster: no cluster in {folder.path}")
        return 0
    for process in cluster.stop(folder):
        print(f"killed {process}")
    print(f"devcluster: stopped in {time.monotonic() - begin:.1f} s")
    return 0


def _status(options: argparse.Namespace) -> int:
    folder = existing(options.dir)
    if not cluster.is_running(folder):
        print(f"devcluster: no cluster runs in {folder.path}")
        return 1
    print(cluster.status(folder))
    return 0


def _kill_node(options: argparse.Namespace) -> int:
    killed = cluster.kill_node(options.node, existing(options.dir))
    print(f"devcluster: {options.node} {'killed' if killed else 'was not running'}")
    return 0


def _start_node(options: argparse.Namespace) -> int:
    started = cluster.start_node(options.node, existing(options.dir))
    print(f"devcluster: {options.node} {'is back' if started else 'was running already'}")
    return 0


def _count(least: int, most: int | None = None) -> Callable[[str], int]:
    """For argparse: a whole number within bounds."""

    def parse(text: str) -> int:
        bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
        if not text.isdecimal() or int(text) < least or (most is not None and int(text) > most):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {bounds}")
        return int(text)

    return parse


def _ports(text: str) -> range:
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal() and 1024 <= int(first) <= int(last) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a range of ports such as {PORTS.start}-{PORTS.stop - 1}")
    return range(int(first), int(last) + 1)


def _interrupt(number: int, frame: FrameType | None) -> Never:
    """A start that is told to end tidies up as on Ctrl-C."""
    raise KeyboardInterrupt
