"""The platforms that networks are scaled for, by name."""

from __future__ import annotations

PLATFORMS = ("raspberrypi", "jetson", "desktop")
DEVICES_OF = {"raspberrypi": ("cpu",), "jetson": ("cpu", "cuda"), "desktop": ("cpu", "cuda")}
