"""What RLlib's `Algorithm` does not offer by itself: to go on at a step, to tell the step, and to end when told to."""

from __future__ import annotations

from typing import Any


def steps_played(algorithm: Any) -> int:
    """Environment steps that runners have reported so far, those before a restart included."""
    from ray.rllib.utils.metrics import ENV_RUNNER_RESULTS, NUM_ENV_STEPS_SAMPLED_LIFETIME

    return int(algorithm.metrics.peek((ENV_RUNNER_RESULTS, NUM_ENV_STEPS_SAMPLED_LIFETIME), default=0))


def continue_from(algorithm: Any, weights: Any, env_steps: int) -> None:
    """Give the environment runners the learner's weights, and everything with a schedule the step count."""
    from ray.rllib.core import COMPONENT_RL_MODULE
    from ray.rllib.utils.metrics import ENV_RUNNER_RESULTS, NUM_ENV_STEPS_SAMPLED_LIFETIME
    from ray.rllib.utils.metrics.metrics_logger import MetricsLogger

    more = env_steps - steps_played(algorithm)
    report = MetricsLogger(root=False)
    report.log_value(NUM_ENV_STEPS_SAMPLED_LIFETIME, more, reduce="lifetime_sum", with_throughput=True)
    algorithm.metrics.aggregate([report.reduce()], key=ENV_RUNNER_RESULTS)
    state = {COMPONENT_RL_MODULE: weights, NUM_ENV_STEPS_SAMPLED_LIFETIME: env_steps}
    algorithm.env_runner_group.foreach_env_runner(lambda runner: runner.set_state(state))


def stop_algorithm(algorithm: Any, patience: float) -> None:
    """End it within about `patience` seconds; RLlib would wait until each runner has played what it is playing."""
    runners = algorithm.env_runner_group
    runners.foreach_env_runner(
        lambda runner: runner.stop(), local_env_runner=False, healthy_only=False, timeout_seconds=patience
    )
    runners._worker_manager.clear()
    algorithm.stop()
