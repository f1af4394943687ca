"""Levels to weights and probabilities, compiled by numba as in `kernels`."""

from typing import Any

import numpy as np

from crossdock.identity.matching.kernels import compiled


@compiled
def weighed(levels: Any, ratios: Any, logs: Any, namesakes: Any, priors: Any) -> Any:
    """log2 of the shares of matches, households and strangers under which the levels were found: (3, pairs).

    `logs` is (4, comparisons, levels + 1): the fourth class are alike strangers, the last level is for nothing to
    compare. `namesakes` says per comparison which share of households' pairs agree as matches do, the others by
    chance, as alike strangers; negative where all may.
    """
    found = np.empty((3, levels.shape[0]))
    none = logs.shape[2] - 1
    for pair in range(levels.shape[0]):
        match, household, random, alike = priors
        for place in range(levels.shape[1]):
            level = levels[pair, place] if levels[pair, place] >= 0 else none
            ratio = ratios[pair, place]
            match += logs[0, place, level]
            random += logs[2, place, level] + ratio
            stranger = logs[3, place, level] + ratio
            alike += stranger
            if ratio != 0.0 and namesakes[place] == 0.0:
                household += stranger
            elif ratio != 0.0 and namesakes[place] > 0.0:
                named = namesakes[place] * 2.0 ** logs[0, place, level]
                household += np.log2((1.0 - namesakes[place]) * 2.0**stranger + named)
            else:
                household += logs[1, place, level]
        high = max(random, alike)
        found[0, pair], found[1, pair] = match, household
        found[2, pair] = high + np.log2(2.0 ** (random - high) + 2.0 ** (alike - high))
    return found


@compiled
def posteriors(patterns: Any, logs: Any, priors: Any) -> Any:
    """The probability of each class but for the last, and last the log of the pattern's own: (classes, patterns).

    `logs` is (classes, comparisons, levels + 1), natural, its last level for nothing to compare.
    """
    found = np.empty((priors.size, patterns.shape[0]))
    none, sums = logs.shape[2] - 1, np.empty(priors.size)
    for row in range(patterns.shape[0]):
        sums[:] = priors
        for place in range(patterns.shape[1]):
            level = patterns[row, place] if patterns[row, place] >= 0 else none
            for one in range(priors.size):
                sums[one] += logs[one, place, level]
        highest = sums.max()
        sums[:] = np.exp(sums - highest)
        whole = sums.sum()
        found[:, row] = sums / whole
        found[-1, row] = highest + np.log(whole)
    return found


@compiled
def summed(patterns: Any, weights: Any, levels: int) -> Any:
    """The weight of each level of each comparison: (kinds of weights, comparisons, levels)."""
    found = np.zeros((weights.shape[0], patterns.shape[1], levels))
    for row in range(patterns.shape[0]):
        for place in range(patterns.shape[1]):
            level = patterns[row, place]
            if level >= 0:
                for kind in range(weights.shape[0]):
                    found[kind, place, level] += weights[kind, row]
    return found


@compiled
def packed(levels: Any, sizes: Any) -> Any:
    """Each row of levels as one number; a level of -1 comes behind all others of its comparison."""
    found = np.zeros(levels.shape[0], np.int64)
    for row in range(levels.shape[0]):
        for place in range(levels.shape[1]):
            level = levels[row, place] if levels[row, place] >= 0 else sizes[place] - 1
            found[row] = found[row] * sizes[place] + level
    return found
