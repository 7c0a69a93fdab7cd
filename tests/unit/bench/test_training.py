"""Training: what is learnt, what is kept, and going on from there with the same bits."""

import contextlib
import json
import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from viodat.baselines.tcn import TemporalConvolutions

import viodat
from tests.unit.dataset.small import write_dataset
from viodat import baselines
from viodat.bench.batches import Windows
from viodat.bench.checkpoint import read_checkpoint
from viodat.bench.division import divided
from viodat.bench.lifting import predict
from viodat.bench.network import LiftingModel, NetworkLifter
from viodat.bench.optimisers import learning_rate
from viodat.bench.recipe import Schedule, load_recipe
from viodat.bench.store import grid_store
from viodat.bench.training import CHECKPOINT, How, step, train
from viodat.bench.validation import Errors
from viodat.errors import ConfigError, MetricError
from viodat.metrics import mpjpe, mpjve

RECIPES = Path(baselines.__file__).parent / "tcn" / "recipe.toml"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = write_dataset(
        tmp_path_factory.mktemp("small"), seconds=8.0, video_frames=200, splits=("train", "train", "validation", "test")
    )
    return grid_store(viodat.open_dataset(folder), tmp_path_factory.mktemp("grids"))


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def stage(**changes):
    (found,) = load_recipe(RECIPES, "quick").stage
    small = found.model_copy(
        update={
            "epochs": 3,
            "least_steps": 0,
            "model": {"frames": 9, "channels": 16, "dropout": 0.2},
            "data": found.data.model_copy(update={"frames": 9, "offset": 4, "hop": 5, "batch": 16}),
        }
    )
    return small.model_copy(update=changes)


def trained(store, folder, how=None, **options):
    how = how or stage()
    torch.manual_seed(7)
    network = TemporalConvolutions(**how.model)
    return train(network, how, store, divided(store), folder, How(**options))


def weights(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


def test_it_learns(store, tmp_path):
    found = trained(store, tmp_path, stage(epochs=15, schedule=Schedule()))
    losses = [epoch.loss for epoch in found.epochs]
    assert found.finished
    assert losses[-1] < losses[0] / 2
    best = min(epoch.validation_mm for epoch in found.epochs)
    (one,) = predict(NetworkLifter(found.network), store, store.of_split("validation"), flipped=False)
    target = one.target - one.target[:, [2, 8]].mean(axis=1, keepdims=True)
    assert mpjpe(one.pred, target) == pytest.approx(best, rel=1e-4)
    velocities = [epoch.validation_mpjve for epoch in found.epochs if epoch.validation_mm == best]
    assert velocities == [pytest.approx(mpjve(one.pred, target), rel=1e-4)]


def test_a_stage_that_does_not_fit_its_network_is_told(store, tmp_path):
    windows = stage().data.model_copy(update={"frames": 27})
    with pytest.raises(ConfigError, match="trains on windows of 27 frames, and the model has 9"):
        trained(store, tmp_path, stage(data=windows))
    network = TemporalConvolutions(frames=9, channels=4)
    network.frames = 8
    with pytest.raises(ConfigError, match="answers with the centre frame of 8: an odd number was expected"):
        NetworkLifter(network)
    network.lifts = False
    with pytest.raises(ConfigError, match="gives no poses: it is there for pre-training"):
        NetworkLifter(network)


def test_no_best_epoch_is_taken_where_nothing_tells_it(store, tmp_path, monkeypatch):
    monkeypatch.setattr("viodat.bench.training.validated", lambda *_: Errors(None, None))
    with pytest.raises(ConfigError, match="takes the best epoch, and validation gives no number"):
        trained(store, tmp_path, stage(select="best"))
    assert trained(store, tmp_path / "last", stage(select="last")).finished
    few = stage(data=stage().data.model_copy(update={"hop": 1000}))
    with pytest.raises(ConfigError, match=r"has 3 windows: to validate by 0.1 of them is none"):
        train(TemporalConvolutions(**few.model), few, store, divided(store, "window"), tmp_path / "few", How())


def test_windows_that_begin_half_a_window_early_still_do_when_they_are_longer():
    (longer,) = load_recipe(RECIPES, "quick").varied({"frames": 81}).stage
    assert (longer.data.frames, longer.data.offset, longer.model["frames"]) == (81, 40, 81)
    with pytest.raises(ConfigError, match="stage.1.data.frames: Input should be greater than or equal to 1"):
        load_recipe(RECIPES, "quick").varied({"frames": 0})


def test_the_same_seed_gives_the_same_bits_and_another_does_not(store, tmp_path):
    one, two = (weights(trained(store, tmp_path / name).network) for name in "ab")
    assert_same(one, two)
    other = weights(trained(store, tmp_path / "c", seed=1).network)
    assert not all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("select", ["last", "best"])
def test_a_training_that_is_stopped_again_and_again_ends_with_the_same_bits(store, tmp_path, select):
    how = stage(select=select)
    expected = trained(store, tmp_path / "whole", how)
    calls = 0
    while True:
        calls += 1
        found = trained(store, tmp_path / "parts", how, max_seconds=0.0)
        if found.finished:
            break
        # Whoever goes on has another state of the random generator.
        torch.manual_seed(calls)
    assert calls > 10
    assert_same(weights(found.network), weights(expected.network))
    assert [epoch.loss for epoch in found.epochs] == [epoch.loss for epoch in expected.epochs]


def test_a_finished_training_is_not_done_again(store, tmp_path):
    first = trained(store, tmp_path)
    again = trained(store, tmp_path, progress=lambda *_: pytest.fail("trained again"))
    assert_same(weights(first.network), weights(again.network))


def test_accumulated_parts_have_the_gradient_of_the_whole(store):
    """But for batch normalisation, whose statistics are of the parts: here they are fixed."""
    windows = Windows(store, store.of_split("train"), frames=9, hop=5, offset=4)
    found = []
    for parts in (1, 4):
        torch.manual_seed(7)
        network = TemporalConvolutions(frames=9, channels=16, dropout=0.0).eval()
        optimiser = torch.optim.SGD(network.parameters(), lr=0.0)
        how = stage()
        how = how.model_copy(update={"data": how.data.model_copy(update={"accumulate": parts})})
        loss = step(network, optimiser, windows, np.arange(16), how)
        found.append((loss, [value.grad.clone() for value in network.parameters()]))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    for one, other in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_the_checkpoint_of_another_training_is_refused(store, tmp_path):
    trained(store, tmp_path, max_seconds=0.0)
    with pytest.raises(ConfigError, match="is the checkpoint of another training: it differs in seed"):
        trained(store, tmp_path, seed=1)
    with pytest.raises(ConfigError, match="it differs in stage"):
        trained(store, tmp_path, stage(epochs=9))


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"\x80\x04cos\nsystem\n(S'true'\ntR."])
def test_a_file_that_is_no_checkpoint_is_refused(store, tmp_path, content):
    (tmp_path / CHECKPOINT).write_bytes(content)
    with pytest.raises(ConfigError, match="is no checkpoint of viodat"):
        trained(store, tmp_path)


