"""How far apart two samples are, by Kolmogorov and Smirnov."""

import math


def gap(one, other):
    """The most by which the shares of the two below any value differ: 0 where they are alike, 1 where one look tells them apart."""
    ordered = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    counts, most = [0, 0], 0.0
    for value, which in ordered:
        counts[which] += 1
        most = max(most, abs(counts[0] / len(one) - counts[1] / len(other)))
    return most


def likelihood(one, other):
    """How likely two samples of one distribution are as far apart as these."""
    root = math.sqrt(len(one) * len(other) / (len(one) + len(other)))
    z = (root + 0.12 + 0.11 / root) * gap(one, other)
    return min(1.0, max(0.0, 2 * sum((-1) ** (k - 1) * math.exp(-2 * k * k * z * z) for k in range(1, 101)))) if z > 0.2 else 1.0
