/* SPDX-License-Identifier: PostgreSQL */
/* By rows, so that the inner loops run over neighbours. */
#include "cholesky.hpp"

#include <algorithm>
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

/* From the last row up: UW = 1 gives each row of W from those below it. */
void
cholesky_invert(double *factor, int size)
{
	for (int k = size - 1; k >= 0; k--)
	{
		double *row = factor + k * size;
		double inverse = 1 / row[k];
		double coefficient[kMaxRows];

		std::copy(row + k + 1, row + size, coefficient + k + 1);
		std::fill(row + k + 1, row + size, 0.0);
		for (int i = k + 1; i < size; i++)
			subtract(row, factor + i * size, coefficient[i] * inverse, i, size);
		row[k] = inverse;
	}
}

double
cholesky_inverse_at(const double *inverse_factor, int size, int a, int b)
{
	const double *first = inverse_factor + a * size;
	const double *second = inverse_factor + b * size;
	double sum[4] = {};
	int i = a > b ? a : b;

	for (; i + 4 <= size; i += 4)
		for (int j = 0; j < 4; j++)
			sum[j] += first[i + j] * second[i + j];
	for (; i < size; i++)
		sum[0] += first[i] * second[i];
	return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

} // namespace hllset
