/* SPDX-License-Identifier: PostgreSQL */
/* Where the search for the most likely sizes starts: inclusion and exclusion over unions of sources, each estimated as one set. */
#pragma once

#include "joint_model.hpp"

namespace hllset
{

/* Sets the size of every region, > 0 unless one of its sources is empty, and the total. */
void joint_start(const JointModel &model, double *size, double &total);

} // namespace hllset
