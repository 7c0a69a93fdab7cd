"""Camera models: projection, lens distortion, triangulation, reprojection error, and a pose solved from a moving body.

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
from viodat.camera.resection import Knock, Resection, guessed_camera, knocked, resect
from viodat.camera.sightings import Sightings, sightings_of
from viodat.camera.triangulation import reprojection_error, triangulate

__all__ = [
    "Camera",
    "Distortion",
    "FisheyeDistortion",
    "Fit",
    "Knock",
    "NoDistortion",
    "OpenCVDistortion",
    "Resection",
    "Sightings",
    "ViconRadial",
    "guessed_camera",
    "knocked",
    "reprojection_error",
    "resect",
    "sightings_of",
    "triangulate",
]
