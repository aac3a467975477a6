"""Genes of a kernel as a policy decides them: any tuner can begin with those."""

from __future__ import annotations

import numpy as np

from models.policy import Policy
from rllib_envs.kernel_tuning.decisions import Kernel
from rllib_envs.kernel_tuning.gene_space import Gene, GeneSpace
from rllib_envs.kernel_tuning.module_task import Task
from rllib_envs.kernel_tuning.problem import KernelTuning
from rllib_envs.policy_input import policy_input


class PolicyDraws:
    """A source of genes for `Tuner`: the policy's best one, then drawn ones. Nothing is measured on the way."""

    def __init__(self, policy: Policy, task: Task, space: GeneSpace) -> None:
        """The policy is one for kernels. UserError for a kernel that is too large for it."""
        self._policy, self._problem = policy, KernelTuning(**policy.problem_config)
        self._start = self._problem.start(f"kernel {task.text}", Kernel(task, space))
        self._drawn = False

    def __call__(self, rng: np.random.Generator) -> Gene:
        player, state, step = self._policy.start(), self._start, 0
        while not state.finished:
            inputs = policy_input(self._problem, state, 1 - step / self._policy.horizon)
            state = self._problem.apply(state, player.act(inputs, rng if self._drawn else None))
            step += 1
        self._drawn = True
        return state.gene
