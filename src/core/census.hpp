/* SPDX-License-Identifier: PostgreSQL */
/*
 * Questions to one to three values at once: how many elements are in exactly these of them, is one contained in another, do they
 * overlap. All answers of a census rest on one view of the sources, so that they agree with each other.
 */
#pragma once

#include "aligned.hpp"
#include "expression.hpp"
#include "joint.hpp"

namespace hllset
{

class Census
{
public:
	static constexpr int kMaxValues = 3;
	static constexpr int kMaxRegions = 1 << kMaxValues;

	/* The values' parts; then the workspace that read() needs can be told. */
	HllsetStatus open(const HllsetBytes *values, int count);
	size_t work_size() const;
	HllsetStatus read(void *work);

	/* The number of elements of the only value, as measure() has it, without its error. */
	double count();

	/* regions[X], X = 1 .. 2^count - 1: the elements that are in exactly the values of the mask X. */
	void measure(HllsetEstimate *regions);

	/* No element of the first value is seen to be outside the second. Exact for small sets; of a sample by likelihood. */
	bool is_contained();

	/* The first two values are seen to share elements. Exact for small sets, otherwise by likelihood. */
	bool overlap();

private:
	enum class Mode
	{
		exact,   /* all sources are small: their tokens are their elements */
		joint,   /* maximum likelihood over all cells */
		sampled, /* too many sources, or a sample: the tokens above the largest L0 */
	};

	HllsetStatus add_source(HllsetBytes source, uint8_t &index);
	void count_patterns(uint64_t *scratch);
	void count_values();
	void measure_tokens(HllsetEstimate *regions) const;
	HllsetEstimate measure_exactly(const double *tokens, uint32_t region) const;
	void measure_jointly(HllsetEstimate *regions);
	double size_of(const JointFit &fit, Regions regions) const;
	void settle_exact_sources(JointFit &fit) const;
	HllsetEstimate smallest_around(Regions regions) const;
	bool has_no_end(Regions regions) const;
	uint32_t values_of(uint32_t pattern) const;
	Regions regions_of(uint32_t mask, uint32_t values) const;
	bool is_possible(uint32_t pattern, Regions allowed) const;
	bool are_possible(Regions allowed) const;
	bool has_token(uint32_t mask, uint32_t values) const;
	bool is_seen(Regions regions);

	int value_count_ = 0;
	Expression values_[kMaxValues];
	uint8_t index_[kMaxValues][kMaxSources]; /* of a value's source among all sources */
	int source_count_ = 0;
	HllsetBytes sources_[kMaxAligned];
	HllsetEstimate estimates_[kMaxAligned]; /* of each source alone */
	int precision_ = kMaxPrecision;
	int finest_ = kMinPrecision;
	int level0_ = 0;
	Mode mode_ = Mode::exact;
	Aligned lists_;
	JointCounts counts_;
	uint32_t *patterns_ = nullptr;
	double *covariance_ = nullptr;
	void *joint_ = nullptr;
};

} // namespace hllset
