/* SPDX-License-Identifier: PostgreSQL */
/* Runs a fuzz target without libFuzzer, on every file below the paths that are its arguments. */
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
replay(const std::filesystem::path &path)
{
	std::ifstream file(path, std::ios::binary);
	/* a vector of its own, so that a sanitizer sees the first byte too many */
	std::vector<char> data{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};

	data.shrink_to_fit();
	LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t *>(data.data()), data.size());
}

int
main(int argc, char **argv)
{
	int count = 0;

	for (int i = 1; i < argc; i++)
		for (const auto &entry : std::filesystem::recursive_directory_iterator(argv[i]))
			if (entry.is_regular_file())
			{
				replay(entry.path());
				count++;
			}
	printf("%d inputs\n", count);
	/* an empty corpus would pass without a test */
	return count > 0 ? 0 : 1;
}
