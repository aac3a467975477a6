"""How the decoder chooses among the candidates that the mask leaves: at random, by a score, or by a noisy score."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rllib_envs.streaming_engine.decoder import Candidates, Chooser, Decoder

Score = Callable[[Decoder, Candidates], np.ndarray]
"""How good each candidate is: float32 [candidates, batch], higher is better."""


def at_random(rng: np.random.Generator) -> Chooser:
    """Each legal candidate as likely as the other."""
    return lambda _, candidates: _highest(rng.random(candidates.legal.shape, np.float32), candidates.legal)


def by_score(score: Score) -> Chooser:
    """The legal candidate with the highest score, the first of equals."""
    return lambda decoder, candidates: _highest(score(decoder, candidates), candidates.legal)


def sampled(score: Score, temperature: float, rng: np.random.Generator) -> Chooser:
    """A legal candidate with probability proportional to exp(score / temperature), by Gumbel noise."""

    def choose(decoder: Decoder, candidates: Candidates) -> np.ndarray:
        noise = rng.standard_exponential(candidates.legal.shape, np.float32)
        np.maximum(noise, np.finfo(np.float32).tiny, out=noise)
        np.log(noise, out=noise)  # the logarithm of an exponential variate is minus a Gumbel variate
        np.subtract(score(decoder, candidates) / np.float32(temperature), noise, out=noise)
        return _highest(noise, candidates.legal)

    return choose


def earliest(_: Decoder, candidates: Candidates) -> np.ndarray:
    """A score: the earlier a node starts the better, as in list scheduling."""
    return np.asarray(np.negative(candidates.starts, dtype=np.float32))


def _highest(scores: np.ndarray, legal: np.ndarray) -> np.ndarray:
    """The row with the highest score among the legal ones, in each column; row 0 where none is."""
    masked = np.where(legal, scores, np.float32(-np.inf))
    return np.asarray((masked == masked.max(axis=0)).argmax(axis=0))  # faster along this axis than argmax of numbers