def test_damage_never_raises_anything_else(store, tmp_path):
    trained(store, tmp_path, stage(epochs=1))
    whole = (tmp_path / CHECKPOINT).read_bytes()
    rng = np.random.default_rng(0)
    read = 0
    for number in range(60):
        data = bytearray(whole)
        if number % 3 == 0:
            del data[int(rng.integers(0, len(data))) :]
        else:
            for at in rng.integers(0, min(len(data), 4096), size=3):
                data[at] = rng.integers(0, 256)
        (tmp_path / "x.safetensors").write_bytes(data)
        with contextlib.suppress(ConfigError):
            read_checkpoint(tmp_path / "x.safetensors")
            read += 1
    assert read < 30


def test_a_loss_that_is_no_number_is_told(store, tmp_path):
    how = stage()
    broken = how.model_copy(update={"optimiser": how.optimiser.model_copy(update={"lr": 1e30})})
    with pytest.raises(MetricError, match="the loss is no number any more"):
        trained(store, tmp_path, broken)


def test_learning_rates_are_those_of_the_papers():
    halved = Schedule(kind="exponential", factor=0.95, every=5, at_every=0.5)
    rates = [learning_rate(halved, 1.0, epoch, 20) for epoch in range(7)]
    assert rates == pytest.approx([1, 0.95, 0.95**2, 0.95**3, 0.95**4, 0.95**4 * 0.5, 0.95**5 * 0.5])
    steps = Schedule(kind="steps", epochs=(50, 100), factors=(0.5, 0.2))
    assert [learning_rate(steps, 1.0, epoch, 150) for epoch in (0, 49, 50, 100)] == [1, 1, 0.5, 0.1]
    with pytest.raises(ValueError, match="1 epochs and 0 factors: expected as many of each"):
        Schedule(kind="steps", epochs=(50,))
    cosine = Schedule(kind="cosine")
    assert [learning_rate(cosine, 1.0, epoch, 4) for epoch in (0, 2)] == pytest.approx([1, 0.5])


def test_what_does_not_count_has_no_gradient():
    network = TemporalConvolutions(frames=3, channels=8)
    pred = torch.zeros(2, 1, 18, 3, requires_grad=True)
    valid = torch.zeros(2, 3, 18, dtype=torch.bool)
    valid[0, 1, 3] = valid[1, 0, 5] = True
    batch = {"target": torch.ones(2, 3, 18, 3), "valid": valid}
    loss = network.loss({"pose3d": pred}, batch)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(math.sqrt(3))
    assert torch.count_nonzero(pred.grad) == 3
    assert torch.isfinite(pred.grad).all()
    nothing = {**batch, "valid": torch.zeros_like(valid)}
    assert float(network.loss({"pose3d": pred}, nothing).detach()) == 0.0


