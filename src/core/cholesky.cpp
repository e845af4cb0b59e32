/* SPDX-License-Identifier: PostgreSQL */
/* By rows, so that the inner loops run over neighbours. */
#include "cholesky.hpp"

#include <cmath>

namespace hllset
{

namespace
{

constexpr double kLeastPivot = 1e-13;

/* to -= factor * from, for the numbers first .. size - 1 */
void
subtract(double *__restrict to, const double *__restrict from, double factor, int first, int size)
{
	for (int i = first; i < size; i++)
		to[i] -= factor * from[i];
}

} // namespace

bool
cholesky_factor(double *matrix, int size)
{
	for (int k = 0; k < size; k++)
	{
		double *row = matrix + k * size;

		if (!(row[k] > kLeastPivot))
			return false;

		double root = std::sqrt(row[k]);

		for (int i = k; i < size; i++)
			row[i] /= root;
		for (int i = k + 1; i < size; i++)
			subtract(matrix + i * size, row, row[i], i, size);
	}
	return true;
}

void
cholesky_solve(const double *factor, int size, double *x)
{
	for (int k = 0; k < size; k++)
	{
		x[k] /= factor[k * size + k];
		subtract(x, factor + k * size, x[k], k + 1, size);
	}
	for (int k = size - 1; k >= 0; k--)
	{
		for (int i = k + 1; i < size; i++)
			x[k] -= factor[k * size + i] * x[i];
		x[k] /= factor[k * size + k];
	}
}

} // namespace hllset
