"""The pipeline: the stages of one trial, the gates that say no, and the folder that comes out."""

from __future__ import annotations

from viodat.build.cluster import Cluster
from viodat.build.options import BuildOptions
from viodat.build.pipeline import BuildResult, build_dataset
from viodat.build.plan import Plan, plan_build
from viodat.build.workers import LocalPool, ThisProcess

__all__ = [
    "BuildOptions",
    "BuildResult",
    "Cluster",
    "LocalPool",
    "Plan",
    "ThisProcess",
    "build_dataset",
    "plan_build",
]
