"""What people decided corrects what was learned without them.

Expectation maximisation believes that findings are independent of one another, and some are not: who has moved
has often married, too. Decided pairs tell by how much that misleads: each level's share of matches is moved to
where it makes the decisions likely, and held back by the belief that it was nearly right (a logistic regression
upon the weights as they were learned, with a normal prior; Hosmer and Lemeshow 1989). It asks how likely a match
is, given what was found. That is right also where people were asked about doubtful pairs only, while to count
levels among decided pairs would take doubtful ones for usual ones.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching.columns import Columns
from crossdock.identity.matching.model import KindModel
from crossdock.identity.matching.pairs import Pairs
from crossdock.identity.matching.weighing import Scale

Numbers = NDArray[np.float64]
LEVELS_OFF_BY, ALL_OFF_BY = 1.0, 1.0
"""By how many natural units of log odds a level's weight, and all weights together, are believed to be off."""
BESIDE = 0.02
"""The share of decisions that rest on something beside the records, or are slips."""
ROUNDS_MAX = 100
STEP_MAX, ODDS_MAX = 1.0, 50.0
TOLERANCE = 1e-6


def corrected(model: KindModel, columns: Columns, pairs: Pairs, same: NDArray[np.bool_]) -> KindModel:
    """The model with the shares of matches moved to what was decided of `pairs`; the rest stays as it is."""
    if not same.size:
        return model
    scale = Scale(model)
    judgement = scale.judge(columns, pairs[0], columns, pairs[1])
    sizes = [len(one.match) for one in model.comparisons]
    starts = np.cumsum([1, *sizes])[:-1]
    found = np.zeros((same.size, 1 + sum(sizes)))
    found[:, 0] = 1.0
    known = judgement.levels >= 0
    rows, places = np.nonzero(known)
    found[rows, starts[places] + judgement.levels[known]] = 1.0
    moved = _fitted(found, scale.weigh(judgement)[0] * np.log(2), same)
    factors = np.exp(moved)
    return msgspec.structs.replace(
        model,
        prior_match=min(0.5, model.prior_match * float(factors[0])),
        comparisons=tuple(
            msgspec.structs.replace(
                one, match=tuple((np.array(one.match) * factors[start : start + size]).tolist())
            )
            for one, start, size in zip(model.comparisons, starts, sizes, strict=True)
        ),
    )


def _fitted(found: Numbers, odds: Numbers, same: NDArray[np.bool_]) -> Numbers:
    """By how much each column of `found` moves the log `odds`, by Newton's method on the penalised likelihood.

    A decision against all that was found rests on something else, or is a slip: the likelier that is, the less it
    counts.
    """
    doubt = np.full(found.shape[1], 1 / LEVELS_OFF_BY**2)
    doubt[0] = 1 / ALL_OFF_BY**2
    moved = np.zeros(found.shape[1])
    for _ in range(ROUNDS_MAX):
        likely = 1 / (1 + np.exp(-np.clip(odds + found @ moved, -ODDS_MAX, ODDS_MAX)))
        told = (1 - BESIDE) * np.where(same, likely, 1 - likely)
        counted = told / (told + BESIDE / 2)
        slope = found.T @ (counted * (same - likely)) - doubt * moved
        bend = (found * (counted * likely * (1 - likely))[:, None]).T @ found + np.diag(doubt)
        step: Numbers = np.linalg.solve(bend, slope).astype(np.float64)
        step = step * (STEP_MAX / max(float(np.abs(step).max()), STEP_MAX))
        moved += step
        if np.abs(step).max() < TOLERANCE:
            break
    return moved
