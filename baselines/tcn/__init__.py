"""Temporal convolutions after VideoPose3D: the floor that learns. See README.md."""

from viodat.baselines.tcn.model import TemporalConvolutions

__all__ = ["TemporalConvolutions"]
