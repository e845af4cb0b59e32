/* SPDX-License-Identifier: PostgreSQL */
/* What clang reads once for all unit tests. Each test still includes what it needs: gcc compiles them without this. */
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>