def test_the_network_has_the_papers_size_and_field():
    network = TemporalConvolutions(frames=243, channels=1024)
    # 16.95 million with 17 joints in the paper's Table 5.
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(16.95e6, rel=0.01)
    with pytest.raises(ConfigError, match="over 30 frames: expected a power of 3"):
        TemporalConvolutions(frames=30)
    network = TemporalConvolutions(frames=27, channels=8).eval()
    pose2d = torch.randn(1, 27, 18, 2)
    before = network({"pose2d": pose2d})["pose3d"]
    assert before.shape == (1, 1, 18, 3)
    for frame in (0, 13, 26):
        other = pose2d.clone()
        other[0, frame] += 1
        assert not torch.equal(network({"pose2d": other})["pose3d"], before)


def test_a_whole_recording_is_answered_as_window_by_window():
    network = TemporalConvolutions(frames=27, channels=8).eval().double()
    for value in network.buffers():
        if value.dtype == torch.float64:
            value.copy_(torch.rand_like(value) + 0.5)
    batch = {"pose2d": torch.randn(1, 40 + 26, 18, 2, dtype=torch.float64), "image_size": torch.ones(1, 2)}
    expected = LiftingModel.sliding(network, batch, 16)
    assert expected.shape == (40, 18, 3)
    torch.testing.assert_close(network.sliding(batch, 16), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("changes", [{"ema": 0.9}, {"scaled_by_loss": True}])
def test_an_average_of_the_weights_and_scaled_gradients_go_on_where_they_stopped(store, tmp_path, changes):
    how = stage()
    how = how.model_copy(update={"optimiser": how.optimiser.model_copy(update=changes), "select": "last"})
    expected = weights(trained(store, tmp_path / "whole", how).network)
    assert not all(map(torch.equal, expected.values(), weights(trained(store, tmp_path / "plain").network).values()))
    while not (found := trained(store, tmp_path / "parts", how, max_seconds=0.0)).finished:
        pass
    assert_same(weights(found.network), expected)


def test_windows_held_back_are_not_trained_on(store, tmp_path):
    how = stage()
    division = divided(store, "window")
    torch.manual_seed(7)
    found = train(TemporalConvolutions(**how.model), how, store, division, tmp_path)
    assert all(epoch.validation_mm > 0 for epoch in found.epochs)
    # A centre frame alone has no velocity; what is held back here is centre frames.
    assert all(epoch.validation_mpjve is None for epoch in found.epochs)
    whole = Windows(store, division.train, frames=9, hop=5, offset=4)
    assert len(whole.chosen(np.arange(3))) == 3
    np.testing.assert_array_equal(
        whole.chosen(np.array([5, 2])).batch(np.array([1])).pose2d, whole.batch(np.array([2])).pose2d
    )


def test_a_compiled_network_learns_the_same(store, tmp_path, monkeypatch):
    """Without the compiler proper, which takes a minute: what PyTorch traces is what is tested."""
    plain = trained(store, tmp_path / "a")
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    compiled = trained(store, tmp_path / "b", compiled=True, deterministic=True)
    assert [one.loss for one in compiled.epochs] == pytest.approx([one.loss for one in plain.epochs], rel=1e-4)
    assert not torch.are_deterministic_algorithms_enabled()


def test_few_windows_have_more_epochs(store, tmp_path):
    batches = Windows(store, store.of_split("train"), frames=9, hop=5, offset=4).batches(16, flips=True)
    found = trained(store, tmp_path / "a", stage(least_steps=100), max_seconds=0.0)
    assert found.in_all == math.ceil(100 / batches) > 3
    assert trained(store, tmp_path / "b", stage(least_steps=2), max_seconds=0.0).in_all == 3


def test_a_loss_that_the_model_does_not_have_is_told(store, tmp_path):
    with pytest.raises(ConfigError, match="weighs the loss 'velocity'; the model has position"):
        trained(store, tmp_path, stage(loss={"velocity": 2.0}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("lr = 1e-3", "lr = -1"), r"\[quick\] stage.1.optimiser.lr: Input should be greater than 0"),
        (("epochs = 15", "epochs = 0"), r"\[quick\] stage.1.epochs: Input should be greater than or equal to 1"),
        (("epochs = 15", "epocs = 12"), "stage.1.epo"),
        (
            ('name = "train"\nepochs = 15', 'name = "train"\nepochs = 15\ninit_from = "first"'),
            "names 'first', which is no earlier stage",
        ),
    ],
)
def test_a_recipe_with_a_mistake_is_told_with_its_place(tmp_path, change, said):
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPES.read_text().replace(*change))
    with pytest.raises(ConfigError, match=said):
        load_recipe(path, "quick")


def test_a_recipe_that_is_not_there_is_told():
    with pytest.raises(ConfigError, match="has no recipe 'slow'; it has paper, quick"):
        load_recipe(RECIPES, "slow")
    assert load_recipe(RECIPES, "paper").stage[0].epochs == 80
    assert json.loads(load_recipe(RECIPES, "paper").model_dump_json())
