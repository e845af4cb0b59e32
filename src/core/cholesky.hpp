/* SPDX-License-Identifier: PostgreSQL */
/* Cholesky factors of small symmetric matrices, stored by rows, of which only the part with column >= row is used. */
#pragma once

namespace hllset
{

/* Replaces A by U with A = U'U. False, and A is spoilt, if A is not safely positive definite; its diagonal should be near 1. */
bool cholesky_factor(double *matrix, int size);

/* Replaces x by the solution of U'U x = b. */
void cholesky_solve(const double *factor, int size, double *x);

} // namespace hllset
