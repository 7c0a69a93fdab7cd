"""MixSTE: equal to the published implementation, and what viodat adds to it."""

from __future__ import annotations

import pytest
import torch
from viodat.baselines import mixste
from viodat.baselines.mixste import MixSte, from_official

from tests.unit.baselines.published import (
    EXACT,
    Published,
    apart,
    assert_gradients,
    assert_masked_frames_have_no_gradient,
    assert_norms,
    batch_of,
    five_steps,
    parameter_count,
    random_batch,
    random_state,
    without_dropout,
)
from viodat.bench.joint_sets import H36M17, VIODAT18, JointSet, joint_set
from viodat.bench.recipe import load_recipe
from viodat.bench.registry import build_network
from viodat.errors import ConfigError

PUBLISHED = Published("mixste_j17_t9")
SMALL = {"frames": 5, "width": 16, "depth": 2, "heads": 2}


def official() -> MixSte:
    network = from_official(PUBLISHED.state, **PUBLISHED.config)
    without_dropout(network)
    return network.double().eval()


def test_output_is_the_published_one():
    with torch.no_grad():
        assert apart(official().official_forward(PUBLISHED.tensor("input")), PUBLISHED.tensor("output_f64")) < EXACT


def test_output_is_the_published_one_when_a_step_is_made_and_with_checkpointing():
    network = official()
    network.checkpointing = True
    found = network.train().official_forward(PUBLISHED.tensor("input"))
    assert apart(found.detach(), PUBLISHED.tensor("output_f64")) < EXACT


def test_loss_and_gradients_are_the_published_ones():
    network = official()
    loss = network.official_loss(
        network.official_forward(PUBLISHED.tensor("input")),
        target=PUBLISHED.tensor("target"),
        w_mpjpe=PUBLISHED.tensor("w_mpjpe"),
    )
    loss.backward()
    assert abs(float(loss.detach()) - float(PUBLISHED.arrays["loss_f64"])) < EXACT
    assert_gradients(network, network.official_names(), PUBLISHED)


def test_each_term_of_the_loss_is_the_published_one():
    network = official()
    batch = batch_of(PUBLISHED.tensor("input"), PUBLISHED.tensor("target"))
    values = network.loss_values(network(batch), batch)
    found = [float(network.loss_weights[name] * values[name].mean().detach()) for name in network.loss_weights]
    assert found == pytest.approx(PUBLISHED.arrays["loss_terms"].tolist(), abs=1e-6)


def test_five_steps_of_training_are_the_published_ones():
    network = official().train()
    losses = five_steps(
        network,
        lambda: network.official_loss(
            network.official_forward(PUBLISHED.tensor("input")), target=PUBLISHED.tensor("target")
        ),
        PUBLISHED.steps,
        scaled=True,
    )
    assert losses == pytest.approx(PUBLISHED.steps.arrays["losses"].tolist(), abs=1e-7)
    with torch.no_grad():
        final = network.eval().official_forward(PUBLISHED.tensor("input"))
    assert apart(final, PUBLISHED.steps.tensor("final_output_f64")) < 1e-6
    assert_norms(network, network.official_names(), PUBLISHED.steps, 1e-6)


@pytest.mark.parametrize(("joints", "count"), [(H36M17, 33_783_811), (VIODAT18, 33_784_323)])
def test_it_has_the_published_number_of_parameters(joints: JointSet, count: int):
    with torch.device("meta"):
        assert parameter_count(MixSte(joints)) == count


def test_loss_is_the_published_one_where_everything_is_valid():
    network = official()
    batch = batch_of(PUBLISHED.tensor("input"), PUBLISHED.tensor("target"))
    output = network(batch)
    expected = network.official_loss(output["pose3d"] / 1000, target=PUBLISHED.tensor("target"))
    assert float((network.loss(output, batch) - expected).detach()) == pytest.approx(0, abs=EXACT)


def test_what_is_not_valid_has_no_gradient():
    assert_masked_frames_have_no_gradient(MixSte(**SMALL).double(), frame=2)


def test_joints_of_human36m_weigh_what_the_paper_says():
    published = [1, 1, 2.5, 2.5, 1, 2.5, 2.5, 1, 1, 1, 1.5, 1.5, 4, 4, 1.5, 4, 4]
    assert MixSte(H36M17, **SMALL).joint_weights.tolist() == published


def test_joints_weigh_by_name_and_both_sides_the_same():
    weights = MixSte(VIODAT18, **SMALL).joint_weights
    assert torch.equal(weights[list(VIODAT18.mirror)], weights)
    by_name = dict(zip(VIODAT18.names, weights.tolist(), strict=True))
    assert by_name["left_ankle"] == 2.5
    assert by_name["right_thumb"] == by_name["right_wrist"] == 4.0
    assert by_name["left_pelvis"] == 1.0


