"""Label faults made on purpose in a moving figure are found and repaired; sound labels are left alone."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tests.unit.body.figure import figure, trial
from viodat.body import MARKER_SETS
from viodat.body.labels import repair_labels
from viodat.body.labels.sides import partner_pairs
from viodat.capture.markers import MarkerTrial

PIG = MARKER_SETS["plug-in-gait-hands"].labels
FRAMES = 600


@pytest.fixture(scope="module")
def moving() -> MarkerTrial:
    """6 s at 100 Hz: the figure sways and walks about; each marker wobbles on its skin, with 0.1 mm of noise."""
    points, _ = figure(frames=1)
    still = np.stack([points[label][0] for label in PIG])
    still -= still.mean(axis=0)
    t = np.arange(FRAMES) / 100
    turn = Rotation.from_rotvec(0.3 * np.stack([np.sin(2 * t), np.sin(3.1 * t), np.sin(1.3 * t)], axis=1))
    rng = np.random.default_rng(7)
    phase, way = rng.uniform(0, 6, len(PIG)), rng.normal(scale=2.0, size=(len(PIG), 3))
    skin = np.sin(2 * np.pi * 0.7 * t[:, None] + phase)[..., None] * way
    positions = np.stack([turn.apply(p) for p in still], axis=1) + skin + rng.normal(scale=0.1, size=skin.shape)
    positions += np.stack([200 * np.sin(t), 150 * np.cos(t), 20 * np.sin(5 * t)], axis=1)[:, None]
    recorded = trial({label: positions[:, k] for k, label in enumerate(PIG)}, PIG)
    return replace(recorded, first_frame=101, residuals=rng.uniform(0.1, 1.0, positions.shape[:2]))


def spoilt(recorded: MarkerTrial, start: int, end: int, *names: str) -> MarkerTrial:
    """Exchange labels cyclically in frames [start, end)."""
    at = [recorded.labels.index(name) for name in names]
    positions, residuals = recorded.positions_mm.copy(), recorded.residuals.copy()
    for values in (positions, residuals):
        values[start:end, at] = values[start:end, np.roll(at, 1)]
    return replace(recorded, positions_mm=positions, residuals=residuals)


def placed(recorded: MarkerTrial, label: str, start: int, end: int, positions: np.ndarray) -> MarkerTrial:
    """Put a label somewhere else in frames [start, end)."""
    changed = recorded.positions_mm.copy()
    changed[start:end, recorded.labels.index(label)] = positions
    return replace(recorded, positions_mm=changed)


def same(a: MarkerTrial, b: MarkerTrial) -> bool:
    return np.array_equal(a.positions_mm, b.positions_mm, equal_nan=True) and np.array_equal(
        a.residuals, b.residuals, equal_nan=True
    )


def test_sound_labels_are_left_alone(moving):
    repaired, report = repair_labels(moving, static=moving, marker_set=MARKER_SETS["plug-in-gait-hands"])
    assert report.faults == ()
    assert report.notes == ()
    assert repaired is moving


@pytest.mark.parametrize(
    ("names", "kind"),
    [(("LIDX", "LPNK"), "swap"), (("LTHI", "LKNE"), "swap"), (("LWRA", "RWRA"), "sides"), (("LKNE", "RKNE"), "sides")],
)
@pytest.mark.parametrize(("start", "end"), [(200, 215), (100, 260), (560, 600)])
def test_an_exchange_in_part_of_a_trial(moving, names, kind, start, end):
    faulty = spoilt(moving, start, end, *names)
    before = faulty.positions_mm.copy()
    repaired, report = repair_labels(faulty)
    (fault,) = report.faults
    assert (fault.kind, set(fault.labels), fault.repaired) == (kind, set(names), True)
    assert (fault.start_frame, fault.end_frame) == (101 + start, 100 + end)
    assert same(repaired, moving)
    assert np.array_equal(faulty.positions_mm, before), "the input is not to be changed"
    assert str(fault) in report.notes


def test_a_cycle_of_three_labels_is_one_fault(moving):
    repaired, report = repair_labels(spoilt(moving, 300, 380, "LWRA", "LIDX", "LPNK"))
    (fault,) = report.faults
    assert (fault.kind, set(fault.labels), fault.repaired) == ("swap", {"LWRA", "LIDX", "LPNK"}, True)
    assert same(repaired, moving)


def test_an_exchange_that_begins_after_a_gap(moving):
    gap = placed(moving, "LIDX", 180, 200, np.full((20, 3), np.nan))
    repaired, report = repair_labels(spoilt(gap, 200, 290, "LIDX", "LPNK"))
    (fault,) = report.faults
    assert fault.repaired
    assert np.array_equal(repaired.positions_mm, gap.positions_mm, equal_nan=True)


def test_all_sides_of_a_whole_trial(moving):
    pairs = partner_pairs(moving.labels)
    order = np.arange(len(PIG))
    for a, b in pairs:
        order[a], order[b] = b, a
    faulty = replace(moving, positions_mm=moving.positions_mm[:, order], residuals=moving.residuals[:, order])
    for frames in (FRAMES, 3, 1):
        few = replace(faulty, positions_mm=faulty.positions_mm[:frames], residuals=faulty.residuals[:frames])
        repaired, report = repair_labels(few)
        (fault,) = report.faults
        assert (fault.kind, fault.repaired, len(fault.labels)) == ("sides", True, 2 * len(pairs))
        assert np.array_equal(repaired.positions_mm, moving.positions_mm[:frames])


@pytest.mark.parametrize("stem", ["ASI", "SHO", "KNE", "TOE", "WRB", "IDX"])
def test_one_pair_of_sides_in_the_whole_trial(moving, stem):
    repaired, report = repair_labels(spoilt(moving, 0, FRAMES, "L" + stem, "R" + stem))
    (fault,) = report.faults
    assert (fault.kind, set(fault.labels), fault.repaired) == ("sides", {"L" + stem, "R" + stem}, True)
    assert same(repaired, moving)


def test_neighbours_in_the_whole_trial_need_a_static_trial(moving):
    faulty = spoilt(moving, 0, FRAMES, "LTHI", "LKNE")
    assert repair_labels(faulty)[1].faults == ()
    repaired, report = repair_labels(faulty, static=moving)
    assert report.faults[0].repaired
    assert same(repaired, moving)


def test_a_spike_becomes_a_gap(moving):
    shift = np.array([30.0, -20.0, 10.0])
    at = moving.marker("RKNE")[250:252] + shift
    repaired, report = repair_labels(placed(moving, "RKNE", 250, 252, at))
    (fault,) = report.faults
    assert (fault.kind, fault.labels, fault.start_frame, fault.end_frame) == ("spike", ("RKNE",), 351, 352)
    k = moving.labels.index("RKNE")
    assert np.isnan(repaired.positions_mm[250:252, k]).all()
    assert np.isnan(repaired.residuals[250:252, k]).all()
    assert same(
        placed(repaired, "RKNE", 250, 252, 0),
        placed(replace(moving, residuals=repaired.residuals), "RKNE", 250, 252, 0),
    )


def test_a_ghost_becomes_a_gap(moving):
    gone = placed(moving, "LIDX", 230, 300, np.full((70, 3), np.nan))
    at = moving.marker("LIDX")[240:280] + np.array([150.0, 0.0, 150.0])
    repaired, report = repair_labels(placed(gone, "LIDX", 240, 280, at))
    (fault,) = report.faults
    assert (fault.kind, fault.labels, fault.repaired) == ("ghost", ("LIDX",), True)
    assert np.array_equal(repaired.positions_mm, gone.positions_mm, equal_nan=True)


def test_of_two_labels_on_one_marker_the_wrong_one_goes(moving):
    at = moving.marker("LKNE")[240:300] + 0.3
    repaired, report = repair_labels(placed(moving, "LTHI", 240, 300, at))
    (fault,) = report.faults
    assert (fault.kind, fault.labels, fault.repaired) == ("duplicate", ("LKNE", "LTHI"), True)
    assert np.isnan(repaired.marker("LTHI")[240:300]).all()
    assert np.array_equal(repaired.marker("LKNE"), moving.marker("LKNE"))


def test_of_a_repeated_label_the_repetition_goes(moving):
    doubled = replace(
        moving,
        labels=(*moving.labels, "LKNE#2"),
        positions_mm=np.concatenate([moving.positions_mm, moving.marker("LKNE")[:, None]], axis=1),
        residuals=np.concatenate([moving.residuals, moving.residuals[:, :1]], axis=1),
    )
    repaired, report = repair_labels(doubled)
    (fault,) = report.faults
    assert (fault.kind, fault.labels, fault.repaired) == ("duplicate", ("LKNE", "LKNE#2"), True)
    assert np.isnan(repaired.marker("LKNE#2")).all()


def test_labels_outside_the_marker_set_are_not_touched(moving):
    faulty = spoilt(moving, 200, 260, "LIDX", "LPNK")
    repaired, report = repair_labels(faulty, marker_set=MARKER_SETS["plug-in-gait"])
    assert report.faults == ()
    assert repaired is faulty


def test_partners_in_many_spellings():
    labels = ["LKNE", "RKNE", "L_FLE", "R_FLE", "hip_l", "hip_r", "LeftToe", "RightToe", "LKNE#2", "CLAV", "RBAK"]
    assert [(labels[a], labels[b]) for a, b in partner_pairs(labels)] == [
        ("LKNE", "RKNE"),
        ("L_FLE", "R_FLE"),
        ("hip_l", "hip_r"),
        ("LeftToe", "RightToe"),
    ]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("frames", [0, 1, 2, 3, 8])
def test_short_and_empty_trials(moving, frames):
    short = replace(moving, positions_mm=moving.positions_mm[:frames], residuals=moving.residuals[:frames])
    repaired, report = repair_labels(short)
    assert repaired is short
    assert report.faults == ()
    gone = replace(short, positions_mm=short.positions_mm * np.nan)
    assert "no marker is seen" in repair_labels(gone)[1].notes[0]
    if frames in (1, 2, 3):
        assert "too few" in report.notes[0]


@pytest.mark.filterwarnings("error")
def test_labels_without_sides_or_trunk(moving):
    renamed = moving.renamed({label: f"M{k}" for k, label in enumerate(moving.labels)})
    repaired, report = repair_labels(spoilt(renamed, 200, 260, "M1", "M2"))
    assert len(report.faults) == 1
    assert np.array_equal(repaired.positions_mm, moving.positions_mm)
    arms = moving.keeping({s + stem for s in "LR" for stem in ("ELB", "WRA", "WRB", "FRM")})
    assert "could not be seen" in repair_labels(arms)[1].notes[0]
