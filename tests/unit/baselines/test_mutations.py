"""The published numbers see a fault of each model: ``python -m tests.mutate_models`` says by how much."""

from __future__ import annotations

import sys

import pytest
import torch
from viodat.baselines import mixste

import viodat
from tests.mutate_models import (
    MUTATIONS,
    PAGE,
    SUBJECTS,
    Difference,
    Mutation,
    changed,
    differences,
    fault,
    row,
)

NOTHING = Mutation("StridedFormer, refinement", "stridedformer/model.py", "nothing", "nn.ReLU(),", "nn.ReLU(),  # ReLU")


@pytest.fixture(autouse=True)
def one_thread():
    """Networks are so small that a second thread costs more than it does."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("model", SUBJECTS)
def test_models_as_they_are_have_the_published_numbers(model):
    with changed():
        assert [one for one in differences(SUBJECTS[model]) if one.seen] == []


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: f"{one.model}: {one.words}")
def test_a_model_with_one_thing_changed_has_not(mutation):
    assert fault(mutation).seen


def test_the_page_has_every_change_that_is_tried():
    written = PAGE.read_text(encoding="utf-8").split("<!-- mutations -->")[1].split("<!-- end mutations -->")[0]
    shown = [tuple(line.split(" | ")[:3]) for line in written.splitlines() if line.endswith("| caught |")]
    tried = [tuple(row(one, Difference("", 0.0, 0.0)).split(" | ")[:3]) for one in MUTATIONS]
    assert sorted(shown) == sorted(tried), "Run: python -m tests.mutate_models --write, and read what changed."
    assert "SURVIVED" not in written
    assert "FAILS" not in written


def test_a_change_that_changes_nothing_is_not_seen():
    assert not fault(NOTHING).seen
    assert row(NOTHING, fault(NOTHING)).endswith("| SURVIVED |")


def test_what_is_no_number_is_seen():
    assert Difference("output", float("nan"), 1e-9).seen
    assert not Difference("output", 1e-9, 1e-9).seen


@pytest.mark.parametrize(
    ("old", "count", "told"), [("nn.ReLU(),", 2, "1 times; 2 was expected"), ("nn.SELU", 1, "0 t")]
)
def test_text_that_is_not_there_so_often_is_refused(old, count, told):
    with pytest.raises(LookupError, match=told):
        fault(Mutation(NOTHING.model, NOTHING.file, "", old, "", count))


def test_models_of_before_are_there_again_after_a_change():
    change = next(one for one in MUTATIONS if one.file == "mixste/model.py")
    before = dict(sys.modules)
    with changed(change):
        from viodat.baselines import mixste as other

        assert other.MixSte is not mixste.MixSte
    from viodat.baselines import mixste as again

    assert again is mixste
    assert viodat.baselines.mixste is mixste
    ours = {name: module for name, module in sys.modules.items() if name.startswith("viodat.")}
    assert all(before.get(name, module) is module for name, module in ours.items())
