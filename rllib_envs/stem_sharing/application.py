"""An application: a classifier that was fine-tuned from the base network at several freeze points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from rllib_envs.errors import UserError
from rllib_envs.stem_sharing.checked import finite, no_others, whole


class Variant(NamedTuple):
    """The application's network as trained with the layers below a freeze point kept as they were."""

    freeze_point: int
    hit: float
    """Probability that a frame of an event is recognised: the accuracy."""
    false_alarm: float
    """Probability that another frame is taken for one of an event."""
    model_path: str = ""


@dataclass(frozen=True)
class Application:
    """What one user wants to know of the video."""

    app_id: str
    variants: tuple[Variant, ...]
    """By rising freeze point; at least one."""
    event_ms: float = 500.0
    """How long an event lasts, in milliseconds."""
    frequency: float = 0.2
    """Share of the time in which there is an event."""
    correlation: float = 0.1
    """How much a missed frame makes it likelier that the next one is missed; 0 not at all, 1 always."""
    votes: int = 0
    """Frames in a row that have to agree before there is an alert; 0: a single one, with correlated misses."""

    def variant(self, freeze_point: int) -> Variant:
        return next(variant for variant in self.variants if variant.freeze_point == freeze_point)

    def to_spec(self) -> dict[str, Any]:
        """The user's dictionary."""
        paths = {str(variant.freeze_point): variant.model_path for variant in self.variants if variant.model_path}
        return {
            "app_id": self.app_id,
            "accuracies": {str(variant.freeze_point): variant.hit for variant in self.variants},
            "prob_tnrs": {str(variant.freeze_point): variant.false_alarm for variant in self.variants},
            "event_length_ms": self.event_ms,
            "event_frequency": self.frequency,
            "correlation_coefficient": self.correlation,
            **({"model_path": paths} if paths else {}),
            **({"x_vote": self.votes} if self.votes else {}),
        }

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Application:
        """From the user's dictionary. `prob_tnrs` are false-alarm rates, whatever their name says; where they are
        missing there are no false alarms. Raises UserError that names application and entry.
        """
        if not isinstance(spec, Mapping) or spec.get("app_id") in (None, ""):
            raise UserError(f"an application has to be an object with an app_id, got {spec!r:.80}")
        name = f"application {spec['app_id']!r}"
        no_others(spec, (*_ENTRIES, "accuracies", "app_id", "model_path", "prob_tnrs", "x_vote"), name)
        hits = _by_freeze_point(spec, "accuracies", name)
        if not hits:
            raise UserError(f"{name} needs accuracies, an object with at least one freeze point: accuracy")
        alarms = _by_freeze_point(spec, "prob_tnrs", name) or dict.fromkeys(hits, 0.0)
        if missing := sorted(hits.keys() ^ alarms.keys()):
            raise UserError(
                f"{name} has accuracies and prob_tnrs for different freeze points; {missing[0]} is in one only"
            )
        paths = {whole(point, f"model_path of {name}"): str(path) for point, path in spec.get("model_path", {}).items()}
        variants = tuple(Variant(point, hits[point], alarms[point], paths.get(point, "")) for point in sorted(hits))
        numbers = {
            field: finite(spec[entry], f"{entry} of {name}", low, high)
            for entry, (field, low, high) in _ENTRIES.items()
            if entry in spec
        }
        return cls(str(spec["app_id"]), variants, **numbers, votes=whole(spec.get("x_vote") or 0, f"x_vote of {name}"))


_ENTRIES = {
    "event_length_ms": ("event_ms", 1e-3, 1e9),
    "event_frequency": ("frequency", 0.0, 1.0),
    "correlation_coefficient": ("correlation", 0.0, 1.0),
}


def _by_freeze_point(spec: Mapping[str, Any], entry: str, name: str) -> dict[int, float]:
    found = spec.get(entry, {})
    if not isinstance(found, Mapping):
        raise UserError(f"{entry} of {name} has to be an object of freeze point: probability, got {found!r:.80}")
    return {
        whole(point, f"a freeze point in {entry} of {name}"): finite(value, f"{entry}[{point}] of {name}", 0, 1)
        for point, value in found.items()
    }


def all_different(applications: Iterable[Application]) -> tuple[Application, ...]:
    """Raises UserError when two have the same id."""
    found: dict[str, Application] = {}
    for application in applications:
        if application.app_id in found:
            raise UserError(f"two applications have the app_id {application.app_id!r}; give each one of its own")
        found[application.app_id] = application
    return tuple(found.values())
