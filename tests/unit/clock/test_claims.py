from dataclasses import replace

import numpy as np
import pytest

from tests.unit.clock.bowed import motion_of_take, take
from tests.unit.clock.graphs import seen, sound
from viodat.clock import Claim, Device, Hearing, Picture, TrialEvidence, solve_trial
from viodat.clock.estimate import Evidence, gather
from viodat.clock.evidence.claims import claims
from viodat.clock.observations import MOTION, Stream

MOVED = motion_of_take(take(0), seconds=1.0)
SOUND = Hearing(np.zeros(8000), 8000.0)
PICTURE = Picture(np.arange(10) / 30, np.full((10, 18, 2), np.nan), np.full((10, 18), np.nan))
SAID = Claim("capture.toml", 1.25, 0.01)
SEEN = Claim("MOVIE_DELAY", 0.5, 0.02, of_picture=True)


@pytest.mark.parametrize("offset_s", [np.nan, np.inf])
def test_an_offset_is_a_number(offset_s):
    with pytest.raises(ValueError, match=r"offset_s of capture\.toml: expected seconds, finite, but got (nan|inf)"):
        Claim("capture.toml", offset_s, 0.01)


@pytest.mark.parametrize("sigma_s", [0.0, -0.01, np.nan, np.inf])
def test_sigma_is_above_zero(sigma_s):
    with pytest.raises(ValueError, match=r"sigma_s of timecode: expected seconds above 0, finite, but got"):
        Claim("timecode", 1.25, sigma_s)


def observe(*devices, motion=MOVED):
    return list(claims(TrialEvidence(motion, devices)))


def test_a_claim_is_one_hypothesis_with_its_own_sigma():
    (one,) = observe(Device("C01", SOUND, claims=(SAID,)))
    assert (one.a, one.b) == (Stream("C01", "sound"), MOTION)
    (only,) = one.hypotheses
    assert (only.lag_s, only.sigma_s) == (1.25, 0.01)
    assert one.common_sigma_s == 0
    assert one.windows is None


def test_it_is_evidence_and_not_truth():
    """Alone it is the answer, for nobody states the offset of something else; what is surer overrules it."""
    (one,) = observe(Device("C01", SOUND, claims=(SAID,)))
    alone = Evidence(("C01",), frozenset({"C01"}), frozenset(), (one,))
    assert solve_trial(alone).clocks["C01"].offset_s == pytest.approx(SAID.offset_s, abs=1e-6)
    surer = seen(sound("C01"), lag_s=SAID.offset_s + 1.0, sigma_s=0.002, log_odds=15.0)
    assert solve_trial(replace(alone, observations=(one, surer))).clocks["C01"].offset_s > SAID.offset_s + 0.9
    assert 0 < one.miss < 0.2


@pytest.mark.parametrize(
    ("sound_of_device", "picture", "claim", "kind"),
    [
        (SOUND, PICTURE, SAID, "sound"),
        (SOUND, PICTURE, SEEN, "picture"),
        (None, PICTURE, SAID, "picture"),
        (None, PICTURE, SEEN, "picture"),
        (SOUND, None, SAID, "sound"),
    ],
)
def test_it_holds_for_the_clock_that_it_was_read_off(sound_of_device, picture, claim, kind):
    (one,) = observe(Device("C01", sound_of_device, picture, claims=(claim,)))
    assert one.a == Stream("C01", kind)


def test_every_claim_of_every_device():
    found = observe(Device("C01", SOUND, PICTURE, claims=(SAID, SEEN)), Device("C02", SOUND), Device("C03", SOUND))
    assert [(one.a.kind, one.best.lag_s) for one in found] == [("sound", 1.25), ("picture", 0.5)]
    assert observe() == []


def test_nobody_needs_motion_to_claim():
    assert len(observe(Device("C01", SOUND, claims=(SAID,)), motion=None)) == 1


def test_two_sources_that_agree_are_worth_more_than_one():
    both = (SAID, Claim("timecode", 1.255, 0.01))

    def confidence(said):
        trial = TrialEvidence(MOVED, (Device("C01", SOUND, claims=said),))
        return solve_trial(gather(trial, kinds=("claims",))).confidence["C01"]

    assert confidence(both) > 0.99
    assert confidence(both) > confidence((SAID,)) > 0.4
    assert confidence((SAID, Claim("timecode", -3.0, 0.01))) < confidence((SAID,))


def test_a_wrong_claim_is_outvoted_and_a_right_one_decides():
    (said,) = observe(Device("C01", SOUND, claims=(SAID,)))
    strong = [
        seen(sound("C01"), lag_s=-0.7, log_odds=15.0),
        seen(sound("C01"), lag_s=-0.7, log_odds=9.0, method="clap"),
    ]
    names = ("C01",), frozenset({"C01"}), frozenset()
    found = solve_trial(Evidence(*names, (said, *strong)))
    assert found.clocks["C01"].offset_s == pytest.approx(-0.7, abs=0.001)
    assert 0 not in found.used
    helped = solve_trial(Evidence(*names, (said, seen(sound("C01"), lag_s=1.26, sigma_s=0.01, log_odds=1.0))))
    alone = solve_trial(Evidence(*names, (seen(sound("C01"), lag_s=1.26, sigma_s=0.01, log_odds=1.0),)))
    assert helped.confidence["C01"] > 0.99 > alone.confidence["C01"]
    assert set(helped.used) == {0, 1}


@pytest.mark.parametrize(
    "device",
    [Device("C01", None, None, claims=(SAID,)), Device("C01", SOUND, None, claims=(SEEN,))],
    ids=["neither", "no picture"],
)
def test_a_claim_speaks_of_a_stream_that_the_device_has(device):
    for one in observe(device):
        assert one.a.kind == "sound"
        assert device.sound is not None
