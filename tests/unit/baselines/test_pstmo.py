"""P-STMO, both stages: what the published implementation computes, what is masked, and what they refuse."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from viodat.baselines.parts.strided import UNUSED, names_of
from viodat.baselines.pstmo import SPEC, MaskedPStmo, PStmo, from_official, pretrain_from_official
from viodat.baselines.pstmo.official import ENCODER, MASKED

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

LIFT, MASK = Published("pstmo_j17_t9"), Published("pstmo_mae_j17_t9")
SMALL = {"frames": 9, "width": 16, "hidden": 32, "layers": 2}


def lifting():
    return without_dropout(from_official(LIFT.state, **LIFT.config)).double().eval()


def masking():
    return without_dropout(pretrain_from_official(MASK.state, **MASK.config)).double().eval()


def masks():
    return MASK.tensor("mask"), MASK.tensor("spatial_mask")


def lifting_loss(network):
    outputs = network.official_forward(LIFT.tensor("input"))
    return network.official_loss(*outputs, target=LIFT.tensor("target"))


def masking_loss(network):
    output = network.official_forward(MASK.tensor("input"), *masks())
    return network.official_loss(output, target=MASK.tensor("input"), mask=MASK.tensor("mask"))


def small(**options):
    torch.manual_seed(1)
    return without_dropout(PStmo(**{**SMALL, **options})).double()


def test_poses_are_the_published_ones():
    centre, sequence = lifting().official_forward(LIFT.tensor("input"))
    assert apart(centre.detach(), LIFT.tensor("output_f64")) < EXACT
    assert apart(sequence.detach(), LIFT.tensor("output_vte_f64")) < EXACT


def test_restored_keypoints_are_the_published_ones():
    restored = masking().official_forward(MASK.tensor("input"), *masks())
    assert apart(restored.detach(), MASK.tensor("output_f64")) < EXACT


@pytest.mark.parametrize(
    ("published", "network", "loss", "renamed"),
    [(LIFT, lifting, lifting_loss, ENCODER), (MASK, masking, masking_loss, MASKED)],
    ids=["lift", "pretrain"],
)
def test_loss_and_gradients_are_the_published_ones(published, network, loss, renamed):
    one = network()
    value = loss(one)
    value.backward()
    assert float(value.detach()) == pytest.approx(float(published.tensor("loss_f64")), abs=EXACT)
    assert_gradients(one, names_of(one, renamed), published)


def test_training_forward_and_running_statistics_are_the_published_ones():
    network = lifting().train()
    centre, sequence = network.official_forward(LIFT.tensor("input"))
    assert apart(centre.detach(), LIFT.tensor("train_output_f64")) < EXACT
    assert apart(sequence.detach(), LIFT.tensor("train_output_vte_f64")) < EXACT
    assert_statistics(network, names_of(network, ENCODER), LIFT)


def test_pretraining_forward_and_running_statistics_are_the_published_ones():
    network = masking().train()
    restored = network.official_forward(MASK.tensor("input"), *masks())
    assert apart(restored.detach(), MASK.tensor("train_output_f64")) < EXACT
    assert_statistics(network, names_of(network, MASKED), MASK)


@pytest.mark.parametrize(
    ("published", "network", "loss", "renamed"),
    [(LIFT, lifting, lifting_loss, ENCODER), (MASK, masking, masking_loss, MASKED)],
    ids=["lift", "pretrain"],
)
def test_five_training_steps_are_the_published_ones(published, network, loss, renamed):
    one, steps = network().train(), published.steps
    losses = five_steps(one, lambda: loss(one), steps)
    np.testing.assert_allclose(losses, steps.tensor("losses").numpy(), atol=1e-7)
    assert_state_norms(one, names_of(one, renamed), steps, 1e-6)
    one.eval()
    if published is LIFT:
        output = one.official_forward(LIFT.tensor("input"))[0]
    else:
        output = one.official_forward(MASK.tensor("input"), *masks())
    assert apart(output.detach(), steps.tensor("final_output_f64")) < 1e-6


@pytest.mark.parametrize(
    ("joints", "lift", "pretrain"), [(H36M17, 7_009_382, 3_315_620), (VIODAT18, 7_011_948, 3_316_902)]
)
def test_the_papers_configuration_has_the_published_number_of_parameters(joints, lift, pretrain):
    # Transformer.model.norm and Transformer_reduce.model.norm, or Transformer_dec.model.norm, are not used officially.
    assert parameter_count(PStmo(joints)) + 2 * 2 * 256 == lift
    assert parameter_count(MaskedPStmo(joints)) + 2 * 256 + 2 * 128 == pretrain


def test_the_loss_of_a_batch_in_which_all_counts_is_the_official_one():
    network = lifting()
    pose2d, target = LIFT.tensor("input")[..., 0].permute(0, 2, 3, 1), LIFT.tensor("target")
    batch = batch_of(pose2d, target)
    ours = network.loss(network(batch), batch)
    assert float(ours.detach()) == pytest.approx(float(LIFT.tensor("loss_f64")), abs=EXACT)


@pytest.mark.parametrize("frame", [0, 4])
def test_frames_that_do_not_count_have_no_gradient(frame):
    assert_masked_frames_have_no_gradient(small().eval(), frame)


def test_the_pretraining_loss_is_the_official_one_with_nothing_masked():
    network = masking()
    pose2d = MASK.tensor("input")
    none = torch.zeros(9, dtype=torch.bool), torch.zeros(9, 17, dtype=torch.bool)
    batch = batch_of(pose2d[..., 0].permute(0, 2, 3, 1), torch.zeros(2, 9, 17, 3, dtype=torch.float64))
    ours = network.loss(network(batch), batch)
    theirs = network.official_loss(network.official_forward(pose2d, *none), target=pose2d, mask=none[0])
    assert float(ours.detach()) == pytest.approx(float(theirs.detach()), abs=EXACT)


def test_restored_frames_come_back_in_their_order():
    network = masking()
    network.drawn = lambda device: masks()
    pose2d = MASK.tensor("input")[..., 0].permute(0, 2, 3, 1)
    restored = network({"pose2d": pose2d})["pose2d"]
    theirs = MASK.tensor("output_f64")[..., 0].permute(0, 2, 3, 1)
    order = [*np.flatnonzero(~MASK.arrays["mask"]), *np.flatnonzero(MASK.arrays["mask"])]
    assert apart(restored[:, order].detach(), theirs) < EXACT


def test_pretraining_does_not_need_truth_but_counts_no_window_of_which_nothing_is_known():
    network = MaskedPStmo(**SMALL).double().eval()
    batch = random_batch(network)
    batch["valid"][0, 1:] = False
    batch["valid"][1] = False
    mask = network.loss_masks(batch)["restored"]
    assert mask[0].all()
    assert not mask[1].any()


def test_masks_are_drawn_in_training_alone_by_torchs_generator():
    network = MaskedPStmo(**SMALL, masked_frames=0.6, masked_joints=3)
    torch.manual_seed(5)
    frames, joints = network.drawn(torch.device("cpu"))
    assert int(frames.sum()) == int(9 * 0.6)
    assert joints.sum(dim=1).tolist() == [3] * 9
    again = network.drawn(torch.device("cpu"))
    assert not torch.equal(joints, again[1])
    torch.manual_seed(5)
    assert torch.equal(network.drawn(torch.device("cpu"))[1], joints)
    frames, joints = network.eval().drawn(torch.device("cpu"))
    assert not frames.any()
    assert not joints.any()


def test_every_joint_may_be_masked_but_those_that_are_to_be_kept():
    network = MaskedPStmo(H36M17, **SMALL, masked_joints=5, kept_joints=["right_wrist", "pelvis"])
    all_may = MaskedPStmo(VIODAT18, **SMALL, masked_joints=5)
    drawn = torch.zeros(17, dtype=torch.bool), torch.zeros(18, dtype=torch.bool)
    for _ in range(60):
        for found, one in zip(drawn, (network, all_may), strict=True):
            found |= one.drawn(torch.device("cpu"))[1].any(dim=0)
    assert [name for name, may in zip(H36M17.names, drawn[0], strict=True) if not may] == ["pelvis", "right_wrist"]
    assert drawn[1].all()


def test_keypoints_that_are_masked_are_not_seen():
    network = masking()
    pose2d, (frames, joints) = MASK.tensor("input"), masks()
    other = pose2d.clone()
    other[:, :, frames] += 1.0
    other[..., 0][:, :, joints] += 1.0
    assert torch.equal(
        network.official_forward(other, frames, joints), network.official_forward(pose2d, frames, joints)
    )


def test_the_second_stage_takes_encoder_and_vanilla_transformer_from_the_first():
    first, second = MaskedPStmo(**SMALL).state_dict(), PStmo(**SMALL).state_dict()
    shared = {name for name in second if name in first and first[name].shape == second[name].shape}
    assert {name.split(".")[0] for name in shared} == {"encoder", "vanilla", "position"}
    assert {name for name in second if name.split(".")[0] in ("encoder", "vanilla", "position")} == shared


@pytest.mark.parametrize(
    "options",
    [
        {"frames": 1, "strides": [1]},
        {"frames": 27},
        {"frames": 81, "layers": 1},
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
    assert all(value.grad is not None for value in network.parameters())


def test_strides_follow_from_frames_as_in_the_paper():
    found = {frames: [one.stride for one in PStmo(frames=frames).strided.layers] for frames in (9, 27, 81, 243)}
    assert found == {9: [1, 3, 3], 27: [3] * 3, 81: [3] * 4, 243: [3] * 5}


def test_sliding_over_a_recording_is_window_by_window():
    network = small().eval()
    generator = torch.Generator().manual_seed(2)
    batch = {
        "pose2d": torch.randn(1, 20 + 8, 18, 2, generator=generator, dtype=torch.float64),
        "image_size": torch.full((1, 2), 1000.0, dtype=torch.float64),
    }
    with torch.inference_mode():
        assert apart(network.sliding(batch, 7), slid_window_by_window(network, batch)) < 1e-9


@pytest.mark.parametrize(
    ("kind", "load", "renamed"), [(PStmo, from_official, ENCODER), (MaskedPStmo, pretrain_from_official, MASKED)]
)
def test_a_network_goes_through_official_names_and_back(kind, load, renamed):
    network = kind(**SMALL)
    state = random_state(network, names_of(network, renamed))
    config = {"layers": 2, "channel": 16, "d_hid": 32, "frames": 9, "n_joints": 18, "out_joints": 18}
    again = load({f"module.{name}": value for name, value in state.items()}, **config)
    found = random_state(network, names_of(network, renamed))
    for ours, theirs in names_of(again, renamed).items():
        whole = torch.cat([found[name] for name in theirs]) if len(theirs) > 1 else found[theirs[0]]
        assert torch.equal(again.state_dict()[ours], whole), ours


def test_all_attention_starts_alike():
    network = PStmo(**SMALL, strides=[1, 3, 3])
    for layers in (network.vanilla.layers, network.strided.layers):
        first = layers[0].attention.out.weight
        for layer in layers:
            assert all(torch.equal(part, first) for part in layer.attention.qkv.weight.chunk(3))
            assert torch.equal(layer.attention.out.weight, first)
    assert torch.equal(network.vanilla.layers[0].fc1.weight, network.vanilla.layers[1].fc1.weight)
    assert not torch.equal(network.strided.layers[0].fc1.weight, network.strided.layers[1].fc1.weight)


def test_dropout_is_a_tenth_everywhere():
    for network in (PStmo(**SMALL), MaskedPStmo(**SMALL)):
        assert {one.p for one in network.modules() if isinstance(one, nn.Dropout)} == {0.1}


def test_a_flat_token_has_no_wild_gradient():
    network = small()
    norm = network.vanilla.layers[0].norm1
    x = torch.ones(1, 2, 16, dtype=torch.float64, requires_grad=True)
    norm(x).square().sum().backward()
    assert torch.isfinite(x.grad).all()


def test_checkpoints_that_do_not_fit_are_refused_in_one_line():
    state, config = LIFT.state, LIFT.config
    assert any(name == "Transformer.model.norm.a_2" for name in state)
    assert UNUSED
    without = {name: value for name, value in state.items() if name != "fcn.1.bias"}
    with pytest.raises(ConfigError, match=r"lacks fcn\.1\.bias"):
        from_official(without, **config)
    with pytest.raises(ConfigError, match=r"has extra, which the model has not"):
        from_official({**state, "extra": np.zeros(2)}, **config)
    with pytest.raises(ConfigError, match=r"fcn\.1\.bias .* \(7\); \(51\) was expected"):
        from_official({**state, "fcn.1.bias": np.zeros(7)}, **config)
    with pytest.raises(ConfigError, match="no argument 'channels'"):
        from_official(state, **config, channels=1)
    with pytest.raises(ConfigError, match="lacks"):
        pretrain_from_official(state, **MASK.config)


@pytest.mark.parametrize(
    ("kind", "options", "told"),
    [
        (PStmo, {"frames": 8}, "over 8 frames: expected an odd number"),
        (PStmo, {"frames": 27, "strides": [3, 3]}, "with strides 3, 3: 3 are left, 1 was expected"),
        (PStmo, {"frames": 9, "strides": [0, 9]}, "a stride of 0"),
        (PStmo, {"width": 20}, "a divisor of 20 was expected"),
        (MaskedPStmo, {"frames": 8}, "an odd number"),
        (MaskedPStmo, {"masked_frames": 1.0}, "expected a share from 0 to below 1"),
        (MaskedPStmo, {"masked_joints": 19}, "expected 0 to 18"),
        (MaskedPStmo, {"kept_joints": ["tail"]}, "the joint 'tail'"),
        (MaskedPStmo, {"layers": 0}, "of 0 layers"),
    ],
)
def test_wrong_options_are_refused_in_one_line(kind, options, told):
    with pytest.raises(ConfigError, match=told) as error:
        kind(**{**SMALL, **options})
    assert "\n" not in str(error.value)


def test_windows_and_parts_that_do_not_fit_are_refused_in_one_line():
    network = small()
    batch = random_batch(network)
    with pytest.raises(ConfigError, match=r"\(B, 9, 18, 2\) was expected"):
        network({**batch, "pose2d": batch["pose2d"][:, 1:]})
    with pytest.raises(ConfigError, match="no part 'refine'; expected lift, pretrain"):
        build_network(SPEC, VIODAT18, {"part": "refine"})


@pytest.mark.parametrize("name", recipe_names(Path(SPEC.recipes)))
def test_recipes_build_the_networks_that_they_are_for(name):
    first, second = load_recipe(Path(SPEC.recipes), name).stage
    networks = [build_network(SPEC, VIODAT18, stage.model) for stage in (first, second)]
    assert [network.lifts for network in networks] == [False, True]
    assert second.init_from == first.name
    for network, stage in zip(networks, (first, second), strict=True):
        assert network.frames == stage.data.frames
        assert stage.data.offset == (network.frames - 1) // 2
