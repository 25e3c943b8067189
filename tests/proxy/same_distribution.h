// Whether two samples are of one distribution.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace sallyport::guard {

/// What two samples of times are worth: the p of the two-sample test of Kolmogorov and Smirnov, by its asymptotic form.
inline double same_distribution(std::vector<double> one, std::vector<double> other) {
  std::ranges::sort(one);
  std::ranges::sort(other);
  const auto n = static_cast<double>(one.size()), m = static_cast<double>(other.size());
  double distance = 0;
  for (std::size_t i = 0, j = 0; i < one.size() && j < other.size();) {
    const double at = std::min(one[i], other[j]);
    while (i < one.size() && one[i] <= at) ++i;
    while (j < other.size() && other[j] <= at) ++j;
    distance = std::max(distance, std::abs(static_cast<double>(i) / n - static_cast<double>(j) / m));
  }
  const double lambda = (std::sqrt(n * m / (n + m)) + 0.12 + 0.11 / std::sqrt(n * m / (n + m))) * distance;
  double p = 0;
  for (int k = 1; k <= 100; ++k) p += 2 * (k % 2 == 1 ? 1 : -1) * std::exp(-2 * k * k * lambda * lambda);
  return std::clamp(p, 0.0, 1.0);
}

}  // namespace sallyport::guard
