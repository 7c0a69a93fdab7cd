"""MHFormer: equal to the published implementation, and what viodat adds to it."""

from __future__ import annotations

import pytest
import torch
from viodat.baselines import mhformer
from viodat.baselines.mhformer import MHFormer, from_official

from tests.unit.baselines.published import (
    EXACT,
    Published,
    apart,
    assert_gradients,
    assert_masked_frames_have_no_gradient,
    assert_norms,
    assert_statistics,
    batch_of,
    five_steps,
    parameter_count,
    random_batch,
    random_state,
    slid_window_by_window,
    without_dropout,
)
from viodat.bench.joint_sets import H36M17, VIODAT18, JointSet, joint_set
from viodat.bench.recipe import load_recipe
from viodat.bench.registry import build_network
from viodat.errors import ConfigError

PUBLISHED = Published("mhformer_j17_t27")
SMALL = {"frames": 9, "width": 8, "layers": 2, "heads": 2, "hidden": 6, "depth": 1}


def official() -> MHFormer:
    network = from_official(PUBLISHED.state, **PUBLISHED.config)
    without_dropout(network)
    return network.double().eval()


def test_output_is_the_published_one():
    with torch.no_grad():
        assert apart(official().official_forward(PUBLISHED.tensor("input")), PUBLISHED.tensor("output_f64")) < EXACT


def test_output_and_running_statistics_are_the_published_ones_in_training():
    network = official().train()
    found = network.official_forward(PUBLISHED.tensor("input")).detach()
    assert apart(found, PUBLISHED.tensor("train_output_f64")) < EXACT
    assert_statistics(network, network.official_names(), PUBLISHED)


def test_loss_and_gradients_are_the_published_ones():
    network = official()
    found = network.official_forward(PUBLISHED.tensor("input"))
    loss = network.official_loss(found, target=PUBLISHED.tensor("target"))
    loss.backward()
    assert abs(float(loss.detach()) - float(PUBLISHED.arrays["loss_f64"])) < EXACT
    assert_gradients(network, network.official_names(), PUBLISHED)


def test_five_steps_of_training_are_the_published_ones():
    network = official().train()
    losses = five_steps(
        network,
        lambda: network.official_loss(
            network.official_forward(PUBLISHED.tensor("input")), target=PUBLISHED.tensor("target")
        ),
        PUBLISHED.steps,
    )
    assert losses == pytest.approx(PUBLISHED.steps.arrays["losses"].tolist(), abs=1e-7)
    with torch.no_grad():
        final = network.eval().official_forward(PUBLISHED.tensor("input"))
    assert apart(final, PUBLISHED.steps.tensor("final_output_f64")) < 1e-6
    assert_norms(network, network.official_names(), PUBLISHED.steps, 1e-6)


@pytest.mark.parametrize(("joints", "count"), [(H36M17, 31_516_125), (VIODAT18, 31_525_914)])
def test_it_has_the_published_number_of_parameters(joints: JointSet, count: int):
    with torch.device("meta"):
        assert parameter_count(MHFormer(joints)) == count


def test_loss_is_the_published_one_where_everything_is_valid():
    network = official()
    batch = batch_of(PUBLISHED.tensor("input"), PUBLISHED.tensor("target"))
    output = network(batch)
    expected = network.official_loss(output["pose3d_all"] / 1000, target=PUBLISHED.tensor("target"))
    assert float((network.loss(output, batch) - expected).detach()) == pytest.approx(0, abs=EXACT)
    assert torch.equal(output["pose3d"], output["pose3d_all"][:, 13:14])


def test_in_inference_mode_the_middle_frame_alone_is_answered_and_is_the_same():
    network = official()
    batch = random_batch(network, size=5)
    expected = network(batch)["pose3d"].detach()
    with torch.inference_mode():
        output = network(batch)
    assert list(output) == ["pose3d"]
    assert apart(output["pose3d"], expected) < EXACT * 1000


@pytest.mark.parametrize("windows", [1, 2, 5])
def test_windows_are_answered_alike_alone_and_together(windows: int, monkeypatch: pytest.MonkeyPatch):
    network = official()
    batch = random_batch(network, size=5)
    together = network(batch)["pose3d"].detach()
    monkeypatch.setattr("viodat.baselines.parts.portions._CACHED", windows * 27 * 3 * 16)
    with torch.no_grad():
        assert apart(network(batch)["pose3d"], together) < EXACT * 1000


