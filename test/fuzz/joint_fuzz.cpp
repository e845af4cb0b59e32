/* SPDX-License-Identifier: PostgreSQL */
/*
 * Number of sources, precision, L0, then counts of patterns of any size within their cells, whether or not sets have them. The fit ends,
 * and every size, error and likelihood ratio is a finite number in its order.
 */
#include "../unit/patterns.hpp"
#include "fuzz.hpp"

using namespace hllset;
using namespace hllset::test;

static constexpr int kMostIterations = 40;

/* A fit takes its time for each level that is not empty: of four sources and more, some from any one on. */
static constexpr int kMostLevels[] = {0, kLevels, kLevels, kLevels, 8, 4, 2};

static void
read_counts(Input &input, Patterns &patterns)
{
	int most = kMostLevels[patterns.sources()];
	int first = most < kLevels ? static_cast<int>(input.number(1)) % (kLevels - most + 1) : 0;

	for (int k = first; k < first + most; k++)
	{
		uint32_t left = patterns.counts().cells[k];
		uint64_t shape = input.number(1);

		/* a few cells of a pattern, any number of them, all but a few, all that are left */
		for (uint64_t runs = shape % 8; runs > 0 && left > 0; runs--)
		{
			int pattern = static_cast<int>(input.number(1)) % patterns.patterns();
			uint32_t few = std::min(static_cast<uint32_t>(input.number(1)), left);
			uint32_t part = shape / 8 % 4 == 0   ? few
							: shape / 8 % 4 == 1 ? static_cast<uint32_t>(uint64_t{left} * few / 255)
							: shape / 8 % 4 == 2 ? left - few
												 : left;

			part = std::min(part, left);
			patterns.at(k, pattern) += part;
			left -= part;
		}
	}
}

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Input input(data, size);
	uint64_t how = input.number(1);
	/* four and more take long */
	int sources = static_cast<int>(how % 16 == 15 ? 4 + how / 16 % 3 : 1 + how % 3);
	int precision = kMinPrecision + static_cast<int>(input.number(1) % 15);
	Patterns patterns(sources, precision, static_cast<int>(input.number(1) % 33));

	read_counts(input, patterns);

	Joint joint(patterns);
	Regions all = ~Regions{0};
	Regions some = input.number(8);

	FUZZ_CHECK(joint.fit().iterations <= kMostIterations);
	FUZZ_CHECK(joint.fit().work <= kMostJointWork + 4);
	FUZZ_CHECK(std::isfinite(joint.fit().total) && joint.fit().total >= 0);
	for (int region = 1; region < patterns.patterns(); region++)
		FUZZ_CHECK(std::isfinite(joint.fit().size[region]) && joint.fit().size[region] >= 0);
	FUZZ_CHECK(joint.size(some) >= 0 && joint.size(some) <= joint.size(all));
	FUZZ_CHECK(joint.size(all) <= joint.fit().total);
	FUZZ_CHECK(std::isfinite(joint.log_likelihood()));
	for (double covariance : joint.covariance())
		FUZZ_CHECK(std::isfinite(covariance));
	FUZZ_CHECK(std::isfinite(joint.variance(some)) && joint.variance(some) >= 0.25);

	JointSlopes slopes = joint.variance_slopes(some);

	FUZZ_CHECK(std::isfinite(slopes.below) && std::isfinite(slopes.above) && slopes.above >= 0);
	FUZZ_CHECK(std::isfinite(joint.ratio(some)) && joint.ratio(some) >= 0);
	return 0;
}
