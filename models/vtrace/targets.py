"""V-trace: what states are worth and actions have won, by a policy that has changed since (Espeholt et al., 2018).

RLlib 2.60 has an implementation, and two faults around it. It cuts the steps of all episodes, written one after
another, into rows of a fragment's length, whatever episode a row begins or ends in, and so learns from shorter returns
than were played. And it takes the step that it appends to each episode for played: where a fragment ends within an
episode, the state after it is then estimated to be worth nothing instead of what the critic says.
"""

from __future__ import annotations

import torch
from torch import Tensor


def v_trace(
    ratios: Tensor, discounts: Tensor, rewards: Tensor, values: Tensor, played: Tensor, bound: float
) -> tuple[Tensor, Tensor]:
    """Targets of the critic and advantages of the actions (section 4.1 of the paper, equation 1).

    Every argument is [steps]: stretches of episodes one after another, each with one more step at its end, which was
    not `played` and holds the value of the state after it.

    Args:
        ratios: probability of the action under the present policy over that under the one that took it.
        discounts: 0 where the episode ended with this step.
        rewards: of each step.
        values: the critic's, of the state before each step.
        played: bool.
        bound: most that a ratio counts, the paper's rho; traces are cut at 1, the paper's c.

    Returns:
        Two float32 tensors [steps] without gradients; where not played, the value itself and 0.
    """
    with torch.no_grad():
        values_after = torch.cat([values[1:], values.new_zeros(1)])
        discounts = torch.where(played, discounts, 0.0)
        weights = torch.where(played, ratios.clamp(max=bound), 0.0)
        errors = weights * (rewards + discounts * values_after - values)
        traces = discounts * torch.where(played, ratios.clamp(max=1.0), 0.0)
        # Plain numbers: thousands of operations on tensors of one element would take longer than the network.
        corrections, later = [], 0.0
        for error, trace in zip(reversed(errors.tolist()), reversed(traces.tolist()), strict=True):
            later = error + trace * later
            corrections.append(later)
        targets = values + torch.tensor(corrections[::-1], dtype=values.dtype, device=values.device)
        targets_after = torch.cat([targets[1:], targets.new_zeros(1)])
        return targets, weights * (rewards + discounts * targets_after - values)
