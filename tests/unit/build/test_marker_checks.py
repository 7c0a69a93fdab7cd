"""Checks of trajectories: absent, unlabelled, repeated, leaping, frozen, brief."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.build.check_views import LABELS, body, markers, problems, trial

CHECKS_HERE = (
    "markers-absent", "markers-unlabelled", "label-repeated", "marker-leaps", "frames-frozen", "trial-brief",
)  # fmt: skip


@pytest.mark.parametrize("check", CHECKS_HERE)
def test_a_good_trial_has_no_finding(check):
    assert not problems(check, trial())


def test_a_file_of_force_plates_alone_is_told():
    (one,) = problems("markers-absent", trial(markers(np.empty((100, 0, 3)), ())))
    assert one.problem == "its file holds no marker"
    (one,) = problems("markers-absent", trial(markers(np.full((100, 10, 3), np.nan))))
    assert "none of its 10 markers is seen" in one.problem


def test_trajectories_without_labels_are_told_with_their_share():
    nameless = {f"*{k}": np.zeros((1000, 3)) for k in range(5)}
    (one,) = problems("markers-unlabelled", trial(markers(other=nameless)))
    assert one.value == pytest.approx(1 / 3)
    assert not problems("markers-unlabelled", trial(markers(other={"*1": np.zeros((1000, 3))})))
    assert not problems("markers-unlabelled", trial(markers(other={f"HEDA{k}": np.zeros((1000, 3)) for k in range(9)})))


def test_a_label_that_stands_twice_is_told():
    (one,) = problems("label-repeated", trial(markers(labels=(*LABELS[:-1], "LASI#2"))))
    assert "LASI" in one.problem


def test_a_label_that_jumps_to_another_marker_and_back_is_told():
    places = body()
    for start in (100, 300):
        places[start : start + 20, [0, 8]] = places[start : start + 20, [8, 0]]
    (one,) = problems("marker-leaps", trial(markers(places)))
    assert "LASI 4 times" in one.problem
    assert "LKNE 4 times" in one.problem


def test_frames_that_repeat_the_one_before_are_told_from_the_first():
    places = body()
    places[400:450] = places[399]
    (one,) = problems("frames-frozen", trial(markers(places)))
    assert one.value == pytest.approx(50 / 999)
    assert "first in frame 401" in one.problem
    places = body()
    places[:, :] = np.nan
    assert not problems("frames-frozen", trial(markers(places)))


def test_a_trial_shorter_than_a_window_is_told():
    (one,) = problems("trial-brief", trial(markers(body(frames=300))))
    assert (one.value, one.limit) == (3.0, 5.0)
