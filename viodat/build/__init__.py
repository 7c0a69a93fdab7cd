"""The pipeline: the stages of one trial, the gates that say no, and the folder that comes out."""

from __future__ import annotations

from viodat.build.options import BuildOptions
from viodat.build.pipeline import BuildResult, build_dataset

__all__ = ["BuildOptions", "BuildResult", "build_dataset"]
