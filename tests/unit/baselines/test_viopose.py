"""VioPose: what the published implementation computes, its options, and what it refuses."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from viodat.baselines.parts.attention import SelfAttention
from viodat.baselines.viopose import NO_AUDIO, SPEC, VioPose, from_official
from viodat.baselines.viopose.motion import acceleration_of, differentiated, integrated, unlikeness, velocity_of
from viodat.baselines.viopose.official import by_path, names_of

from tests.unit.baselines.published import (
    EXACT,
    Published,
    apart,
    assert_masked_frames_have_no_gradient,
    parameter_count,
    random_batch,
    without_dropout,
)
from viodat.bench.joint_sets import H36M17, VIODAT18
from viodat.bench.recipe import load_recipe, recipe_names
from viodat.bench.registry import build_network
from viodat.errors import ConfigError

FIXTURES = ("viopose_small", "viopose_small_noaudio")
SMALL = {"frames": 12, "width": 16, "heads": 4, "layers": 2, "pose_layers": 1, "audio_frames": 40}


def official(name):
    published = Published(name)
    return published, from_official(published.group("w"), **published.config).double().eval()


def answered(published, network):
    return network.official_forward(published.tensor("input_pose"), published.tensor("input_audio"))


def small(**options):
    torch.manual_seed(3)
    return without_dropout(VioPose(**{**SMALL, **options})).double()


def batch_for(network):
    batch = random_batch(network)
    if network.audio:
        batch["audio"] = torch.randn(2, *network.audio_shape, dtype=torch.float64)
    return batch


def published_state(network):
    """Parameters by official names, as Keras has them: kernels the other way round."""
    state = {}
    for ours, theirs in names_of(network).items():
        value = network.state_dict()[ours]
        if theirs[0].endswith("num_batches_tracked"):
            continue
        for name, part in zip(theirs, value.chunk(len(theirs)), strict=True):
            turn = name.endswith("kernel") and part.dim() > 1
            state[name] = part.permute(*range(2, part.dim()), 1, 0) if turn else part
    return state


def of_state(network, **changes):
    options = {
        "NUM_KEYPOINTS": 18, "HIDDEN_DIM_RATIO": 2, "NUM_HEADS": 4, "DROPOUT": 0.1, "OUTPUT_FRAME": 12,
        "POSE_MODULE": {"LAYERS": 1, "DIM": 16, "FRAME": 12, "TYPE": "temporal"},
        "DYNAMIC_MODULE": {"DIM": 16},
        "AUDIO_MODULE": {
            "FRAME": 40, "CNN_TYPE": "1D", "CNN_FILTERS": [64, 32, 16], "CNN_KERNELS": [3, 3, 3],
            "CNN_STRIDES": [1, 1, 1], "TRANS_LAYERS": 2, "CROSS_LAYERS": 2, "DIM": 16,
        },
    }  # fmt: skip
    return from_official(published_state(network), MODEL={**options, **changes})


@pytest.mark.parametrize("name", FIXTURES)
def test_outputs_are_the_published_ones(name):
    published, network = official(name)
    for output, what in zip(answered(published, network), ("pose", "vel", "acc"), strict=True):
        assert apart(output, published.tensor(f"out_{what}_f64")) < EXACT


@pytest.mark.parametrize("name", FIXTURES)
def test_the_loss_is_the_published_one(name):
    published, network = official(name)
    loss = network.official_loss(*answered(published, network), target=published.tensor("gt"))
    # The published code has it in float32.
    assert float(loss) == pytest.approx(float(published.tensor("loss/loss")), rel=1e-7)


@pytest.mark.parametrize("name", FIXTURES)
def test_batch_normalisations_that_train_are_the_published_ones(name):
    published, network = official(name)
    before = {ours: value.clone() for ours, value in network.state_dict().items()}
    answered(published, without_dropout(network).train())
    names = names_of(network)
    moved = {
        names[ours][0].split(".")[0]
        for ours, value in network.state_dict().items()
        if "running" in ours and not torch.equal(value, before[ours])
    }
    assert moved == set(json.loads(str(published.arrays["bn_updated_in_training_json"])))


@pytest.mark.parametrize("name", FIXTURES)
def test_a_checkpoint_loads_by_keras_names_whatever_their_numbers(name):
    published, network = official(name)
    keras = json.loads(str(published.arrays["keras_names_json"]))

    def renumbered(found):
        return f"{found[1]}_{int(found[2] or 0) + 8}"

    kinds = r"\b(dense|mlp|layer_normalization|multi_head_attention)(?:_(\d+))?(?=/)"
    state = {}
    for path, value in published.group("w").items():
        scope = keras[path].split("/")[0]
        state[f"{scope}/map_net/{re.sub(kinds, renumbered, keras[path])}"] = value
    assert len(state) == len(keras)
    again = from_official(dict(reversed(state.items())), **published.config).double().eval()
    for one, other in zip(answered(published, again), answered(published, network), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("options", "trainable", "total"),
    [
        ({}, 8_399_104, 8_403_936),
        ({"audio": "none"}, 6_554_594, 6_557_666),
        ({"pose_encoder": "spatial"}, 6_853_072, 6_857_904),
        ({"pose_encoder": "spatial", "audio": "none"}, 5_008_562, 5_011_634),
    ],
)
def test_the_papers_configurations_have_the_published_numbers_of_parameters(options, trainable, total):
    network = VioPose(**options)
    buffers = sum(value.numel() for name, value in network.named_buffers() if not name.endswith("tracked"))
    assert parameter_count(network) == trainable
    assert trainable + buffers == total


@pytest.mark.parametrize("audio", ["features", "none"])
def test_the_loss_of_a_batch_in_which_all_counts_is_the_official_one(audio):
    network = small(audio=audio)
    batch = batch_for(network)
    output = network(batch)
    outputs = (output["pose3d"], output["velocity"], output["acceleration"])
    ours, theirs = network.loss(output, batch), network.official_loss(*outputs, target=batch["target"])
    assert float((ours - theirs).detach()) == pytest.approx(0, abs=EXACT)


@pytest.mark.parametrize("frame", [0, 5, 11])
def test_frames_that_do_not_count_have_no_gradient(frame):
    assert_masked_frames_have_no_gradient(small(audio="none"), frame)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"audio": "none"},
        {"audio": "spectrogram"},
        {"audio": "spectrogram", "cnn": "2d"},
        {"cnn": "2d"},
        {"cnn": "2d", "filters": [4, 2], "kernels": [3, 4], "strides": [2, 1]},
        {"cnn": "none"},
        {"filters": [8], "kernels": [4], "strides": [3]},
        {"pose_encoder": "spatial", "joint_width": 8},
        {"hierarchy": "none"},
        {"hierarchy": "concatenation"},
        {"hierarchy": "conditioning"},
        {"hierarchy": "conditioning", "audio": "none"},
        {"hierarchy": "parallel"},
        {"integration": False},
        {"differentiation": False},
        {"integration": False, "differentiation": False},
        {"frames": 20, "audio_frames": None, "audio_rate_hz": 300},
        {"joints": H36M17, "layers": 3, "pose_layers": 2},
    ],
)
def test_every_option_answers_and_learns_with_all_its_parameters(options):
    network = small(**options)
    batch = batch_for(network)
    output = network(batch)
    shape = (2, network.frames, len(network.joints), 3)
    assert {name: tuple(value.shape) for name, value in output.items()} == dict.fromkeys(
        ("pose3d", "velocity", "acceleration"), shape
    )
    network.loss(output, batch).backward()
    for name, value in network.named_parameters():
        assert value.grad is not None, name
        assert torch.isfinite(value.grad).all(), name


def test_rows_of_sound_follow_from_frames_and_rate():
    assert VioPose(layers=1).audio_shape == (500, 35)
    assert VioPose(layers=1, audio="spectrogram").audio_shape == (500, 128)
    shapes = [VioPose(frames=90, layers=1, audio_rate_hz=rate).audio_shape for rate in (30, 100, 300)]
    assert shapes == [(90, 35), (300, 35), (900, 35)]


def test_parallel_levels_are_independent_of_each_other():
    network = small(hierarchy="parallel").eval()
    batch = batch_for(network)
    output = network(batch)
    (gradients,) = torch.autograd.grad(output["pose3d"].sum(), [network.velocity_head.weight], allow_unused=True)
    assert gradients is None
    assert not network.integration
    assert not network.differentiation


def test_silence_is_heard_as_something_else_than_sound():
    network = small().eval()
    batch = batch_for(network)
    silent = {**batch, "audio": torch.zeros_like(batch["audio"])}
    assert apart(network(batch)["pose3d"], network(silent)["pose3d"]) > 1e-6


def test_dropout_is_after_each_gelu_and_in_the_pose_encoders_attention_alone():
    network = VioPose(**SMALL, dropout=0.25)
    dropping = {name for name, module in network.named_modules() if isinstance(module, nn.Dropout) and module.p}
    assert dropping == {
        *(name for name, _ in network.named_modules() if name.endswith("mlp.2")),
        "pose_encoder.blocks.0.attention.dropout",
    }
    assert all(one.weight_dropout.p == 0 for one in network.modules() if isinstance(one, SelfAttention))


def test_first_weights_are_those_of_the_paper():
    torch.manual_seed(0)
    network = VioPose()
    qkv = network.pose_level.blocks[0].attention.qkv.weight
    for part in qkv.chunk(3):
        assert float(part.abs().max()) == pytest.approx((6 / 512) ** 0.5, rel=1e-3)
    for narrow in (network.pose_head.weight, network.fusion.weight, network.pose_level.position.embedding):
        assert 0.039 < float(narrow.abs().max()) <= 0.04
    for name, value in network.named_parameters():
        if name.endswith("bias"):
            assert not value.any(), name


def test_uniform_motion_is_what_mixing_leaves_alone():
    times = torch.arange(10.0, dtype=torch.float64)[None, :, None, None]
    pose, velocity = 3.0 * times.expand(1, 10, 2, 3), torch.full((1, 10, 2, 3), 3.0, dtype=torch.float64)
    mixed_pose, mixed_velocity = integrated(pose, velocity, torch.zeros_like(velocity))
    assert torch.equal(mixed_pose[:, 1:], pose[:, 1:])
    assert torch.equal(mixed_velocity, velocity)
    velocity, acceleration = differentiated(pose, velocity, torch.zeros_like(velocity))
    assert torch.equal(velocity, torch.full_like(velocity, 3.0))
    assert not acceleration.any()


def test_differences_of_poses_are_forward_and_repeat_their_ends():
    pose = (torch.arange(6.0) ** 3)[None, :, None, None]
    assert velocity_of(pose).flatten().tolist() == [1, 7, 19, 37, 61, 61]
    assert acceleration_of(pose).flatten().tolist() == [6, 12, 18, 24, 18, 24]


def test_unlikeness_is_zero_for_the_same_and_grows_with_length_and_angle():
    one, other = torch.tensor([3.0, 0, 0]), torch.tensor([0.0, 3, 0])
    assert float(unlikeness(one, one)) == pytest.approx(0, abs=1e-6)
    assert float(unlikeness(one, 2 * one)) == pytest.approx(0.5)
    assert float(unlikeness(one, other)) == 1
    assert float(unlikeness(one, -one)) == pytest.approx(2)


@pytest.mark.parametrize("spatial", [False, True])
def test_a_network_goes_through_official_names_and_back(spatial):
    network = small(pose_encoder="spatial" if spatial else "temporal", joint_width=8, pose_layers=1).eval()
    changes = {"POSE_MODULE": {"LAYERS": 1, "DIM": 8, "FRAME": 12, "TYPE": "spatial"}} if spatial else {}
    again = of_state(network, **changes).eval()
    batch = batch_for(network)
    assert next(again.parameters()).dtype == torch.float64
    assert torch.equal(again(batch)["pose3d"], network(batch)["pose3d"])


def test_checkpoints_that_do_not_fit_are_refused_in_one_line():
    published = Published("viopose_small")
    state, config = published.group("w"), published.config
    without = {name: value for name, value in state.items() if name != "vel_PEs.pos_embedding"}
    with pytest.raises(ConfigError, match=r"lacks vel_PEs\.pos_embedding"):
        from_official(without, **config)
    with pytest.raises(ConfigError, match="has extra.kernel, which the model has not"):
        from_official({**state, "extra.kernel": np.zeros((2, 2))}, **config)
    with pytest.raises(ConfigError, match=r"vel_norm.1.gamma .* \(7\); \(32\) was expected"):
        from_official({**state, "vel_norm.1.gamma": np.zeros(7)}, **config)
    with pytest.raises(ConfigError, match="lacks 'POSE_MODULE'"):
        from_official(state, MODEL={})
    model = config["MODEL"]
    other = {**model, "AUDIO_MODULE": {**model["AUDIO_MODULE"], "TRANS_LAYERS": 2}}
    with pytest.raises(ConfigError, match="TRANS_LAYERS = 2; 3 was expected"):
        from_official(state, MODEL=other)
    keras = {"Pose_block_1/mlp/dense/kernel:0": torch.zeros(1), "Pose_block_1/mlp/dense_1/kernel:0": torch.zeros(1)}
    with pytest.raises(ConfigError, match="which VioPose has not"):
        by_path({**keras, "Pose_block_1/mlp/dense_2/kernel:0": torch.zeros(1)})


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"audio": "loud"}, "no audio 'loud'; expected features, none"),
        (
            {"audio": "spectrogram", "audio_rate_hz": 30},
            "cannot listen to spectrogram at 30 Hz; datasets store features30,",
        ),
        ({"audio_rate_hz": 44.1}, "cannot listen to features at 44.1 Hz"),
        ({"cnn": "3d"}, "no cnn '3d'"),
        ({"pose_encoder": "graph"}, "no pose_encoder"),
        ({"hierarchy": "deep"}, "no hierarchy"),
        ({"frames": 3}, "over 3 frames: expected 4 or more"),
        ({"width": 20, "heads": 8}, "a divisor of 20 was expected"),
        ({"filters": [1, 2]}, "2 filters, 3 kernels and 3 strides"),
        ({"audio_frames": 0}, "0 rows of sound"),
    ],
)
def test_wrong_options_are_refused_in_one_line(options, told):
    with pytest.raises(ConfigError, match=told) as error:
        VioPose(**{**SMALL, **options})
    assert "\n" not in str(error.value)


def test_windows_and_sound_that_do_not_fit_are_refused_in_one_line():
    network = small()
    batch = batch_for(network)
    with pytest.raises(ConfigError, match="there is no sound"):
        network({name: value for name, value in batch.items() if name != "audio"})
    with pytest.raises(ConfigError, match=r"sound of \(40, 35\) a window, 12 frames at 30 Hz, but got \(39, 35\)"):
        network({**batch, "audio": batch["audio"][:, 1:]})
    with pytest.raises(ConfigError, match=r"\(B, 12, 18, 2\) was expected"):
        network({**batch, "pose2d": batch["pose2d"][:, 1:]})


def test_poses_in_another_unit_are_the_same_function():
    one, other = small(audio="none").eval(), small(audio="none", pose_unit_mm=100.0).eval()
    with torch.no_grad():
        other.pose_head.weight /= 100.0
    batch = batch_for(one)
    assert apart(one(batch)["pose3d"], other(batch)["pose3d"]) < EXACT


@pytest.mark.parametrize(
    ("spec", "name"), [(spec, name) for spec in (SPEC, NO_AUDIO) for name in recipe_names(Path(spec.recipes))]
)
def test_recipes_build_the_network_that_they_are_for(spec, name):
    for stage in load_recipe(Path(spec.recipes), name).stage:
        network = build_network(spec, VIODAT18, stage.model)
        assert network.frames == stage.data.frames
        assert network.audio == ("features100" if spec is SPEC else None)
        assert not network.centre
        assert not stage.data.flips
    assert network.integration
    assert network.differentiation
