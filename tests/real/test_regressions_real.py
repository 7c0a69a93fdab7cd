"""How far the regressions lie from each other on real people: spread between methods, not error."""

import numpy as np
import pytest

from tests.real.test_plug_in_gait_real import FILES, load
from viodat.body import stored_centres
from viodat.body.regressions import HIP_REGRESSIONS, SHOULDER_REGRESSIONS, hip_centres, shoulder_centres
from viodat.joints import JOINTS

# Mean distance in mm from Vicon's own centre, over one file, both sides: least and most to be expected. Hip methods
# differ by 14 to 33 mm in the literature; without the correction for the marker's radius it would be 12 to 38 mm here.
EXPECTED = {
    "davis": (0.0, 0.01),
    "harrington": (19.0, 36.0),
    "harrington-width": (16.0, 32.0),
    "hara": (13.0, 33.0),
    "rab": (10.0, 24.0),
    "offset": (4.0, 11.0),
}


@pytest.fixture(scope="module")
def distances(real_data):
    """Method -> file -> joint -> mean distance from the point that Vicon stored."""
    found = {method: {} for method in EXPECTED}
    for name in FILES:
        trial, measured = load(real_data, name)
        stored = stored_centres(trial)
        for compute, methods in ((hip_centres, HIP_REGRESSIONS), (shoulder_centres, SHOULDER_REGRESSIONS)):
            for method in methods:
                centres = compute(trial, measured, method).values()
                found[method][name] = {
                    c.joint: float(np.nanmean(np.linalg.norm(c.position_mm - stored[c.joint], axis=-1)))
                    for c in centres
                }
    return found


def test_spread_between_methods(distances, capsys):
    lines = [f"{'method':<18}{'joint':<16}{'mean mm':>9}{'least':>8}{'most':>8}"]
    for method, files in distances.items():
        for joint in sorted({joint for file in files.values() for joint in file}):
            values = [file[joint] for file in files.values()]
            lines.append(f"{method:<18}{joint:<16}{np.mean(values):>9.1f}{min(values):>8.1f}{max(values):>8.1f}")
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    for method, files in distances.items():
        low, high = EXPECTED[method]
        for name, joints in files.items():
            assert set(joints) <= set(JOINTS)
            middle = np.mean(list(joints.values()))
            assert low <= middle <= high, f"{method} in {name}: {middle:.1f} mm"


def test_every_hip_lies_behind_below_and_beside_the_spines(real_data):
    for name in FILES:
        trial, measured = load(real_data, name)
        for method in HIP_REGRESSIONS:
            centres = hip_centres(trial, measured, method)
            for side, sign in (("left", 1), ("right", -1)):
                x, y, z = centres[side].local_mm
                assert -90 < x < -15, f"{method} in {name}"
                assert 40 < sign * y < 120, f"{method} in {name}"
                assert -120 < z < -40, f"{method} in {name}"
