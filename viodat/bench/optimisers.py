"""Optimisers, averages of weights, and how the learning rate goes: what recipes name, as PyTorch has it."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from viodat.bench.recipe import Optimiser, Schedule


def optimiser_of(network: nn.Module, asked: Optimiser) -> torch.optim.Optimizer:
    """Give the optimiser that a recipe names."""
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[asked.kind]
    made: torch.optim.Optimizer = kind(
        network.parameters(),
        lr=asked.lr,
        betas=asked.betas,
        eps=asked.eps,
        weight_decay=asked.weight_decay,
        amsgrad=asked.amsgrad,
    )
    return made


def averaged(network: nn.Module, decay: float) -> AveragedModel | None:
    """Give the exponential moving average of a network's weights and buffers; None for a decay of 0."""
    if not decay:
        return None
    average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return AveragedModel(network, multi_avg_fn=average, use_buffers=True)


def learning_rate(schedule: Schedule, base: float, epoch: int, epochs: int) -> float:
    """Give the learning rate of an epoch, counted from 0."""
    match schedule.kind:
        case "exponential":
            rate = base
            for k in range(1, epoch + 1):
                rate *= schedule.at_every if schedule.every and k % schedule.every == 0 else schedule.factor
            return rate
        case "steps":
            passed = [factor for at, factor in zip(schedule.epochs, schedule.factors, strict=True) if epoch >= at]
            return base * math.prod(passed)
        case "cosine":
            return base * (1 + math.cos(math.pi * epoch / epochs)) / 2
    return base
