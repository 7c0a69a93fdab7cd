"""Parts that the models share: what dropout drops, and what bfloat16 does not touch."""

import pytest
import torch
from torch.nn import functional
from viodat.baselines.parts import attention
from viodat.baselines.parts.attention import attend
from viodat.baselines.parts.dropout import Dropout, dropped

from viodat.bench.joint_sets import VIODAT18
from viodat.bench.recipe import load_recipe
from viodat.bench.registry import build_network, find_model, list_models

NETWORKS = [name for name in list_models() if find_model(name).build is not None]


@pytest.mark.parametrize("p", [0.05, 0.1, 0.25, 0.5, 0.9])
def test_as_much_is_dropped_as_is_asked_for_and_the_mean_stays(p):
    torch.manual_seed(0)
    x = torch.ones(1_000_003, dtype=torch.float64, requires_grad=True)
    answer = dropped(x, p)
    gone = answer == 0
    # Five standard deviations of a binomial share.
    assert gone.double().mean().item() == pytest.approx(p, abs=5 * (p * (1 - p) / len(x)) ** 0.5)
    assert answer[~gone].detach().unique().item() == pytest.approx(1 / (1 - p), rel=1e-4)
    answer.sum().backward()
    assert torch.equal(x.grad, answer.detach())


def test_neighbours_are_dropped_independently():
    """Four values share a word: of its parts none may tell of another."""
    torch.manual_seed(0)
    gone = (dropped(torch.ones(4_000_000), 0.5) == 0).view(-1, 4).double()
    assert (torch.corrcoef(gone.T) - torch.eye(4)).abs().max() < 5e-3


def test_the_same_seed_drops_the_same():
    layer = Dropout(0.3)
    first, again, other = (layer(torch.ones(3, 5, 7)) for seed in (1, 1, 2) if torch.manual_seed(seed))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_in_evaluation_and_at_the_ends_it_is_pytorchs():
    x = torch.randn(4, 4, dtype=torch.float64)
    assert Dropout(0.5).eval()(x) is x
    assert torch.equal(Dropout(0.0)(x), x)
    assert torch.equal(Dropout(1.0)(x), torch.zeros_like(x))


@pytest.mark.parametrize("name", NETWORKS)
def test_keypoints_are_not_rounded_to_bfloat16(name):
    """A network that rounded them would give the same answer to places that are half a pixel from each other."""
    (*_, stage) = load_recipe(find_model(name).recipes, "quick").stage
    torch.manual_seed(0)
    network = build_network(find_model(name), VIODAT18, stage.model).eval()
    # Both are representable in bfloat16, whose next numbers are 2 px and 1/256 away.
    place, half_a_pixel = (300.0, 0.5) if network.normalisation == "root_px" else (0.75, 0.5 * 2 / 1920)
    assert torch.tensor(place + half_a_pixel).bfloat16() == place
    batch = {
        "pose2d": torch.full((1, network.frames, len(VIODAT18), 2), place),
        "image_size": torch.tensor([[1920.0, 1080.0]]),
    }
    if network.audio:
        batch["audio"] = torch.randn(1, *network.audio_shape)
    moved = {**batch, "pose2d": batch["pose2d"] + half_a_pixel}
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert not torch.equal(network(batch)["pose3d"], network(moved)["pose3d"])


def attended(dropout: float, *groups: int) -> tuple[torch.Tensor, ...]:
    """Attend to random tokens; give the answer and the gradients of queries, keys and values."""
    torch.manual_seed(0)
    tokens = [torch.randn(5, 9, *groups, 12, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    answer = attend(*tokens, 3, dropout=dropout)
    (answer * torch.linspace(-1, 1, answer.numel()).view(answer.shape)).sum().backward()
    return answer, *(one.grad for one in tokens)


@pytest.mark.parametrize("groups", [(), (2,)])
def test_attention_with_dropout_learns_the_same_whether_its_weights_are_kept_or_drawn_again(monkeypatch, groups):
    # The generator is asked window by window, in both cases.
    monkeypatch.setattr(attention, "_KEPT", 1)
    drawn_again = attended(0.25, *groups)
    monkeypatch.setattr(attention, "checkpoint", lambda function, *given, use_reentrant: function(*given))
    kept = attended(0.25, *groups)
    for one, other in zip(drawn_again, kept, strict=True):
        assert torch.equal(one, other)


def test_attention_with_dropout_is_attention_on_average():
    torch.manual_seed(0)
    query, key, value = torch.rand(3, 1, 30, 8)
    many = torch.stack([attend(query, key, value, 2, dropout=0.5) for _ in range(4000)])
    by_head = (x.view(1, 30, 2, 4).transpose(1, 2) for x in (query, key, value))
    expected = functional.scaled_dot_product_attention(*by_head)
    spread = many.std(dim=0) / len(many) ** 0.5
    assert ((many.mean(dim=0) - expected.transpose(1, 2).reshape(1, 30, 8)) / spread).abs().max() < 5.0


def test_a_training_step_keeps_no_more_attention_weights_than_it_may(monkeypatch):
    monkeypatch.setattr(attention, "_KEPT", 2 * 3 * 9 * 9)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.numel()) or x, lambda x: x):
        tokens = [torch.randn(5, 9, 12, requires_grad=True) for _ in range(3)]
        attend(*tokens, 3, dropout=0.25)
    assert max(kept) <= 5 * 9 * 12
