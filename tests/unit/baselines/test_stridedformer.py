"""StridedFormer and its refinement: what the published implementation computes, and what they refuse."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from viodat.baselines.parts.official import official_names
from viodat.baselines.parts.strided import names_of
from viodat.baselines.stridedformer import SPEC, Refinement, StridedFormer, from_official, refine_from_official
from viodat.baselines.stridedformer.official import ENCODER, REFINEMENT

from tests.unit.baselines.published import (
    EXACT,
    Published,
    apart,
    assert_gradients,
    assert_masked_frames_have_no_gradient,
    assert_statistics,
    batch_of,
    five_steps,
    parameter_count,
    random_batch,
    random_state,
    slid_window_by_window,
    without_dropout,
)
from tests.unit.baselines.strided import assert_state_norms
from viodat.bench.joint_sets import H36M17, VIODAT18
from viodat.bench.recipe import load_recipe, recipe_names
from viodat.bench.registry import build_network
from viodat.errors import ConfigError

LIFT, REFINE = Published("strided_j17_t27"), Published("refine_j17")
SMALL = {"frames": 9, "width": 16, "hidden": 32, "layers": 2}


def lifting():
    return without_dropout(from_official(LIFT.state, **LIFT.config)).double().eval()


def refining():
    return refine_from_official(REFINE.state, **REFINE.config).double().eval()


def lifting_loss(network):
    return network.official_loss(*network.official_forward(LIFT.tensor("input")), target=LIFT.tensor("target"))


def refining_loss(network):
    output = network.official_forward(REFINE.tensor("input_x"), REFINE.tensor("input_x1"))
    return network.official_loss(output, target=REFINE.tensor("target"))


def small(**options):
    torch.manual_seed(1)
    return without_dropout(StridedFormer(**{**SMALL, **options})).double()


def test_poses_are_the_published_ones():
    centre, sequence = lifting().official_forward(LIFT.tensor("input"))
    assert apart(centre.detach(), LIFT.tensor("output_f64")) < EXACT
    assert apart(sequence.detach(), LIFT.tensor("output_vte_f64")) < EXACT


def test_refined_poses_are_the_published_ones():
    refined = refining().official_forward(REFINE.tensor("input_x"), REFINE.tensor("input_x1"))
    assert apart(refined.detach(), REFINE.tensor("output_f64")) < EXACT


def test_loss_and_gradients_are_the_published_ones():
    network = lifting()
    value = lifting_loss(network)
    value.backward()
    assert float(value.detach()) == pytest.approx(float(LIFT.tensor("loss_f64")), abs=EXACT)
    assert_gradients(network, names_of(network, ENCODER), LIFT)


def test_loss_and_gradients_of_the_refinement_are_the_published_ones():
    network = refining()
    value = refining_loss(network)
    value.backward()
    assert float(value.detach()) == pytest.approx(float(REFINE.tensor("loss_f64")), abs=EXACT)
    assert_gradients(network, official_names(network, REFINEMENT), REFINE)


def test_training_forward_and_running_statistics_are_the_published_ones():
    network = lifting().train()
    centre, sequence = network.official_forward(LIFT.tensor("input"))
    assert apart(centre.detach(), LIFT.tensor("train_output_f64")) < EXACT
    assert apart(sequence.detach(), LIFT.tensor("train_output_vte_f64")) < EXACT
    assert_statistics(network, names_of(network, ENCODER), LIFT)


def test_five_training_steps_are_the_published_ones():
    network, steps = lifting().train(), LIFT.steps
    losses = five_steps(network, lambda: lifting_loss(network), steps)
    np.testing.assert_allclose(losses, steps.tensor("losses").numpy(), atol=1e-7)
    assert_state_norms(network, names_of(network, ENCODER), steps, 1e-6)
    output = network.eval().official_forward(LIFT.tensor("input"))[0]
    assert apart(output.detach(), steps.tensor("final_output_f64")) < 1e-6


@pytest.mark.parametrize(("joints", "count"), [(H36M17, 4_346_214), (VIODAT18, 4_348_268)])
def test_the_papers_configuration_has_the_published_number_of_parameters(joints, count):
    # Transformer.model.norm and Transformer_reduce.model.norm are not used officially.
    assert parameter_count(StridedFormer(joints)) + 2 * 2 * 256 == count


def test_the_loss_of_a_batch_in_which_all_counts_is_the_official_one():
    network = lifting()
    batch = batch_of(LIFT.tensor("input"), LIFT.tensor("target"))
    ours = network.loss(network(batch), batch)
    assert float(ours.detach()) == pytest.approx(float(LIFT.tensor("loss_f64")), abs=EXACT)


@pytest.mark.parametrize("frame", [0, 4])
def test_frames_that_do_not_count_have_no_gradient(frame):
    assert_masked_frames_have_no_gradient(small().eval(), frame)


@pytest.mark.parametrize(
    "options",
    [
        {"frames": 1},
        {"frames": 27},
        {"frames": 81, "layers": 1},
        {"frames": 351},
        {"frames": 15, "strides": [5, 3]},
        {"frames": 9, "strides": [1, 1, 3, 3]},
        {"joints": H36M17, "layers": 3},
    ],
)
def test_other_sizes_answer_and_learn_with_all_their_parameters(options):
    network = small(**options)
    batch = random_batch(network)
    output = network(batch)
    assert output["pose3d"].shape == (2, 1, len(network.joints), 3)
    assert output["pose3d_all"].shape == (2, network.frames, len(network.joints), 3)
    network.loss(output, batch).backward()
    unused = {name for name, value in network.named_parameters() if value.grad is None}
    assert not unused


def test_strides_follow_from_frames_as_in_the_paper():
    found = {frames: [one.stride for one in StridedFormer(frames=frames).strided.layers] for frames in (27, 81, 351)}
    assert found == {27: [3] * 3, 81: [3] * 4, 351: [3, 9, 13]}


def test_sliding_over_a_recording_is_window_by_window():
    network = small().eval()
    generator = torch.Generator().manual_seed(2)
    batch = {
        "pose2d": torch.randn(1, 20 + 8, 18, 2, generator=generator, dtype=torch.float64),
        "image_size": torch.full((1, 2), 1000.0, dtype=torch.float64),
    }
    with torch.inference_mode():
        assert apart(network.sliding(batch, 7), slid_window_by_window(network, batch)) < 1e-9


def test_a_network_goes_through_official_names_and_back():
    network = StridedFormer(**SMALL)
    names = names_of(network, ENCODER)
    state = random_state(network, names)
    config = {"layers": 2, "channel": 16, "d_hid": 32, "frames": 9, "n_joints": 18, "out_joints": 18}
    config["stride_num"] = [3, 3]
    again = from_official({f"module.{name}": value for name, value in state.items()}, **config)
    for ours, theirs in names.items():
        whole = torch.cat([state[name] for name in theirs]) if len(theirs) > 1 else state[theirs[0]]
        assert torch.equal(again.state_dict()[ours], whole), ours


def test_dropout_is_a_quarter_in_the_frame_encoder_and_a_tenth_elsewhere():
    network = StridedFormer(**SMALL)
    found = {name: one.p for name, one in network.named_modules() if isinstance(one, nn.Dropout)}
    assert found.pop("encoder.dropout") == 0.25
    assert set(found.values()) == {0.1}
    assert {one.p for one in Refinement().modules() if isinstance(one, nn.Dropout)} == {0.5}


def test_refined_poses_lie_between_and_keep_their_depth():
    torch.manual_seed(0)
    network = Refinement().eval()
    predicted, projected = torch.randn(2, 2, 1, 18, 3).unbind(0)
    refined = network(predicted, projected)
    low, high = torch.minimum(predicted, projected), torch.maximum(predicted, projected)
    assert torch.equal(refined[..., 2], predicted[..., 2])
    assert ((refined >= low - 1e-6) & (refined <= high + 1e-6))[..., :2].all()


def test_checkpoints_that_do_not_fit_are_refused_in_one_line():
    state, config = LIFT.state, LIFT.config
    without = {name: value for name, value in state.items() if name != "fcn.1.bias"}
    with pytest.raises(ConfigError, match=r"lacks fcn\.1\.bias"):
        from_official(without, **config)
    with pytest.raises(ConfigError, match=r"has extra, which the model has not"):
        from_official({**state, "extra": np.zeros(2)}, **config)
    with pytest.raises(ConfigError, match=r"fcn\.1\.bias .* \(7\); \(51\) was expected"):
        from_official({**state, "fcn.1.bias": np.zeros(7)}, **config)
    with pytest.raises(ConfigError, match="no argument 'channels'"):
        from_official(state, **config, channels=1)
    with pytest.raises(ConfigError, match="in_channels = 3; 2 was expected"):
        refine_from_official(REFINE.state, n_joints=17, in_channels=3)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"frames": 8}, "over 8 frames: expected an odd number"),
        ({"frames": 27, "strides": [3, 3]}, "with strides 3, 3: 3 are left, 1 was expected"),
        ({"frames": 9, "strides": []}, "with strides none: 9 are left"),
        ({"frames": 9, "strides": [0, 9]}, "a stride of 0"),
        ({"width": 20}, "a divisor of 20 was expected"),
    ],
)
def test_wrong_options_are_refused_in_one_line(options, told):
    with pytest.raises(ConfigError, match=told) as error:
        StridedFormer(**{**SMALL, **options})
    assert "\n" not in str(error.value)


def test_windows_that_do_not_fit_are_refused_in_one_line():
    network = small()
    batch = random_batch(network)
    with pytest.raises(ConfigError, match=r"\(B, 9, 18, 2\) was expected"):
        network({**batch, "pose2d": batch["pose2d"][:, 1:]})


@pytest.mark.parametrize("name", recipe_names(Path(SPEC.recipes)))
def test_recipes_build_the_network_that_they_are_for(name):
    (stage,) = load_recipe(Path(SPEC.recipes), name).stage
    network = build_network(SPEC, VIODAT18, stage.model)
    assert network.frames == stage.data.frames
    assert stage.data.offset == (network.frames - 1) // 2
