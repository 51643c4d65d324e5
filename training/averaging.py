"""Means of weights: over the steps of a run (EMA), or over its last checkpoints.

An average of weights along a run lies flatter than its last point and often answers better on
unseen data (Izmailov et al., UAI 2018; the exponential form: Tarvainen & Valpola, NeurIPS 2017).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from transformers import TrainerCallback
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR


def moving_average(network: nn.Module, decay: float) -> AveragedModel:
    """A copy that follows `network`: after each step, decay · copy + (1 − decay) · network."""
    follow = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    average = AveragedModel(network, multi_avg_fn=follow)
    average.requires_grad_(False)
    return average


class Follow(TrainerCallback):
    """Moves the average after each step of the optimiser."""

    def __init__(self, average: AveragedModel, network: nn.Module) -> None:
        self._average, self._network = average, network

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """As the Trainer calls it."""
        self._average.update_parameters(self._network)


def last_checkpoints(folder: Path, count: int) -> list[Path]:
    """The weights of the last `count` checkpoints in `folder`, oldest first; fewer if there are."""
    steps = sorted(
        folder.glob(f"{PREFIX_CHECKPOINT_DIR}-*"), key=lambda one: int(one.name.rpartition("-")[2])
    )
    return [one / "model.safetensors" for one in steps[-count:]]


def mean_weights(files: Sequence[Path]) -> dict[str, Tensor]:
    """Plain mean of the tensors in safetensors files of one layout, each in its own dtype.

    Whole numbers, such as counts, are taken from the last file.
    """
    mean: dict[str, Tensor] = load_file(files[-1])
    floating = [name for name, value in mean.items() if value.is_floating_point()]
    total = {name: mean[name].double() for name in floating}
    for file in files[:-1]:
        other = load_file(file)
        for name in floating:
            total[name] += other[name].double()
    return mean | {name: (total[name] / len(files)).to(mean[name].dtype) for name in floating}
