/* SPDX-License-Identifier: PostgreSQL */
/*
 * A call of the door in two steps. First the operands are read into a plan, which then knows how much memory the work needs; then it is run. What a plan
 * holds is of the type that the room needs which makes it.
 */
#pragma once

#include <new>
#include <type_traits>

#include "hllset_core.h"

namespace hllset
{

/* Puts a new T into the plan; the caller's HllsetPlan is not initialised before. */
template <typename T>
T &
start_plan(HllsetPlan &plan)
{
	static_assert(sizeof(T) <= sizeof(plan.content) && alignof(T) <= alignof(uint64_t));
	static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
	plan.work_size = 0;
	plan.run = nullptr;
	return *new (plan.content) T;
}

/* The T that was put there. */
template <typename T>
T &
content_of(HllsetPlan &plan)
{
	return *std::launder(reinterpret_cast<T *>(plan.content));
}

} // namespace hllset
