/* SPDX-License-Identifier: PostgreSQL */
/*
 * Questions to one to six values at once: how many elements are in exactly these of them, is one contained in another, do they
 * overlap. All answers of a census rest on one view of the sources, so that they agree with each other.
 */
#pragma once

#include "sources.hpp"

namespace hllset
{

class Census
{
public:
	static constexpr int kMaxRegions = 1 << Sources::kMaxValues;

	/* The sources have been read, and stay where they are. */
	explicit Census(const Sources &sources) : sources_(sources) {}

	/* sizes[X]: the numbers of elements, as measure() has them, without their errors. */
	void count(double *sizes);

	/* regions[X], X = 1 .. 2^count - 1: the elements that are in exactly the values of the mask X. */
	void measure(HllsetEstimate *regions);

	/* No element of the first value is seen to be outside the second. Exact for small sets; of a sample by likelihood. */
	bool is_contained();

	/* The first two values are seen to share elements. Exact for small sets, otherwise by likelihood. */
	bool overlap();

private:
	void measure_tokens(HllsetEstimate *regions) const;
	HllsetEstimate measure_exactly(const double *tokens, uint32_t region) const;
	void measure_jointly(HllsetEstimate *regions);
	Regions regions_of_exactly(uint32_t values) const;
	double size_of(const JointFit &fit, Regions regions) const;
	void settle_exact_sources(JointFit &fit) const;
	HllsetEstimate smallest_around(Regions regions) const;
	bool has_no_end(Regions regions) const;
	bool is_possible(uint32_t pattern, Regions allowed) const;
	bool are_possible(Regions allowed) const;
	bool has_token(uint32_t mask, uint32_t values) const;
	bool is_seen(Regions regions);

	const Sources &sources_;
};

} // namespace hllset
