"""Ape-X DQN (Horgan et al., 2018, "Distributed Prioritized Experience Replay") on RLlib's new API stack."""

from models.apex_dqn.algorithm import ApexDQN
from models.apex_dqn.config import ApexDQNConfig

__all__ = ["ApexDQN", "ApexDQNConfig"]
