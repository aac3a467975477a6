"""The executor: one process that runs nets on a video, on as many threads as PyTorch was given."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from rllib_envs.stem_sharing.executor.frames import Frames, Shape
from rllib_envs.stem_sharing.executor.messages import BadNets
from rllib_envs.stem_sharing.executor.pipeline import Pipeline, Seen
from rllib_envs.stem_sharing.executor.timetable import Timetable
from rllib_envs.stem_sharing.layered.model_file import Model, read_model
from rllib_envs.stem_sharing.nets import WireNet

IDLE_S = 1.0


class Running(NamedTuple):
    """A deployment that is in force."""

    pipeline: Pipeline
    timetable: Timetable
    shape: Shape
    began: float
    """When the first frame came, by the monotonic clock, in seconds."""


class TorchExecutor:
    """Runs what was deployed last. The video goes on while a frame is computed, and frames are left out that come too
    early to be looked at.

    Args:
        models: the folder of models; paths in nets are relative to it, and none may lead out of it.
        video: what is looked at.
        stream_fps: frames/s of the video.
        window_s: how long rates are measured after a deployment.
        watch: is told what applications see.
    """

    def __init__(
        self, models: Path, video: Frames, stream_fps: float, window_s: float, watch: Callable[[Seen], None]
    ) -> None:
        self._models, self._video, self._watch = models.resolve(), video, watch
        self._stream_fps, self._window_s = stream_fps, window_s
        self._running: Running | None = None
        self._next = 0
        """Number of the first frame that was not shown to the nets yet."""

    def deploy(self, nets: Sequence[WireNet]) -> list[float]:
        pipeline, timetable = Pipeline(nets, self._read), Timetable(nets, self._stream_fps)
        shape = (nets[0].channels, nets[0].height, nets[0].width)
        try:
            pipeline.run(self._video.frame(0, shape), range(len(nets)))  # the first time takes longer
        except RuntimeError as error:
            raise BadNets(f"the models can't compute a frame of {list(shape)}: {error}") from None
        self._running, self._next = Running(pipeline, timetable, shape, time.monotonic()), 0
        frames = max(1, math.ceil(self._window_s * self._stream_fps))
        while self._next < frames:
            time.sleep(self.work())
        return timetable.reached(frames)

    def work(self) -> float:
        running = self._running
        if running is None:
            return IDLE_S
        latest = math.floor((time.monotonic() - running.began) * self._stream_fps)
        if latest >= self._next:
            self._look(running, latest)
            self._next = latest + 1
        return max(0.0, running.began + self._next / self._stream_fps - time.monotonic())

    def _look(self, running: Running, number: int) -> None:
        places = running.timetable.at(number)
        if not places:
            return
        logits = running.pipeline.run(self._video.frame(number, running.shape), places)
        for seen in running.pipeline.seen(number, logits):
            self._watch(seen)

    def _read(self, path: str) -> Model:
        place = (self._models / path).resolve()
        if not place.is_relative_to(self._models):
            raise BadNets(f"{path} is not in the executor's folder of models, {self._models}")
        return read_model(place)
