"""V-trace against the paper's formula, and the learners' losses against a direct computation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.vtrace.targets import v_trace

DISCOUNT, BOUND = 0.9, 1.0


def by_the_paper(ratios, rewards, values, last, ended):
    """Equation 1 of Espeholt et al. (2018) as it is written, for one stretch: `last` is the value after it."""
    steps = len(rewards)
    discounts = np.full(steps, DISCOUNT)
    discounts[-1] *= not ended
    rho, c = np.minimum(ratios, BOUND), np.minimum(ratios, 1.0)
    after = np.append(values[1:], last)
    errors = rho * (rewards + discounts * after - values)
    targets = np.array(
        [
            values[s] + sum(np.prod(discounts[s:t]) * np.prod(c[s:t]) * errors[t] for t in range(s, steps))
            for s in range(steps)
        ]
    )
    return targets, rho * (rewards + discounts * np.append(targets[1:], last) - values)


def stretches(rng, lengths, ended):
    """Random stretches, each with its appended step, flat; and what the paper's formula says of each."""
    flat = {name: [] for name in ("ratios", "discounts", "rewards", "values", "played", "targets", "advantages")}
    for length, end in zip(lengths, ended, strict=True):
        ratios, rewards = rng.uniform(0.2, 2.5, length + 1), rng.uniform(0, 1, length + 1)
        values = rng.normal(size=length + 1)
        targets, advantages = by_the_paper(ratios[:-1], rewards[:-1], values[:-1], values[-1], end)
        discounts = np.full(length + 1, DISCOUNT)
        discounts[-2] *= not end
        flat["targets"] += [*targets, values[-1]]
        flat["advantages"] += [*advantages, 0.0]
        flat["played"] += [True] * length + [False]
        for name, array in (("ratios", ratios), ("discounts", discounts), ("rewards", rewards), ("values", values)):
            flat[name] += list(array)
    return {
        name: torch.tensor(column, dtype=torch.bool if name == "played" else torch.float32)
        for name, column in flat.items()
    }


@pytest.mark.parametrize("seed", range(5))
def test_the_paper_s_formula_for_stretches_of_any_length(seed):
    rng = np.random.default_rng(seed)
    data = stretches(rng, rng.integers(1, 12, 9), rng.random(9) < 0.5)
    expected = data.pop("targets"), data.pop("advantages")
    for ours, theirs in zip(v_trace(**data, bound=BOUND), expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_a_stretch_knows_nothing_of_its_neighbours():
    data = stretches(np.random.default_rng(0), [4, 5, 3], [False, True, False])
    data.pop("targets"), data.pop("advantages")
    before = v_trace(**data, bound=BOUND)
    data["values"][5:11] += 10.0
    data["rewards"][5:11] -= 3.0
    for one, other in zip(before, v_trace(**data, bound=BOUND), strict=True):
        torch.testing.assert_close(one[:5], other[:5])
        torch.testing.assert_close(one[11:], other[11:])
