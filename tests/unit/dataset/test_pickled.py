"""The reader of foreign pickles: what numpy writes comes back, and nothing is ever run."""

from __future__ import annotations

import builtins
import io
import os
import pickle
import random
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.unit.dataset.hostile import Calls, Plain, in_array
from viodat.dataset.importers.foreign_text import shown
from viodat.dataset.importers.pickled import read_pickle
from viodat.errors import CaptureError

FILE = Path("foreign.npz")
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def read(content: bytes, limit_bytes: int = 1 << 24):
    return read_pickle(io.BytesIO(content), where=FILE, name="poses", limit_bytes=limit_bytes)


def same(a, b) -> bool:
    if isinstance(b, np.ndarray):
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
        if b.dtype.hasobject:
            return all(same(x, y) for x, y in zip(a.ravel(), b.ravel(), strict=True))
        return a.tobytes() == b.tobytes()
    if isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in b)
    if isinstance(b, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or a != a)


_NUMBERS = st.sampled_from(["<f8", ">f8", "<f4", "<f2", "<i8", ">i4", "|u1", "|b1", "<c16", "<U5", "|S4"])
_ARRAYS = _NUMBERS.flatmap(
    lambda kind: hnp.arrays(np.dtype(kind), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)
_LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.binary(max_size=9) | _ARRAYS
)
_DATA = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(value=_DATA, protocol=st.sampled_from(PROTOCOLS))
def test_plain_data_come_back_as_they_were(value, protocol):
    assert same(read(pickle.dumps(value, protocol)), value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arrays_that_share_a_type_other_than_the_machines(protocol):
    """The memo must hold the finished type: else the second array would be read with its bytes turned round."""
    value = [np.arange(3, dtype=">f8"), np.arange(3, dtype=">f8") + 1, np.asfortranarray(np.eye(3)[:2])]
    assert same(read(pickle.dumps(value, protocol)), value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_object_arrays_and_numpy_scalars(protocol):
    frames = np.empty(2, object)
    frames[0], frames[1] = np.eye(2), [1, 2]
    value = read(pickle.dumps({"frames": frames, "fps": np.float64(29.97), "name": np.str_("P05")}, protocol))
    assert value["fps"] == 29.97
    assert type(value["fps"]) is float
    assert value["name"] == "P05"
    np.testing.assert_array_equal(value["frames"][0], np.eye(2))
    assert value["frames"][1] == [1, 2]


def test_what_old_numpy_on_old_python_wrote():
    """Protocol 2 of Python 2: arrays as byte strings (BINSTRING), module numpy.core."""
    content = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x00cnumpy\nndarray\nq\x01K\x00\x85U\x01b\x87R"
        b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02i1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89U\x02\x05\xfetb."
    )
    assert read(content).tolist() == [5, -2]


def _inst(module: str, name: str) -> bytes:
    return f"(S'echo'\ni{module}\n{name}\n.".encode()


_EMPTY_ARRAY = b"cnumpy._core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
_F8 = b"cnumpy\ndtype\n(S'f8'\nI00\nI01\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb"

_NUMBER = _F8 + b"I00\nS'12345678'\ntb"
_IN_ITSELF = b"g1\n(I1\n(I1\ntcnumpy\ndtype\n(S'O8'\nI00\nI01\ntR(I3\nS'|'\nNNNI-1\nI-1\nI63\ntbI00\n(lg1\natb0."
_LETTERS = pickle.dumps(np.array(["ab"])).replace(b"a\0\0\0", b"\xff\xff\xff\xff")
_HIDDEN = np.array([np.array([Plain(), 1], object), 1], object)

# What it is, the pickle, and what the refusal says.
HOSTILE = {
    "os.system": (pickle.dumps(Calls(os.system, "touch ran")), rf"would load {os.system.__module__}\.system"),
    "os.system, protocol 0": (b"cos\nsystem\n(S'touch ran'\ntR.", r"would load os\.system"),
    "builtins.eval": (pickle.dumps(Calls(eval, "open('ran', 'w')")), r"would load builtins\.eval"),
    "__builtin__.eval of Python 2": (b"c__builtin__\neval\n(S'1'\ntR.", r"would load __builtin__\.eval"),
    "builtins.exec": (pickle.dumps(Calls(exec, "open('ran', 'w')")), r"would load builtins\.exec"),
    "subprocess.Popen": (pickle.dumps(Calls(subprocess.Popen, "touch ran", state={})), r"would load subprocess\.Popen"),
    "getattr": (pickle.dumps(Calls(getattr, Calls(builtins.__import__, "os"), "system")), r"load builtins\.getattr"),
    "a dotted name in numpy": (b"\x80\x04\x8c\x05numpy\x8c\x10ndarray.__init__\x93.", r"load numpy\.ndarray\.__init"),
    "bytes of a length": (b"cbuiltins\nbytes\n(L99999999999L\ntR.", r"calls builtins\.bytes in a way"),
    "numpy's own loader": (b"cnumpy\nload\n(S'x'\ntR.", r"would load numpy\.load"),
    "numpy.f2py": (b"cnumpy.testing._private.utils\nrunstring\n(S'1'\n}tR.", r"would load numpy\.testing.*runstring"),
    "a class, hidden in an object array": (in_array({"P05C01T01": [Plain()]}), r"load tests\.unit.*hostile\.Plain"),
    "a class, protocol 0": (in_array(Plain(), 0), r"would load copy_?reg\._reconstructor"),
    "an object array in an object array": (in_array(_HIDDEN), r"load tests\.unit.*hostile\.Plain"),
    "a set": (pickle.dumps({1, 2}), "pickle opcode EMPTY_SET"),
    "a call of text": (b"S'os.system'\n(S'ls'\ntR.", "calls a str"),
    "a call of a list": (b"](tR.", "calls a list"),
    "the name of numpy's array, alone": (b"(lp0\ncnumpy\nndarray\na.", r"holds numpy\.ndarray"),
    "numpy's array, called": (b"cnumpy\nndarray\n((I9\nttR.", r"calls numpy\.ndarray in a way that numpy does not"),
    "codecs other than Latin-1": (b"c_codecs\nencode\n(S'a'\nS'hex'\ntR.", r"calls _codecs\.encode in a way"),
    "codecs.decode": (b"c_codecs\ndecode\n(S'a'\nS'zlib'\ntR.", r"would load _codecs\.decode"),
    "INST": (_inst("os", "system"), r"makes an object of a class \(INST\)"),
    "OBJ": (b"(cnumpy\nndarray\nI1\no.", r"makes an object of a class \(OBJ\)"),
    "NEWOBJ": (b"\x80\x02cnumpy\nndarray\n(I1\nt\x81.", r"makes an object of a class \(NEWOBJ\)"),
    "an extension": (b"\x80\x02\x82\x01.", r"registry of extensions \(EXT1\)"),
    "a persistent id": (b"P/etc/passwd\n.", "persistent id"),
    "a persistent id, binary": (b"\x80\x02U\x01aQ.", "persistent id"),
    "an out-of-band buffer": (b"\x80\x05\x97.", "pickle opcode NEXT_BUFFER"),
    "an opcode that there is not": (b"\x80\x04\xff.", "damaged pickle.*unknown"),
    "the state of a dict": (b"}(S'__class__'\nS'x'\ndb.", "sets the state of a dict"),
    "the state of a name": (b"cnumpy\nndarray\n}b.", r"sets the state of numpy\.ndarray"),
    "items of a name": (b"cnumpy\nndarray\nS'a'\nI1\ns.", r"sets items of numpy\.ndarray"),
    "appending to text": (b"S'a'\nI1\na.", "appends to a str"),
    "a key that is a name": (b"}cnumpy\nndarray\nI1\ns.", r"has numpy\.ndarray as the key of a dict"),
    "a built name": (b"\x80\x04](\x8c\x02os\x8c\x06systeme\x8c\x01a\x93.", "builds the name of what is to be loaded"),
    "a huge shape": (_EMPTY_ARRAY + b"(I1\n(L99999999999L\nL99999999999L\nt" + _NUMBER + b".",
                     r"declares an array of shape \(99999999999, 99999999999\) and type float64"),
    "a huge shape of nothing": (_EMPTY_ARRAY + b"(I1\n(I0\nL" + b"9" * 40 + b"L\nt" + _NUMBER + b".", "declares"),
    "a negative shape": (_EMPTY_ARRAY + b"(I1\n(I-1\nI-1\nt" + _NUMBER + b".", "declares an array"),
    "100 axes": (_EMPTY_ARRAY + b"(I1\n(" + b"I1\n" * 100 + b"t" + _NUMBER + b".", "declares an array"),
    "a type that is huge": (b"cnumpy\ndtype\n(S'V99999999999'\nI00\nI01\ntR.", "an array of type V99999999999"),
    "a type of records": (pickle.dumps(np.zeros(2, [("a", "f8")])), "has an array of"),
    "dates": (pickle.dumps(np.zeros(2, "M8[s]")), "has an array of type M8"),
    "letters that there are not": (_LETTERS, "damaged pickle"),
    "an unfinished array": (_EMPTY_ARRAY + b".", "holds an unfinished array"),
    "an array that is in itself": (b"(lp0\n" + _EMPTY_ARRAY + b"p1\na" + _IN_ITSELF, "unfinished"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_not_plain_data_is_refused_by_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content, says = HOSTILE[name]
    with pytest.raises(CaptureError, match=says) as caught:
        read(content)
    line = str(caught.value)
    assert line.startswith("foreign.npz: poses ")
    assert "\n" not in line
    assert list(tmp_path.iterdir()) == []


def test_the_same_pickles_would_run_under_pickle(tmp_path, monkeypatch):
    """They are no dummies."""
    monkeypatch.chdir(tmp_path)
    for name in ("os.system", "builtins.eval", "builtins.exec"):
        pickle.loads(HOSTILE[name][0])
        assert (tmp_path / "ran").exists(), name
        (tmp_path / "ran").unlink()


def test_objects_that_take_more_than_their_bytes_are_counted():
    """A million empty dicts are 1 MB of pickle and 64 MB of memory."""
    with pytest.raises(CaptureError, match=r"takes more than .* GiB of memory\. .*--limit-gib"):
        read(b"(" + b"}" * 1_000_000 + b"l.", limit_bytes=1 << 24)
    assert len(read(b"(" + b"}" * 1000 + b"l.")) == 1000


def test_lists_that_share_lists_end():
    """2 to the power of 60 leaves on paper, 60 lists in memory."""
    deep = b"]" + b"".join(b"q%c0](h%ch%ce" % (i, i, i) for i in range(60)) + b"."
    value = read(deep)
    for _ in range(60):
        assert len(value) == 2
        value = value[0]


def test_a_name_cannot_write_on_the_terminal():
    name = "sys\x1b[2J\ntem\u202e".encode()
    with pytest.raises(CaptureError) as caught:
        read(b"\x80\x04\x8c\x02os\x8c" + bytes([len(name)]) + name + b"\x93.")
    assert str(caught.value).isprintable()
    assert "\u202e" not in str(caught.value)
    assert shown("a\x1b[31m\nb" + "c" * 200).isprintable()


def test_damaged_pickles_are_refused_or_read():
    """Every change of one byte, and every truncation, ends in data or in one line."""
    good = in_array({"P05C01T01": np.arange(4.0), "fps": np.float64(30), "list": [np.eye(2), "text", (1, None)]})
    chance = random.Random(5)
    outcomes = set()
    for _ in range(3000):
        content = bytearray(good)
        for _ in range(chance.choice((1, 1, 3))):
            content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            read(bytes(content[: chance.randrange(len(content))] if chance.random() < 0.2 else content))
            outcomes.add("read")
        except CaptureError as error:
            assert "\n" not in str(error)
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}
