"""Stem sharing over time: applications come and go, the box's capacity drifts, and deploying costs detections."""
