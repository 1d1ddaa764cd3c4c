"""Loss against compute: what every member's loss was on batches it had not yet been trained on."""

from dataclasses import dataclass

import numpy as np

from autointerp.core.types import FloatArray
from autointerp.subject.recipe import Member

FLOPS_A_PARAMETER = 6


@dataclass(frozen=True, slots=True)
class Measures:
    """What each step showed before its weights moved; filled step by step, kept with the checkpoint.

    ``error``: sum of |x - x'|^2, shape [n_members, n_steps]. ``n_active``: features active, summed over
    tokens, same shape. ``variance``: sum of |x - mean|^2, the mean being the first shard's, shape [n_steps].
    """

    error: FloatArray
    n_active: FloatArray
    variance: FloatArray

    @classmethod
    def empty(cls, n_members: int, n_steps: int) -> "Measures":
        return cls(np.zeros((n_members, n_steps)), np.zeros((n_members, n_steps)), np.zeros(n_steps))

    @property
    def arrays(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        return self.error, self.n_active, self.variance


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One member after ``step`` steps.

    ``tokens`` trained on so far. ``loss``: sum |x - x'|^2 / sum |x - mean|^2 (1 - variance explained) over
    the ``n_measured`` tokens since the point before, each measured before its own step: in the first
    epoch on tokens not yet trained on. ``l0``: features active on a token over the same.
    """

    member: Member
    epoch: int
    step: int
    tokens: int
    n_measured: int
    n_parameters: int
    loss: float
    l0: float

    @property
    def flops(self) -> float:
        return training_flops(n_parameters=self.n_parameters, tokens=self.tokens)


def training_flops(*, n_parameters: int, tokens: int) -> float:
    """Return floating-point operations of training: 6 a parameter and token, 2 forward and 4 backward.

    Kaplan et al. 2020 (arXiv 2001.08361), section 2.1, there for a transformer's matrices, here for the
    dictionary's parameters alone: the subject that made the activations, the auxiliary and the nested
    losses and the optimiser are not counted, and sparse activations save nothing.

    >>> training_flops(n_parameters=1000, tokens=10)
    60000.0
    """
    return float(FLOPS_A_PARAMETER * n_parameters * tokens)


def marked_steps(*, steps_an_epoch: int, epochs: int) -> list[int]:
    """Return the steps after which there is a point: sqrt(2) apart, and the end of every epoch.

    No interval lies in two epochs, so that tokens seen before never mix with new ones.

    >>> marked_steps(steps_an_epoch=12, epochs=2)
    [1, 2, 3, 4, 6, 8, 11, 12, 16, 23, 24]
    """
    n_steps = steps_an_epoch * epochs
    apart = {round(2 ** (i / 2)) for i in range(2 * max(n_steps, 1).bit_length())}
    ends = {steps_an_epoch * epoch for epoch in range(1, epochs + 1)}
    return sorted(step for step in apart | ends if 1 <= step <= n_steps)


def curve(
    member: Member, measures: Measures, number: int, *, batch: int, epochs: int, n_parameters: int
) -> list[CurvePoint]:
    """Return the points of the member in row *number* of the measures."""
    steps_an_epoch = len(measures.variance) // epochs
    marks = marked_steps(steps_an_epoch=steps_an_epoch, epochs=epochs)
    starts = [0, *marks[:-1]]
    error, active, variance = (
        np.add.reduceat(row, starts) for row in (measures.error[number], measures.n_active[number], measures.variance)
    )
    return [
        CurvePoint(
            member=member,
            epoch=(step - 1) // steps_an_epoch + 1,
            step=step,
            tokens=step * batch,
            n_measured=(step - start) * batch,
            n_parameters=n_parameters,
            loss=float(error[i] / variance[i]),
            l0=float(active[i] / ((step - start) * batch)),
        )
        for i, (start, step) in enumerate(zip(starts, marks, strict=True))
    ]