def test_running_statistics_in_training_are_those_of_the_whole_batch(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("viodat.baselines.parts.portions._CACHED", 1)
    network = official().train()
    with torch.no_grad():
        network.official_forward(PUBLISHED.tensor("input"))
    assert_statistics(network, network.official_names(), PUBLISHED)


def test_what_is_not_valid_has_no_gradient():
    assert_masked_frames_have_no_gradient(MHFormer(**SMALL).double(), frame=2)


@pytest.mark.parametrize("size", [1, 3, 100])
def test_sliding_is_window_by_window(size: int):
    network = MHFormer(**SMALL).double().eval()
    names = network.official_names()
    network = from_official(random_state(network, names), frames=9).double().eval()
    batch = {"pose2d": torch.randn(1, 17, 18, 2).double(), "image_size": torch.ones(1, 2)}
    with torch.no_grad():
        expected = slid_window_by_window(network, batch)
        assert apart(network.sliding(batch, size), expected) < EXACT * float(expected.abs().max())


@pytest.mark.parametrize(("frames", "layers"), [(9, 1), (27, 2), (45, 3)])
@pytest.mark.parametrize("joints", [H36M17, joint_set(["pelvis", "left_hip", "right_hip"])])
def test_other_configurations_answer_in_their_shape(joints: JointSet, frames: int, layers: int):
    network = MHFormer(joints, frames, width=6, layers=layers, heads=3, hidden=5, depth=2)
    output = network(random_batch(network))
    assert output["pose3d"].shape == (2, 1, len(joints), 3)
    assert output["pose3d_all"].shape == (2, frames, len(joints), 3)


@pytest.mark.parametrize("frames", [27, 45])
@pytest.mark.parametrize("nested", [None, True])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_checkpoint_goes_there_and_back_without_being_told_how_it_was_made(
    prefix: str, nested: bool | None, frames: int
):
    network = MHFormer(**{**SMALL, "frames": frames, "heads": 8})
    names = network.official_names(nested=nested)
    assert ("embedding_1.weight" in {name for (name,) in names.values()}) == (nested is None and frames == 45)
    state = random_state(network, names)
    back = from_official({prefix + name: value for name, value in state.items()})
    assert back.joints == VIODAT18
    again = {name: value for ours, value in back.state_dict().items() for name in names[ours]}
    assert all(torch.equal(again[name], value) for name, value in state.items())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"regression.1.bias": None}, "lacks regression.1.bias"),
        ({"Transformer_encoder_1.pos_embed": None}, "lacks Transformer_encoder_1.pos_embed"),
        ({"more.weight": torch.zeros(1)}, "has more.weight, which the model has not"),
        ({"norm_2.bias": torch.zeros(9)}, r"norm_2.bias of the checkpoint has the shape \(9\); \(27\) was expected"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_in_one_line(change: dict[str, torch.Tensor | None], told: str):
    state = {name: value for name, value in {**PUBLISHED.state, **change}.items() if value is not None}
    with pytest.raises(ConfigError, match=told) as caught:
        from_official(state, **PUBLISHED.config)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_that_answers_with_other_joints_is_refused():
    with pytest.raises(ConfigError, match="answers with 16 joints of 17"):
        from_official(PUBLISHED.state, **{**PUBLISHED.config, "out_joints": 16})


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"frames": 100}, r"over 100 frames: an odd multiple of 9 was expected"),
        ({"frames": 18}, r"over 18 frames: an odd multiple of 9 was expected"),
        ({"frames": -9}, r"over -9 frames: an odd multiple of 9 was expected"),
        ({"layers": 0}, "1 or more"),
        ({"heads": 7}, "7 heads cannot share a width of 512"),
    ],
)
def test_options_that_are_forbidden_are_refused(options: dict[str, int], told: str):
    with pytest.raises(ConfigError, match=told):
        build_network(mhformer.SPEC, VIODAT18, options)


def test_windows_of_another_length_are_refused():
    network = MHFormer(**SMALL)
    with pytest.raises(ConfigError, match=r"was given windows \(1, 27, 18, 2\); \(B, 9, 18, 2\) was expected"):
        network({"pose2d": torch.zeros(1, 27, 18, 2)})


def test_recipes_build_the_network_and_the_paper_s_is_the_published_one():
    for name in ("paper", "quick"):
        (stage,) = load_recipe(mhformer.SPEC.recipes, name).stage
        with torch.device("meta"):
            network = build_network(mhformer.SPEC, VIODAT18, dict(stage.model))
        assert network.frames == stage.data.frames
        assert stage.data.offset == (network.frames - 1) // 2
        assert stage.select == ("last" if name == "paper" else "best")
        assert (parameter_count(network) == 31_525_914) == (name == "paper")
        if name == "paper":
            assert (stage.epochs, stage.optimiser.lr, stage.data.batch) == (19, 1e-3, 128)
