"""Checkpoints that were published for the models, read without running anything in them, and kept as safetensors.

PyTorch's files are pickles. Here they are unpickled by a reader that knows tensors and plain containers and makes an
empty stand-in of anything else, so that an optimiser or a random state beside the weights does no harm and no call in
the file is made. Keras's files are HDF5.
"""

from __future__ import annotations

import io
import json
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from torch import Tensor

from viodat.bench.network import LiftingModel
from viodat.bench.registry import find_model, list_models
from viodat.errors import ConfigError
from viodat.files import atomic_path

Arrays = Mapping[str, NDArray[Any]]

FORMAT: Final = 1
_KEY: Final = "viodat"
_HDF5: Final = (".h5", ".hdf5", ".keras")
_LIKELY: Final = ("model_pos", "state_dict", "model_state_dict", "model", "net")
_ADMITTED: Final = frozenset(
    {
        ("collections", "OrderedDict"),
        ("torch._utils", "_rebuild_tensor"),
        ("torch._utils", "_rebuild_tensor_v2"),
        ("torch._utils", "_rebuild_parameter"),
        ("torch", "Size"),
        ("torch", "device"),
        *(("torch", f"{kind}Storage") for kind in (
            "Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool",
        )),
    }
)  # fmt: skip


class _Unknown:
    """Stands for whatever a file names that is neither a tensor nor a plain container; holds nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, value: Any) -> None:
        """Take it and forget it."""

    def extend(self, values: Any) -> None:
        """Take them and forget them."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ADMITTED:
            return super().find_class(module, name)
        return _Unknown


def _load(file: Any, **options: Any) -> Any:
    return _Unpickler(file, **options).load()


def _loads(data: bytes, **options: Any) -> Any:
    return _load(io.BytesIO(data), **options)


_RESTRICTED: Final = SimpleNamespace(
    __name__="viodat.bench.published",
    Unpickler=_Unpickler,
    load=_load,
    loads=_loads,
    UnpicklingError=pickle.UnpicklingError,
)


def read_published(path: Path) -> dict[str, NDArray[Any]]:
    """Read the parameters of a published checkpoint.

    Parameters
    ----------
    path
        ``.pth``, ``.pt``, ``.bin``, ``.tar`` of PyTorch, ``.h5`` of Keras, or ``.safetensors``.

    Returns
    -------
    dict
        Official name -> array.

    Raises
    ------
    ConfigError
        It cannot be read, or has no parameters.
    """
    if not path.is_file():
        raise ConfigError("there is no such file", where=str(path), mend="Give the published checkpoint.")
    try:
        if path.suffix in _HDF5:
            found = _read_hdf5(path)
        elif path.suffix == ".safetensors":
            with safe_open(str(path), framework="np") as file:
                found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        else:
            # What is unpickled is chosen above; PyTorch's own choice refuses a file for what stands beside its weights.
            content = torch.load(path, map_location="cpu", weights_only=False, pickle_module=_RESTRICTED)
            found = {name: _array(value) for name, value in _state_in(content, str(path)).items()}
    except ConfigError:
        raise
    except ImportError as error:
        raise ConfigError(
            f"needs h5py ({error})", where=str(path), mend='Install it: pip install "viodat[keras]".'
        ) from error
    except Exception as error:
        # A damaged file can break a reader in any way.
        raise ConfigError(
            f"cannot be read as a checkpoint ({type(error).__name__}: {error})",
            where=str(path),
            mend="Check that it was downloaded whole.",
        ) from error
    if not found:
        raise ConfigError("has no parameters", where=str(path), mend="Give the file with the model's weights.")
    return found


def import_checkpoint(path: Path, model: str, out: Path, config: Mapping[str, Any] | None = None) -> LiftingModel:
    """Turn a published checkpoint into a safetensors file that :func:`load_model` reads; give the network.

    Parameters
    ----------
    path
        The published file.
    model
        Whose it is.
    out
        What to write.
    config
        Arguments of the official constructor that its shapes do not tell.

    Raises
    ------
    ConfigError
        It cannot be read, or is of another model, with the first parameter that does not fit.
    """
    state = read_published(path)
    network = _made(model, state, dict(config or {}), str(path))
    told = json.dumps({"format": FORMAT, "model": model, "config": dict(config or {})}, sort_keys=True)
    with atomic_path(out) as temporary:
        save_file({name: np.ascontiguousarray(value) for name, value in state.items()}, temporary, {_KEY: told})
    return network


def read_arguments(path: Path) -> dict[str, Any]:
    """Read arguments of an official constructor from a .json file.

    Raises
    ------
    ConfigError
        It is none.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot be read as JSON ({error})", where=str(path)) from error
    if not isinstance(found, dict):
        raise ConfigError(f"holds a {type(found).__name__}; names and values were expected", where=str(path))
    return found


def load_model(path: Path) -> LiftingModel:
    """Give the network of a file that :func:`import_checkpoint` wrote.

    Raises
    ------
    ConfigError
        It is no such file.
    """
    try:
        with safe_open(str(path), framework="np") as file:
            told = json.loads((file.metadata() or {})[_KEY])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        model, config = str(told["model"]), dict(told["config"])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"is no imported checkpoint ({error})",
            where=str(path),
            mend="Make one: viodat import checkpoint FILE --model NAME --out OUT.safetensors.",
        ) from error
    return _made(model, state, config, str(path))


def _made(model: str, state: Arrays, config: dict[str, Any], where: str) -> LiftingModel:
    spec = find_model(model)
    if spec.from_official is None:
        able = [name for name in list_models() if find_model(name).from_official is not None]
        raise ConfigError(f"nothing was published for {model}; checkpoints are of {', '.join(able)}")
    try:
        return spec.from_official(state, **config)
    except ConfigError as error:
        raise ConfigError(error.problem, where=where, mend=error.mend) from error
    except TypeError as error:
        raise ConfigError(f"{model} refuses its arguments: {error}", where=where) from error


def _state_in(content: Any, where: str) -> Mapping[str, Any]:
    """Find the weights in what a training script saved."""
    if not isinstance(content, dict):
        raise ConfigError(f"holds a {type(content).__name__}; names and tensors were expected", where=where)
    candidates = {"": content, **{str(name): value for name, value in content.items() if isinstance(value, dict)}}
    states = {name: value for name, value in candidates.items() if _is_state(value)}
    for name in ("", *_LIKELY):
        if name in states:
            return states[name]
    if len(states) == 1:
        return next(iter(states.values()))
    there = ", ".join(map(str, content)) or "nothing"
    raise ConfigError(f"has no weights that can be told; it has {there}", where=where)


def _is_state(value: Any) -> bool:
    return bool(value) and all(isinstance(name, str) and isinstance(one, Tensor) for name, one in value.items())


def _array(value: Tensor) -> NDArray[Any]:
    found = value.detach()
    return np.asarray((found.float() if found.dtype == torch.bfloat16 else found).numpy())


def _read_hdf5(path: Path) -> dict[str, NDArray[Any]]:
    import h5py

    found: dict[str, NDArray[Any]] = OrderedDict()

    def taken(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and "optimizer" not in name:
            found[name] = np.asarray(item)

    with h5py.File(path, "r") as file:
        # Keras keeps the order of layers beside them; HDF5 lists names by the alphabet.
        weights = file.get("model_weights", file)
        for layer in _in_order(weights):
            group = weights[layer]
            for name in _in_order(group, "weight_names"):
                taken(name, group[name])
        if not found:
            file.visititems(taken)
    return found


def _in_order(group: Any, attribute: str = "layer_names") -> list[str]:
    names = group.attrs.get(attribute, ())
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]
