/* SPDX-License-Identifier: PostgreSQL */
/* Cholesky factors of small symmetric matrices, stored by rows, of which only the part with column >= row is used. */
#pragma once

namespace hllset
{

/* The largest size. */
inline constexpr int kMaxRows = 64;

/* Replaces A by U with A = U'U. False, and A is spoilt, if A is not safely positive definite; its diagonal should be near 1. */
bool cholesky_factor(double *matrix, int size);

/* Replaces x by the solution of U'U x = b. */
void cholesky_solve(const double *factor, int size, double *x);

/* Replaces U by its inverse W, so that the inverse of A is WW'. */
void cholesky_invert(double *factor, int size);

/* The product of rows a and b of such a W: element (a, b) of the inverse of A. */
double cholesky_inverse_at(const double *inverse_factor, int size, int a, int b);

} // namespace hllset
