import numpy as np
import pytest

from tests.unit.clock.graphs import picture, seen, sound
from viodat.clock.groups import tie, wrong_rates
from viodat.clock.observations import MOTION, Observation

NAMES = ("C01", "C02", "C03", "C04")


def tied(*observations, devices=NAMES, priors=None, skewed=()):
    return tie(devices, observations, priors or {}, {name: name in skewed for name in devices})


def between(a, b, lag_s, sigma_s=1e-4, log_odds=30.0, **more):
    return seen(sound(a), sound(b), lag_s, sigma_s, log_odds, method="sound", **more)


def members(groups):
    return sorted(tuple(sorted(group.devices)) for group in groups)


def test_devices_that_nothing_ties_are_each_alone():
    groups, notes = tied(seen(sound("C01")), seen(picture("C02")))
    assert members(groups) == [("C01",), ("C02",), ("C03",), ("C04",)]
    assert notes == {}
    assert all(group.ties == () for group in groups)


def test_ties_reach_through_others_and_add_up():
    groups, notes = tied(between("C01", "C02", 1.0), between("C03", "C02", -0.5), between("C03", "C04", 2.0))
    (group,) = groups
    assert notes == {}
    place = {name: float(group.clocks.clock_s(sound(name), 0.0)) for name in NAMES}
    relative = {name: place[name] - place["C01"] for name in NAMES}
    np.testing.assert_allclose([relative[name] for name in NAMES], [0.0, -1.0, -1.5, -3.5], atol=1e-5)
    assert place[group.devices[0]] == pytest.approx(0.0, abs=1e-6), "a group's clock is that of its first device"


@pytest.mark.parametrize("log_odds", [-3.0, 0.0, 2.5])
def test_a_weak_resemblance_ties_nobody(log_odds):
    groups, _ = tied(between("C01", "C02", 1.0, log_odds=log_odds), devices=("C01", "C02"))
    assert members(groups) == [("C01",), ("C02",)]


def test_nothing_found_ties_nobody():
    empty = Observation("sound", sound("C01"), sound("C02"), ())
    assert members(tied(empty, devices=("C01", "C02"))[0]) == [("C01",), ("C02",)]


def test_two_takes_in_one_folder_stay_two_groups():
    groups, notes = tied(between("C01", "C02", 1.0), between("C03", "C04", 2.0))
    assert members(groups) == [("C01", "C02"), ("C03", "C04")]
    assert notes == {}


def test_evidence_against_the_motion_ties_nobody():
    groups, _ = tied(seen(sound("C01"), MOTION, 1.0), seen(sound("C02"), MOTION, 1.0), devices=("C01", "C02"))
    assert members(groups) == [("C01",), ("C02",)]


def test_the_least_sure_tie_of_a_contradiction_is_refused_and_both_its_streams_named():
    weak = between("C01", "C03", 0.4, log_odds=6.0)
    groups, notes = tied(weak, between("C01", "C02", 1.0), between("C02", "C03", -1.0), devices=("C01", "C02", "C03"))
    (group,) = groups
    assert weak not in [one for _, one, _ in group.ties]
    assert len(group.ties) == 2
    place = [float(group.clocks.clock_s(sound(name), 0.0)) for name in ("C01", "C03")]
    np.testing.assert_allclose(place[1] - place[0], 0.0, atol=1e-5)
    (note,) = notes.values()
    assert "C01 sound and C03 sound" in note
    # An event at 0 of C01 would be at 0.4 of C03, which is 400 ms later than the others say.
    assert "-400 ms" in note


def test_a_third_tie_that_agrees_is_used_as_well():
    groups, notes = tied(
        between("C01", "C02", 1.0), between("C02", "C03", -1.0), between("C01", "C03", 2e-4), devices=NAMES[:3]
    )
    assert notes == {}
    assert len(groups[0].ties) == 3


def test_sound_is_believed_before_pictures():
    cameras = seen(picture("C01"), picture("C02"), 1.3, 0.002, 90.0, method="cameras")
    groups, notes = tied(cameras, between("C01", "C02", 1.0, log_odds=4.0), devices=("C01", "C02"))
    (group,) = groups
    assert [one.method for _, one, _ in group.ties] == ["sound"]
    assert all("cameras" in note for note in notes.values())
    assert len(notes) == 1


def test_a_wrong_rate_counts_only_where_it_convinces():
    sure = between("C01", "C02", 1.0, rate_ratio=48 / 44.1)
    guess = between("C03", "C02", 1.0, log_odds=1.0, rate_ratio=48 / 44.1)
    assert wrong_rates([sure, guess, between("C02", "C04", 0.0)]) == {"C01": 48 / 44.1}
    (group, *_) = tied(sure)[0]
    assert group.clocks.rates == {"C01": 48 / 44.1}


def test_a_wrong_rate_is_taken_off_before_ties_are_compared():
    """C01's file runs 8.8 % slow: an event at its second 108.8 is in truth at its second 100."""
    ratio = 48 / 44.1
    wrong = between("C01", "C02", 100.0 - 100.0 * ratio, at_s=100.0 * ratio, rate_ratio=ratio)
    other = between("C01", "C03", 50.0 - 50.0 * ratio, at_s=50.0 * ratio, rate_ratio=ratio)
    groups, notes = tied(wrong, other, between("C02", "C03", 0.0, at_s=80.0), devices=NAMES[:3])
    assert members(groups) == [("C01", "C02", "C03")]
    assert notes == {}
    assert len(groups[0].ties) == 3


def test_two_cameras_whose_skews_differ_contradict_nothing():
    """Skews of -20 and +20 ms are usual, and what the cameras say is just how one learns them."""
    cameras = seen(picture("C01"), picture("C02"), 0.04, 0.004, 40.0, method="cameras")
    groups, notes = tied(between("C01", "C02", 0.0), cameras, devices=("C01", "C02"), skewed=("C01", "C02"))
    assert notes == {}
    skew = groups[0].clocks.values[:, 2]
    np.testing.assert_allclose(skew[1] - skew[0], 0.04, atol=0.004)
