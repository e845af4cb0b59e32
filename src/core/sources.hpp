/* SPDX-License-Identifier: PostgreSQL */
/* The distinct sources of one to six values, read once: what they show of which elements are in which of them. */
#pragma once

#include "aligned.hpp"
#include "expression.hpp"
#include "joint.hpp"

namespace hllset
{

class Sources
{
public:
	static constexpr int kMaxValues = HLLSET_MAX_VALUES;

	/* How elements are counted. */
	enum class Mode
	{
		exact,   /* all sources are small: their tokens are their elements */
		joint,   /* maximum likelihood over all cells */
		sampled, /* too many sources, or a sample: the tokens above the largest L0 */
	};

	/* The values' parts; then the workspace that read() needs can be told. */
	HllsetStatus open(const HllsetBytes *values, int count);
	size_t work_size() const;

	/* After it all that follows is known. */
	HllsetStatus read(void *work);

	Mode
	mode() const
	{
		return mode_;
	}

	int
	value_count() const
	{
		return value_count_;
	}

	/* Of distinct sources. */
	int
	count() const
	{
		return source_count_;
	}

	int
	level0() const
	{
		return level0_;
	}

	/* The estimate of source i alone, if they are counted jointly. */
	const HllsetEstimate &
	alone(int i) const
	{
		return alone_[i];
	}

	const Aligned &
	lists() const
	{
		return lists_;
	}

	/* Unless they are counted exactly: of the sources, or, of a sample, of the first two values, which then are what is modelled. */
	const JointCounts &
	counts() const
	{
		return counts_;
	}

	/* Room for the covariance of the regions, and for the model. */
	double *
	covariance() const
	{
		return covariance_;
	}

	void *
	model_work() const
	{
		return joint_;
	}

	/* The values that hold what is in exactly the sources of the pattern. */
	uint32_t
	values_of(uint32_t pattern) const
	{
		uint32_t values = 0;

		for (int v = 0; v < value_count_; v++)
		{
			const Value &value = values_[v];
			uint32_t own = 0;

			for (int i = 0; i < value.sources; i++)
				own |= (pattern >> value.index[i] & 1) << i;
			values |= static_cast<uint32_t>(value.table >> own & 1) << v;
		}
		return values;
	}

	/* The regions of sources that are in exactly `values`, of those in the mask. */
	Regions regions_of(uint32_t mask, uint32_t values) const;

private:
	/* A truth table over some of the sources. The empty set has none, and so coarsens none and takes no place among six. */
	struct Value
	{
		uint64_t table;
		int sources;
		uint8_t index[kMaxSources]; /* among all sources */
	};

	HllsetStatus add_value(HllsetBytes bytes, Value &value);
	HllsetStatus add_source(HllsetBytes source, uint8_t &index);
	HllsetStatus read_sources();
	void count_patterns(uint64_t *scratch);
	void count_values();

	int value_count_ = 0;
	Value values_[kMaxValues];
	int source_count_ = 0;
	HllsetBytes sources_[kMaxAligned];
	View views_[kMaxAligned];
	HllsetEstimate alone_[kMaxSources];
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
