"""Published checkpoints: read without running anything in them, refused by name, kept without pickles."""

import json
import os
import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from viodat.bench.published import import_checkpoint, load_model, read_published
from viodat.cli.app import app
from viodat.errors import ConfigError

DATA = Path(__file__).parents[2] / "data"


def published(name):
    with np.load(DATA / f"published_{name}.npz", allow_pickle=False) as file:
        state = {key.removeprefix("state/"): file[key] for key in file.files if key.startswith("state/")}
        return state, json.loads(str(file["config_json"]))


def tensors(state):
    return {name: torch.from_numpy(value) for name, value in state.items()}


class Bad:
    """Runs a command when it is unpickled by anybody who trusts it."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("key", [None, "model_pos", "state_dict"])
def test_what_training_scripts_save_is_read(tmp_path, legacy, prefix, key):
    state, config = published("mixste_j17_t9")
    saved = {prefix + name: value for name, value in tensors(state).items()}
    if key is not None:
        optimiser = torch.optim.AdamW([torch.nn.Parameter(torch.ones(2))])
        random = np.random.RandomState(3)
        saved = {"epoch": 7, "lr": 4e-5, "random_state": random, "optimizer": optimiser.state_dict(), key: saved}
    torch.save(saved, tmp_path / "best.bin", _use_new_zipfile_serialization=not legacy)
    network = import_checkpoint(tmp_path / "best.bin", "mixste", tmp_path / "x.safetensors", config)
    with np.load(DATA / "published_mixste_j17_t9.npz") as file:
        given, expected = torch.from_numpy(file["input"]).double(), file["output_f64"]
    for one in (network, load_model(tmp_path / "x.safetensors")):
        with torch.no_grad():
            assert np.abs(one.double().eval().official_forward(given).numpy() - expected).max() < 1e-9


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("plain", [False, True])
def test_nothing_in_a_file_is_run(tmp_path, protocol, plain):
    marker = tmp_path / "ran"
    content = {"model_pos": {"weight": torch.ones(2)}, "random_state": Bad(marker)}
    if plain:
        (tmp_path / "x.pth").write_bytes(pickle.dumps(content["random_state"], protocol))
    else:
        torch.save(content, tmp_path / "x.pth", pickle_protocol=max(protocol, 2))
    try:
        assert set(read_published(tmp_path / "x.pth")) == {"weight"}
        assert not plain
    except ConfigError:
        assert plain
    assert not marker.exists()


def test_a_keras_file_is_read_in_the_order_of_its_layers(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [b"second", b"first"]
        for k, layer in enumerate(("second", "first")):
            group = weights.create_group(layer)
            group.attrs["weight_names"] = [f"{layer}/kernel:0".encode(), f"{layer}/bias:0".encode()]
            group[f"{layer}/kernel:0"] = np.full((2, 3), float(k))
            group[f"{layer}/bias:0"] = np.zeros(3)
        file.create_group("optimizer_weights")["m"] = np.zeros(3)
    found = read_published(tmp_path / "x.h5")
    assert list(found) == ["second/kernel:0", "second/bias:0", "first/kernel:0", "first/bias:0"]
    assert found["first/kernel:0"][0, 0] == 1.0


def test_a_whole_keras_checkpoint_becomes_viopose(tmp_path):
    with np.load(DATA / "published_viopose_small.npz", allow_pickle=False) as file:
        names = [key for key in file.files if key.startswith("w/")]
        config = json.loads(str(file["config_json"]))
        with h5py.File(tmp_path / "x.h5", "w") as made:
            for name in names:
                made[name.removeprefix("w/")] = file[name]
        inputs = [torch.from_numpy(file[name]).double() for name in ("input_pose", "input_audio")]
        expected = file["out_pose_f64"]
    import_checkpoint(tmp_path / "x.h5", "viopose", tmp_path / "x.safetensors", config)
    network = load_model(tmp_path / "x.safetensors").double().eval()
    with torch.no_grad():
        assert np.abs(network.official_forward(*inputs)[0].numpy() - expected).max() < 1e-9


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.pth", b"", "cannot be read as a checkpoint"),
        ("x.pth", b"PK\x03\x04 no archive", "cannot be read as a checkpoint"),
        ("x.h5", b"\x89HDF no", "cannot be read as a checkpoint"),
        ("x.safetensors", b"\x08\0\0\0\0\0\0\0{}", "cannot be read as a checkpoint"),
    ],
)
def test_a_damaged_file_is_told(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        read_published(tmp_path / name)
    with pytest.raises(ConfigError, match="there is no such file"):
        read_published(tmp_path / f"no_{name}")


def test_truncated_files_never_raise_anything_else(tmp_path):
    state, _ = published("mixste_j17_t9")
    torch.save(tensors(state), tmp_path / "whole.pth")
    whole = (tmp_path / "whole.pth").read_bytes()
    rng = np.random.default_rng(0)
    for size in rng.integers(0, len(whole), size=20):
        (tmp_path / "x.pth").write_bytes(whole[:size])
        with pytest.raises(ConfigError):
            read_published(tmp_path / "x.pth")


def called(*arguments):
    return CliRunner().invoke(app, ["import", "checkpoint", *map(str, arguments)])


def test_the_verb_tells_what_it_made_and_refuses_what_does_not_fit(tmp_path):
    state, config = published("mixste_j17_t9")
    torch.save({"model_pos": tensors(state)}, tmp_path / "x.pth")
    (tmp_path / "config.json").write_text(json.dumps(config))
    out = tmp_path / "x.safetensors"
    made = called(tmp_path / "x.pth", "--model", "mixste", "--out", out, "--config", tmp_path / "config.json", "--json")
    assert json.loads(made.stdout) == {
        "out": str(out), "model": "mixste", "joints": "h36m17", "frames": 9,
        "parameters": sum(value.size for value in state.values()),
    }  # fmt: skip
    for arguments, said in [
        (["--model", "mhformer", "--out", out], "x.pth: the checkpoint"),
        (["--model", "ridge", "--out", out], "nothing was published for ridge; checkpoints are of mhformer, mixste"),
        (["--model", "mixste", "--out", tmp_path / "x.pth"], "expected a name that ends in .safetensors"),
        (["--out", out], "--model is missing"),
        (["--model", "mixste", "--out", out, "--config", tmp_path / "x.pth"], "cannot be read as JSON"),
    ]:
        found = called(tmp_path / "x.pth", *arguments)
        assert found.exit_code == 2
        assert said in " ".join(found.stderr.split())
