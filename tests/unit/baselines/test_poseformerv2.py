"""PoseFormerV2: equal to the published implementation, and what viodat adds to it."""

from __future__ import annotations

import pytest
import torch
from viodat.baselines import poseformerv2
from viodat.baselines.parts.dct import dct, inverse_dct
from viodat.baselines.poseformerv2 import PoseFormerV2, from_official

from tests.unit.baselines.published import (
    EXACT,
    Published,
    apart,
    assert_gradients,
    assert_masked_frames_have_no_gradient,
    assert_norms,
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

PUBLISHED = Published("poseformerv2_j17_t9")
SMALL = {"frames": 9, "kept_frames": 3, "kept_coefficients": 4, "width": 4, "depth": 2, "heads": 2}


def official() -> PoseFormerV2:
    network = from_official(PUBLISHED.state, **PUBLISHED.config)
    without_dropout(network)
    return network.double().eval()


def test_output_is_the_published_one():
    with torch.no_grad():
        assert apart(official().official_forward(PUBLISHED.tensor("input")), PUBLISHED.tensor("output_f64")) < EXACT


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


@pytest.mark.parametrize(("joints", "count"), [(H36M17, 14_362_279), (VIODAT18, 16_094_442)])
def test_it_has_the_published_number_of_parameters(joints: JointSet, count: int):
    with torch.device("meta"):
        assert parameter_count(PoseFormerV2(joints)) == count


def test_loss_is_the_published_one_where_everything_is_valid():
    network = official()
    batch = random_batch(network)
    output = network(batch)
    middle = batch["target"][:, 4:5] / 1000
    expected = network.official_loss(output["pose3d"] / 1000, target=middle)
    assert float((network.loss(output, batch) - expected).detach()) == pytest.approx(0, abs=EXACT)


def test_what_is_not_valid_has_no_gradient():
    assert_masked_frames_have_no_gradient(PoseFormerV2(**SMALL).double(), frame=4)


@pytest.mark.parametrize("size", [1, 4, 100])
def test_sliding_is_window_by_window(size: int):
    network = PoseFormerV2(**SMALL).double().eval()
    network.load_state_dict({name: torch.randn_like(value) for name, value in network.state_dict().items()})
    batch = {"pose2d": torch.randn(1, 21, 18, 2).double(), "image_size": torch.ones(1, 2)}
    with torch.no_grad():
        expected = slid_window_by_window(network, batch)
        assert apart(network.sliding(batch, size), expected) < EXACT * float(expected.abs().max())


@pytest.mark.parametrize("size", [1, 2, 9])
def test_the_cosine_transform_is_its_definition_and_its_inverse_undoes_it(size: int):
    x = torch.randn(2, size, 3, dtype=torch.float64)
    n = torch.arange(size, dtype=torch.float64)
    for k in range(size):
        wave = torch.cos(torch.pi * (2 * n + 1) * k / (2 * size))
        assert apart(dct(x)[:, k], 2 * (wave[:, None] * x).sum(dim=1)) < EXACT
    assert apart(dct(x, 1), dct(x)[:, :1]) < EXACT
    assert apart(inverse_dct(dct(x)), x) < EXACT


def test_a_network_that_was_asked_first_can_be_trained_after():
    network = PoseFormerV2(**{**SMALL, "frames": 11})
    batch = random_batch(network)
    with torch.inference_mode():
        network(batch)
    network.loss(network(batch), batch).backward()
    gradients = [value.grad for value in network.parameters()]
    assert all(gradient is not None and torch.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize(
    ("frames", "kept", "coefficients"), [(1, 1, 1), (3, 3, 1), (9, 1, 9), (27, 5, 2), (9, 3, None)]
)
@pytest.mark.parametrize("joints", [H36M17, joint_set(["pelvis", "left_hip", "right_hip"])])
def test_other_configurations_answer_in_their_shape(joints: JointSet, frames: int, kept: int, coefficients: int | None):
    network = PoseFormerV2(
        joints, frames, kept, coefficients, width=6, depth=1, heads=3, qkv_bias=False, qk_scale=0.5, dropout=0.1
    )
    assert network(random_batch(network))["pose3d"].shape == (2, 1, len(joints), 3)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_checkpoint_goes_there_and_back(prefix: str):
    network = PoseFormerV2(**SMALL)
    state = random_state(network, network.official_names())
    back = from_official({prefix + name: value for name, value in state.items()}, num_frame=9, num_heads=2)
    assert (back.joints, back.kept_frames, back.kept_coefficients) == (VIODAT18, 3, 4)
    again = {name: value for ours, value in back.state_dict().items() for name in network.official_names()[ours]}
    assert all(torch.equal(again[name], value) for name, value in state.items())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"head.1.bias": None}, "lacks head.1.bias"),
        ({"Temporal_pos_embed_": None}, "lacks Temporal_pos_embed_"),
        ({"more.weight": torch.zeros(1)}, "has more.weight, which the model has not"),
        (
            {"blocks.1.mlp2.fc1.bias": torch.zeros(7)},
            r"blocks.1.mlp2.fc1.bias of the checkpoint has the shape \(7\); \(136\)",
        ),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_in_one_line(change: dict[str, torch.Tensor | None], told: str):
    state = {name: value for name, value in {**PUBLISHED.state, **change}.items() if value is not None}
    with pytest.raises(ConfigError, match=told) as caught:
        from_official(state, **PUBLISHED.config)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"frames": 80}, "over 80 frames: an odd number was expected"),
        ({"kept_frames": 4}, "keeps 4: an odd number up to 81"),
        ({"frames": 3, "kept_frames": 9}, "keeps 9: an odd number up to 3"),
        ({"kept_coefficients": 82}, "keeps 82 coefficients: 1 to 81"),
        ({"depth": 0}, "1 or more"),
        ({"heads": 5}, "5 heads cannot share a width of 32"),
    ],
)
def test_options_that_are_forbidden_are_refused(options: dict[str, int], told: str):
    with pytest.raises(ConfigError, match=told):
        build_network(poseformerv2.SPEC, VIODAT18, options)


def test_windows_of_another_length_are_refused():
    network = PoseFormerV2(**SMALL)
    with pytest.raises(ConfigError, match=r"was given windows \(1, 11, 18, 2\); \(B, 9, 18, 2\) was expected"):
        network({"pose2d": torch.zeros(1, 11, 18, 2)})


def test_recipes_build_the_network_and_the_paper_s_is_the_published_one():
    for name in ("paper", "quick"):
        (stage,) = load_recipe(poseformerv2.SPEC.recipes, name).stage
        with torch.device("meta"):
            network = build_network(poseformerv2.SPEC, VIODAT18, dict(stage.model))
        assert network.frames == stage.data.frames
        assert stage.data.offset == (network.frames - 1) // 2
        assert stage.select == ("last" if name == "paper" else "best")
        assert (parameter_count(network) == 16_094_442) == (name == "paper")
        if name == "paper":
            assert (stage.epochs, stage.optimiser.lr, stage.data.batch) == (200, 1e-4, 1024)
