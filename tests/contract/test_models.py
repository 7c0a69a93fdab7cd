"""Every network that is registered keeps to what the harness takes for granted."""

import pytest
import torch

from viodat.bench import create_model, find_model, list_models
from viodat.bench.joint_sets import VIODAT18, joint_set
from viodat.bench.network import LiftingModel
from viodat.bench.recipe import load_recipe, recipe_names
from viodat.bench.staged import build_network

NETWORKS = [name for name in list_models() if find_model(name).build is not None]
STAGES = [
    (name, recipe, stage)
    for name in NETWORKS
    for recipe in recipe_names(find_model(name).recipes)
    for stage in load_recipe(find_model(name).recipes, recipe).stage
]
QUICK = [(name, stage) for name, recipe, stage in STAGES if recipe == "quick"]


def windows(network, joints=18, count=2, frames=None):
    """Keypoints of a size as the harness gives them, and targets of a body's size."""
    torch.manual_seed(0)
    frames = frames or network.frames
    scale = 100.0 if network.normalisation == "root_px" else 0.3
    batch = {
        "pose2d": scale * torch.randn(count, frames, joints, 2),
        "image_size": torch.tensor([[1080.0, 1920.0]] * count),
        "target": 300 * torch.randn(count, frames, joints, 3),
        "valid": torch.ones(count, frames, joints, dtype=torch.bool),
    }
    if network.audio:
        batch["audio"] = torch.randn(count, round(frames * 100 / 30), 35)
    return batch


def made(name, stage, joints="viodat18"):
    torch.manual_seed(1)
    return build_network(find_model(name), joint_set(joints), stage.model)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_model_has_a_paper_and_a_quick_recipe_that_say_what_differs(name):
    spec = find_model(name)
    assert {"paper", "quick"} <= set(recipe_names(spec.recipes))
    assert load_recipe(spec.recipes, "quick").note
    assert load_recipe(spec.recipes, "paper").stage[-1].select == "last"
    assert spec.title
    assert spec.source


@pytest.mark.parametrize(("name", "stage"), QUICK, ids=[f"{name}-{stage.name}" for name, stage in QUICK])
@pytest.mark.parametrize("joints", ["viodat18", "h36m17"])
def test_a_network_answers_in_mm_and_is_scored_where_it_says(name, stage, joints):
    assert joints in find_model(name).adaptors
    network = made(name, stage, joints)
    count = len(network.joints)
    assert network.frames == stage.data.frames
    batch = windows(network, count)
    output = network(batch)
    if network.lifts:
        scored = 1 if network.centre else network.frames
        assert output["pose3d"].shape == (2, scored, count, 3)
    values, masks = network.loss_values(output, batch), network.loss_masks(batch)
    assert set(values) == set(masks) == set(network.loss_weights)
    for term, value in values.items():
        assert value.shape == masks[term].shape
        assert masks[term].dtype == torch.bool
    loss = network.loss(output, batch)
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(one.grad).all() for one in network.parameters() if one.grad is not None)


@pytest.mark.parametrize(("name", "stage"), QUICK, ids=[f"{name}-{stage.name}" for name, stage in QUICK])
def test_what_does_not_count_changes_no_loss(name, stage):
    network = made(name, stage).eval()
    if not network.lifts:
        pytest.skip("pre-training restores keypoints; no truth is in its loss")
    batch = windows(network)
    batch["valid"][:, :, [3, 9]] = False
    batch["valid"][:, -2:] = False
    other = {**batch, "target": torch.where(batch["valid"][..., None], batch["target"], 1e6)}
    assert float(network.loss(network(batch), batch).detach()) == pytest.approx(
        float(network.loss(network(other), other).detach()), rel=1e-6
    )
    nothing = {**batch, "valid": torch.zeros_like(batch["valid"])}
    assert float(network.loss(network(nothing), nothing).detach()) == 0.0


@pytest.mark.parametrize(("name", "stage"), QUICK, ids=[f"{name}-{stage.name}" for name, stage in QUICK])
def test_a_recording_is_answered_as_its_windows(name, stage):
    network = made(name, stage).eval().double()
    if not network.centre or not network.lifts:
        pytest.skip("answers with all frames of a window")
    batch = {
        key: value.double() for key, value in windows(network, count=1, frames=network.frames + 6).items()
        if key in ("pose2d", "image_size")
    }  # fmt: skip
    with torch.inference_mode():
        expected = LiftingModel.sliding(network, batch, 4)
        found = network.sliding(batch, 4)
    assert found.shape == (7, 18, 3)
    assert float((found - expected).abs().max()) < 1e-9 * float(expected.abs().max())


@pytest.mark.parametrize(("name", "recipe", "stage"), STAGES, ids=[f"{n}-{r}-{s.name}" for n, r, s in STAGES])
def test_every_recipe_names_what_its_model_takes(name, recipe, stage):
    # Without memory for its weights: a paper's network is large.
    with torch.device("meta"):
        network = build_network(find_model(name), VIODAT18, stage.model)
    assert network.frames == stage.data.frames
    assert set(stage.loss) <= set(network.loss_weights)
    if network.centre:
        assert network.frames % 2 == 1


def test_a_network_without_audio_does_not_listen_unless_it_is_told_to():
    assert create_model("viopose-no-audio", frames=30, width=16, heads=2, layers=1).audio is None
    assert create_model("viopose", frames=30, width=16, heads=2, layers=1).audio == "features100"


def test_a_network_is_created_by_name():
    network = create_model("mixste", frames=9, joints="viodat18", width=16, depth=1, heads=2)
    assert network(windows(network))["pose3d"].shape == (2, 9, 18, 3)
