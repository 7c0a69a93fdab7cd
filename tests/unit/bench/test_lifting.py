"""Windows put together to recordings, and the models that anything must beat."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

import viodat
from tests.unit.dataset.small import write_dataset
from viodat.bench import create_model, evaluate_model, joint_set, load_protocol, score
from viodat.bench.division import Division
from viodat.bench.floors import MeanPose, Ridge
from viodat.bench.lifting import predict, stitched
from viodat.bench.store import grid_store
from viodat.errors import ConfigError, DatasetError, MetricError
from viodat.joints import JOINTS, MIRROR


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = write_dataset(
        tmp_path_factory.mktemp("small"), seconds=8.0, video_frames=200, splits=("train", "train", "validation", "test")
    )
    return grid_store(viodat.open_dataset(folder), tmp_path_factory.mktemp("grids"))


@dataclass
class Oracle:
    """Knows the truth, and says it of each window's frames; of the others it says what nobody must take."""

    frames: int
    hop: int
    centre: bool = False
    normalisation: str = "px"
    audio: bool = False
    mirrors: bool = True
    whole: bool = False
    cut: str = "hop"
    sound: str = "own"
    edge: int = 0

    def lift(self, batch):
        answer = np.where(batch.valid[..., None], batch.target, 1e5).astype(np.float32)
        if self.edge:
            answer[:, : self.edge] = answer[:, -self.edge :] = 1e6
        return {"pose3d": answer[:, self.frames // 2 : self.frames // 2 + 1] if self.centre else answer}


@pytest.mark.parametrize(
    ("frames", "hop", "centre"), [(27, 1, True), (60, 60, False), (60, 30, False), (50, 7, False), (500, 500, False)]
)
@pytest.mark.parametrize("flipped", [False, True])
def test_every_frame_is_predicted_once(store, frames, hop, centre, flipped):
    found = list(predict(Oracle(frames, hop, centre), store, store.recordings, flipped=flipped))
    assert [one.recording for one in found] == [one.recording for one in store.recordings]
    for one, stored in zip(found, store.recordings, strict=True):
        assert len(one.pred) == stored.points
    assert score(found, load_protocol(), metrics=["mpjpe", "mpjae"]).overall == pytest.approx(
        {"mpjpe": 0, "mpjae": 0}, abs=1e-3
    )


def test_a_frame_is_taken_from_the_window_in_whose_middle_it_lies(store):
    """What a window says of its edges is heard at the ends of a recording only."""
    (one,) = predict(Oracle(60, 30, edge=15), store, store.recordings[:1], flipped=False)
    wrong = np.abs(one.pred).max(axis=(1, 2)) > 1e4
    ends = np.zeros(len(one.pred), dtype=bool)
    ends[:15] = ends[-30:] = True
    assert not wrong[~ends].any()
    answers = np.arange(3 * 4).reshape(3, 4, 1, 1) * np.ones((1, 1, 1, 3))
    assert stitched(answers, np.array([0, 2, 4]), 8, centre=False)[:, 0, 0].tolist() == [0, 1, 2, 5, 6, 9, 10, 11]


def test_an_answer_of_another_shape_is_told(store):
    oracle = Oracle(60, 30)
    oracle.centre = True
    oracle.lift = lambda batch: {"pose3d": batch.target}
    with pytest.raises(MetricError, match=r"answer with pose3d \(64, 1, 18, 3\), but got \(64, 60, 18, 3\)"):
        list(predict(oracle, store, store.recordings[:1]))
    oracle.lift = lambda batch: {"poses": batch.target[:, :1]}
    with pytest.raises(MetricError, match=r"answer with pose3d \(64, 1, 18, 3\), but got nothing"):
        list(predict(oracle, store, store.recordings[:1]))
    oracle.lift = lambda batch: {"pose3d": batch.target[:, :1, :17]}
    with pytest.raises(MetricError, match=r"answer with pose3d \(64, 1, 18, 3\), but got \(64, 1, 17, 3\)"):
        list(predict(oracle, store, store.recordings[:1]))


def test_the_mean_pose_is_that_of_its_camera(store):
    train = store.of_split("train")
    model = MeanPose.fitted(store, train)
    rows = np.concatenate([np.arange(one.first, one.first + one.points) for one in train])
    poses = store.pose3d_mm[rows].astype(np.float64)
    expected = (poses - poses[:, [2, 8]].mean(axis=1, keepdims=True)).mean(axis=0)
    np.testing.assert_allclose(model.means["C01"], expected, atol=0.01)
    (one,) = predict(model, store, store.of_split("test"), flipped=True)
    np.testing.assert_allclose(one.pred, np.broadcast_to(expected, one.pred.shape), atol=0.01)


def test_ridge_learns_what_is_linear(store):
    """Every joint moves on its own straight line: pixels tell the pose but for the perspective."""
    train, validation, test = (store.of_split(name) for name in ("train", "validation", "test"))
    ridge = Ridge.fitted(store, Division("", train, validation, test))
    scores = [
        score(predict(model, store, test), load_protocol(), metrics=["mpjpe"]).overall["mpjpe"]
        for model in (ridge, MeanPose.fitted(store, train))
    ]
    assert scores[0] < 1.0
    assert scores[0] <= scores[1] + 1.0


def test_ridge_needs_something_to_choose_its_penalty_by(store):
    with pytest.raises(DatasetError, match="no validation trials to choose the penalty"):
        Ridge.fitted(store, Division("", store.of_split("train"), (), store.of_split("test")))


def test_a_model_that_is_ready_is_scored_in_one_call(tmp_path, store):
    folder = write_dataset(tmp_path / "small", seconds=6.0, video_frames=150, splits=("train", "test"))
    assert evaluate_model(Oracle(27, 1, centre=True), folder).overall["mpjpe"] == pytest.approx(0, abs=1e-3)
    torch.manual_seed(0)
    network = create_model("tcn", frames=9, channels=8)
    scores = evaluate_model(network, folder, protocol="mixste", cache=tmp_path / "grids")
    assert scores.protocol.name == "mixste"
    assert scores.overall["mpjpe"] > 10
    assert list((tmp_path / "grids").iterdir())
    with pytest.raises(DatasetError, match="no recording of split 'validation' can be used; there are test, train"):
        evaluate_model(network, folder, split="validation")


def test_models_are_made_for_joints_by_their_names():
    assert len(create_model("tcn", joints="h36m17", frames=9, channels=8).joints) == 17
    with pytest.raises(ConfigError, match="ridge is fitted to a dataset, not created"):
        create_model("ridge")
    with pytest.raises(ConfigError, match="temporal CNN refuses its arguments"):
        create_model("tcn", depth=3)
    named = joint_set(["left_pelvis", "right_pelvis", "left_wrist", "right_wrist"])
    assert (named.mirror, named.root_indices) == ((1, 0, 3, 2), (0, 1))
    assert joint_set(JOINTS).mirror == MIRROR
    assert joint_set("h36m17").weights({"wrist": 4.0}, 1.0)[13:14] == (4.0,)
    for wrong, said in [
        ("coco", "there are no joints 'coco'; expected viodat18, h36m17"),
        (["left_pelvis", "right_pelvis", "left_wrist"], "left_wrist is there without right_wrist"),
        (["nose", "nose"], "nose is there twice"),
        (["nose"], "joints have no root"),
    ]:
        with pytest.raises(ConfigError, match=said):
            joint_set(wrong)
