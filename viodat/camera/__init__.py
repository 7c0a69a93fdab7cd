"""Camera models: projection, lens distortion, triangulation, reprojection error.

Millimetres and pixels; camera frame as in OpenCV; NaN for what is missing or cannot be seen.
"""

from viodat.camera.distortion import (
    Distortion,
    FisheyeDistortion,
    NoDistortion,
    OpenCVDistortion,
    ViconRadial,
)
from viodat.camera.fitting import Fit
from viodat.camera.model import Camera
from viodat.camera.triangulation import reprojection_error, triangulate

__all__ = [
    "Camera",
    "Distortion",
    "FisheyeDistortion",
    "Fit",
    "NoDistortion",
    "OpenCVDistortion",
    "ViconRadial",
    "reprojection_error",
    "triangulate",
]
