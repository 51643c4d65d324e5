"""Rounds a product's weights so that what comes out of the product changes least.

The nearest integer is best for each weight alone, not for their sum: GPTQ (Frantar et al., ICLR
2023) rounds the rows one after another and lets those still to come make up for the error of those
done, weighed by how the product's inputs go together.
"""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
DAMPING = 0.01
"""Share of the mean of the diagonal that is added to it, so that it can be inverted; GPTQ's."""
BLOCK = 128
"""Rows whose errors reach the rows after them together; only the speed depends on it."""


def nearest(weight: FloatArray, scale: FloatArray) -> npt.NDArray[np.int8]:
    """Each weight (d_in, d_out) as the integer next to it in steps of its column's scale (d_out,).

    Scales are so chosen that the largest weight of a column fits.
    """
    integers: npt.NDArray[np.int8] = np.rint(weight / scale).astype(np.int8)
    return integers


def by_inputs(
    weight: FloatArray, scale: FloatArray, moments: FloatArray, top: int
) -> npt.NDArray[np.int8]:
    """As `nearest`, up to ±`top`, for inputs with second moments `moments` (d_in, d_in)."""
    hessian = moments.astype(np.float64)
    hessian += DAMPING * max(float(np.mean(np.diag(hessian))), 1e-12) * np.eye(len(hessian))
    order = np.argsort(-np.diag(hessian))  # what matters most first, while all others can make up
    upper = np.linalg.cholesky(np.linalg.inv(hessian[np.ix_(order, order)])).T.astype(np.float32)
    left = weight[order]
    integers = np.empty(weight.shape, np.int8)
    for start in range(0, len(left), BLOCK):
        stop = min(start + BLOCK, len(left))
        errors = np.empty((stop - start, weight.shape[1]), np.float32)
        for row in range(start, stop):
            rounded = np.clip(np.rint(left[row] / scale), -top, top)
            integers[order[row]] = rounded
            error = errors[row - start] = (left[row] - rounded * scale) / upper[row, row]
            left[row + 1 : stop] -= np.outer(upper[row, row + 1 : stop], error)
        left[stop:] -= upper[start:stop, stop:].T @ errors
    return integers
