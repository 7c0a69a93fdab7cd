"""One prediction under several conventions."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.bench.poses import recording
from viodat.bench import list_protocols, load_protocol, score
from viodat.errors import ConfigError, MetricError
from viodat.joints import JOINTS, ROOT_JOINTS
from viodat.metrics import mpjpe


def centred(poses: np.ndarray) -> np.ndarray:
    return poses - poses[:, list(ROOT_JOINTS)].mean(axis=1, keepdims=True)


def overall(protocol: str, *recordings) -> float:
    return score(recordings, load_protocol(protocol), metrics=["mpjpe"]).overall["mpjpe"]


def test_the_default_comes_first_and_each_says_what_it_is():
    assert list_protocols() == ("viopose", "mixste", "motionbert", "videopose3d")
    for name in list_protocols():
        found = load_protocol(name)
        assert found.name == name
        assert found.sentence().startswith(found.title)
        assert set(found.card()) >= {"joints", "root", "recentred", "average", "unit", "nan", "stitching", "flipped"}


def test_each_handles_roots_as_it_says():
    one = recording("P05C01T01")
    pred, target = one.pred - one.pred.mean() + 7.0, centred(one.target)
    one = replace(one, pred=pred)
    assert overall("viopose", one) == pytest.approx(mpjpe(centred(pred), target), rel=1e-12)
    assert overall("motionbert", one) == pytest.approx(mpjpe(centred(pred), target), rel=1e-12)
    assert overall("mixste", one) == pytest.approx(mpjpe(pred, target), rel=1e-12)
    root = pred[:, list(ROOT_JOINTS)].mean(axis=1, keepdims=True)
    with_root = mpjpe(np.concatenate([pred, root], axis=1), np.concatenate([target, 0 * root], axis=1))
    assert overall("videopose3d", one) == pytest.approx(with_root, rel=1e-12)


def test_recordings_count_the_same_or_by_their_frames():
    short, long = recording("P05C01T01", 10.0, frames=30), recording("P05C01T02", 40.0, frames=90)
    alone = [overall("viopose", one) for one in (short, long)]
    assert overall("viopose", short, long) == pytest.approx(np.mean(alone), rel=1e-12)
    assert overall("motionbert", short, long) == pytest.approx(np.average(alone, weights=[30, 90]), rel=1e-12)


def test_what_counts_from_an_unknown_root_does_not_count():
    one = recording("P05C01T01")
    valid = one.valid.copy()
    valid[:30, ROOT_JOINTS[0]] = False
    target = np.where(valid[..., None], one.target, np.nan)
    half = replace(one, target=target, valid=valid)
    rest = replace(one, pred=one.pred[30:], target=one.target[30:], valid=one.valid[30:])
    assert overall("viopose", half) == pytest.approx(overall("viopose", rest), rel=1e-12)


def test_participants_and_recordings_have_means_of_their_own():
    poses = [recording("P05C01T01", 10.0), recording("P05C02T01", 10.0), recording("P08C01T01", 40.0)]
    found = score(poses, load_protocol())
    assert set(found.participants) == {"P05", "P08"}
    by_recording = [row["mpjpe"] for row in found.recordings.values()]
    assert found.overall["mpjpe"] == pytest.approx(np.mean(by_recording))
    assert found.participants["P05"]["mpjpe"] == pytest.approx(np.mean(by_recording[:2]))
    assert found.participant_means["mpjpe"] == pytest.approx((np.mean(by_recording[:2]) + by_recording[2]) / 2)
    assert set(found.by_joint) == set(JOINTS)
    assert set(found.by_group) == {f"{s}_{p}" for s in ("left", "right") for p in ("upper_limb", "hand", "lower_limb")}


def test_a_file_of_the_same_keys_is_a_protocol(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('title = "Mine"\nsource = "us"\njoints = ["left_wrist"]\nrecentred = "none"\n')
    mine = load_protocol(path)
    one = recording("P05C01T01")
    found = score([one], mine, metrics=["mpjpe"])
    wrist = JOINTS.index("left_wrist")
    assert found.overall["mpjpe"] == pytest.approx(mpjpe(one.pred[:, [wrist]], one.target[:, [wrist]]))
    assert set(found.by_joint) == {"left_wrist"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title = ", "is no TOML"),
        (
            'title = "x"\nsource = "y"\nrecentered = "both"',
            "recentered: Extra inputs are not permitted; its keys are name",
        ),
        ('title = "x"\nsource = "y"\nrecentred = "all"', "recentred: Input should be 'both', 'target' or 'none'"),
        ('title = "x"', "source: Field required"),
    ],
)
def test_a_file_that_is_none_is_told(tmp_path, text, said):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        load_protocol(path)


def test_what_cannot_be_scored_is_told():
    with pytest.raises(ConfigError, match="there is no protocol 'viopse'; there are viopose, mixste"):
        load_protocol("viopse")
    one = recording("P05C01T01")
    with pytest.raises(ConfigError, match="protocol viopose needs the joint left_pelvis, and there is none among"):
        score([one], load_protocol(), joints=["left_wrist"] * 18)
    with pytest.raises(MetricError, match="no predictions to score"):
        score([], load_protocol())
    with pytest.raises(MetricError, match="recording P05C01T01 is there twice"):
        score([one, one], load_protocol())
    with pytest.raises(MetricError, match="errors per frame cannot be averaged"):
        score([one, replace(recording("P05C02T01"), rate_hz=60.0)], load_protocol())
    with pytest.raises(MetricError, match=r"a mask \(T, J\)"):
        replace(one, valid=one.valid[:-1])
    lost = one.pred.copy()
    lost[7, 3] = np.nan
    with pytest.raises(MetricError, match=r"no number in 1 of 1,080 joints and frames that count, first in frame 7"):
        score([replace(one, pred=lost)], load_protocol())
