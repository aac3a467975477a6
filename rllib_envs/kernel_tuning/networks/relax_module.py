"""A network of PyTorch as a module of TVM's Relax. For processes with PyTorch and TVM alone."""

from __future__ import annotations

import re
import warnings
from typing import Any

import torch
from tvm import relax
from tvm.relax.frontend.torch import from_exported_program

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.networks.build import Network
from rllib_envs.kernel_tuning.template import in_one_line

UNSUPPORTED = re.compile(r"Unsupported function types \[(.*?)\]")
"""How TVM's importer names the operators that it lacks."""


def imported(network: Network, name: str) -> Any:
    """An IRModule whose `main` takes the network's input. Weights are constants, and what follows from them alone is
    computed ahead of time; operators are lowered and fused, as for deployment.

    UserError names the operators that TVM can't import.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what PyTorch deprecates in itself
        exported = torch.export.export(network.module, (network.input,))
        try:
            module = from_exported_program(exported, unwrap_unit_return_tuple=True)
        except Exception as error:  # AssertionError, ValueError and others, by the operator
            named = UNSUPPORTED.search(str(error))
            reason = f"the operators {named[1]}" if named else in_one_line(error)
            raise UserError(f"TVM can't import {name}: {reason}; write these parts in other operators") from None
    return relax.get_pipeline("zero")(module)
