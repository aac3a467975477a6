"""Loop-nest tuning: the problem, its schedules, and a code generator that runs them near the processor's peak."""

from rllib_envs.loop_nest.problem import LoopNest

__all__ = ["LoopNest"]