@pytest.mark.parametrize("size", [1, 5])
def test_windows_are_answered_alike_alone_and_together(size: int, monkeypatch: pytest.MonkeyPatch):
    network = MixSte(**SMALL).double().eval()
    batch = random_batch(network, size=5)
    together = network(batch)["pose3d"].detach()
    monkeypatch.setattr("viodat.baselines.parts.portions._CACHED", size * network.frames * len(network.joints) * 16)
    with torch.no_grad():
        assert apart(network(batch)["pose3d"], together) < EXACT


def test_checkpointing_gives_the_same_gradients_with_drop_path():
    gradients = []
    for checkpointing in (False, True):
        torch.manual_seed(3)
        network = MixSte(**SMALL, drop_path=0.5, dropout=0.2, checkpointing=checkpointing).double()
        batch = random_batch(network)
        network.loss(network(batch), batch).backward()
        gradients.append([value.grad for value in network.parameters()])
    for one, other in zip(*gradients, strict=True):
        assert torch.allclose(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("frames", [1, 2, 27])
@pytest.mark.parametrize("joints", [H36M17, joint_set(["pelvis", "left_hip", "right_hip"])])
def test_other_configurations_answer_in_their_shape(joints: JointSet, frames: int):
    network = MixSte(joints, frames=frames, width=12, depth=1, heads=3, qkv_bias=False, qk_scale=0.5)
    assert network(random_batch(network))["pose3d"].shape == (2, frames, len(joints), 3)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_checkpoint_goes_there_and_back_without_being_told_how_it_was_made(prefix: str):
    network = MixSte(**SMALL)
    state = random_state(network, network.official_names())
    back = from_official({prefix + name: value for name, value in state.items()}, num_heads=2)
    assert back.joints == VIODAT18
    again = {name: value for ours, value in back.state_dict().items() for name in network.official_names()[ours]}
    assert all(torch.equal(again[name], value) for name, value in state.items())


def test_a_checkpoint_of_other_joints_is_taken():
    network = MixSte(joint_set(["pelvis", "left_hip", "right_hip"]), **SMALL)
    state = random_state(network, network.official_names())
    assert len(from_official(state, num_heads=2).joints) == 3
    assert from_official(state, num_heads=2, joints=network.joints).joints == network.joints


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"head.1.bias": None}, "lacks head.1.bias"),
        ({"Spatial_pos_embed": None}, "lacks Spatial_pos_embed"),
        ({"more.weight": torch.zeros(1)}, "has more.weight, which the model has not"),
        ({"head.1.weight": torch.zeros(2, 32)}, r"head.1.weight of the checkpoint has the shape \(2, 32\); \(3, 32\)"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_in_one_line(change: dict[str, torch.Tensor | None], told: str):
    state = {name: value for name, value in {**PUBLISHED.state, **change}.items() if value is not None}
    with pytest.raises(ConfigError, match=told) as caught:
        from_official(state, **PUBLISHED.config)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("argument", "told"),
    [({"in_chans": 3}, "in_chans = 3; 2 was expected"), ({"num_head": 8}, "did you mean 'num_heads'")],
)
def test_arguments_that_do_not_fit_are_refused(argument: dict[str, int], told: str):
    with pytest.raises(ConfigError, match=told):
        from_official(PUBLISHED.state, **argument)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"frames": 0}, "1 or more"),
        ({"depth": 0}, "1 or more"),
        ({"width": 10, "heads": 4}, "4 heads cannot share a width of 10"),
        ({"wide": 10}, "refuses its arguments"),
    ],
)
def test_options_that_are_forbidden_are_refused(options: dict[str, int], told: str):
    with pytest.raises(ConfigError, match=told):
        build_network(mixste.SPEC, VIODAT18, options)


def test_windows_of_another_length_are_refused():
    network = MixSte(**SMALL)
    batch = {**random_batch(network), "pose2d": torch.zeros(1, 6, 18, 2)}
    with pytest.raises(ConfigError, match=r"was given windows \(1, 6, 18, 2\); \(B, 5, 18, 2\) was expected"):
        network(batch)


def test_recipes_build_the_network_and_the_paper_s_is_the_published_one():
    for name in ("paper", "quick"):
        (stage,) = load_recipe(mixste.SPEC.recipes, name).stage
        with torch.device("meta"):
            network = build_network(mixste.SPEC, VIODAT18, dict(stage.model))
        assert network.frames == stage.data.frames
        assert stage.data.cut == "centred"
        assert stage.optimiser.scaled_by_loss
        assert stage.select == ("last" if name == "paper" else "best")
        assert (parameter_count(network) == 33_784_323) == (name == "paper")
        if name == "paper":
            assert (stage.epochs, stage.optimiser.lr, stage.data.batch) == (120, 4e-5, 4)
