/* SPDX-License-Identifier: PostgreSQL */
/* Parsing with every check of docs/format.md, reduction to the canonical form, and writing. */
#include "expression.hpp"

namespace hllset
{

namespace
{

/* Bytes of a table of so many sources. */
constexpr size_t
table_bytes(int sources)
{
	return std::max<size_t>((size_t{1} << sources) / 8, 1);
}

int
compare(HllsetBytes a, HllsetBytes b)
{
	int order = memcmp(a.data, b.data, std::min(a.size, b.size));

	if (order != 0)
		return order;
	return a.size < b.size ? -1 : a.size > b.size;
}

void
drop(Expression &expression, int j, int same = -1)
{
	expression.table.drop(j, same);
	for (int i = j; i < expression.count(); i++)
		expression.sources[i] = expression.sources[i + 1];
}

/* Drops sources that the table does not depend on, and all but one of equal ones. */
void
drop_needless(Expression &expression)
{
	for (int j = expression.count() - 1; j >= 0; j--)
	{
		int same = j - 1;

		while (same >= 0 && compare(expression.sources[same], expression.sources[j]) != 0)
			same--;
		if (same >= 0)
			drop(expression, j, same);
	}
	for (int j = expression.count() - 1; j >= 0; j--)
		if (!expression.table.depends_on(j))
			drop(expression, j);
}

/* A bump allocator for the sources that a reduction makes. */
class Arena
{
public:
	explicit Arena(void *memory) : next_(static_cast<uint8_t *>(memory)) {}

	HllsetBytes
	keep(HllsetBytes bytes)
	{
		HllsetBytes kept = {next_, bytes.size};

		memcpy(next_, bytes.data, bytes.size);
		next_ += bytes.size;
		return kept;
	}

private:
	uint8_t *next_;
};

/* One step of the fixed point: every group of sources that enter only through their union becomes that union. */
HllsetStatus
unite_groups(Expression &expression, void *work, Arena &arena, bool &changed)
{
	changed = false;
	for (int i = 0; i < expression.count(); i++)
	{
		View view;
		bool alone = true;
		bool compact = false;
		HllsetStatus status = HLLSET_OK;

		/* the flag of the union must be known before its state is made */
		for (int j = i; j < expression.count() && status == HLLSET_OK; j++)
		{
			if (j != i && !expression.table.sees_union_of(i, j))
				continue;
			alone = alone && j == i;
			status = parse(expression.sources[j], view);
			compact = compact || view.counts.compact;
		}
		if (status != HLLSET_OK)
			return status;
		if (alone)
			continue;

		Graded united(work, expression.precision, compact, expression.precision);

		for (int j = expression.count() - 1; j >= i && status == HLLSET_OK; j--)
		{
			if (j != i && !expression.table.sees_union_of(i, j))
				continue;
			status = parse(expression.sources[j], view);
			if (status == HLLSET_OK)
				status = united.merge(view);
			if (j != i)
				drop(expression, j);
		}
		if (status != HLLSET_OK)
			return status;
		expression.sources[i] = arena.keep(united.encode());
		changed = true;
	}
	return HLLSET_OK;
}

/* By insertion: there are at most 12. */
void
sort_sources(Expression &expression)
{
	int order[TruthTable::kMaxSources];

	for (int i = 0; i < expression.count(); i++)
	{
		HllsetBytes source = expression.sources[i];
		int at = i;

		for (; at > 0 && compare(source, expression.sources[at - 1]) < 0; at--)
		{
			expression.sources[at] = expression.sources[at - 1];
			order[at] = order[at - 1];
		}
		expression.sources[at] = source;
		order[at] = i;
	}
	expression.table.reorder(order);
}

/* Folds what is finer than the expression, and takes empty sources out. */
HllsetStatus
fold_sources(Expression &expression, int finest, void *work, Arena &arena)
{
	for (int j = expression.count() - 1; j >= 0; j--)
	{
		View view;
		HllsetStatus status = parse(expression.sources[j], view);

		if (status != HLLSET_OK)
			return status;
		if (view.counts.is_empty())
		{
			drop(expression, j);
			continue;
		}
		if (view.counts.precision == expression.precision)
			continue;

		Graded folded(work, expression.precision, view.counts.compact, finest);

		status = folded.merge(view);
		if (status != HLLSET_OK)
			return status;
		expression.sources[j] = arena.keep(folded.encode());
	}
	return HLLSET_OK;
}

/* What parse_expression left unchecked of one source. */
HllsetStatus
check_source(const Expression &expression, int i, bool &small, bool &compact)
{
	View view;
	HllsetStatus status = check_single(expression.sources[i], view);

	if (status == HLLSET_NOT_A_SET || (status == HLLSET_OK && view.kind != Kind::set))
		return HLLSET_BAD_EXPRESSION;
	if (status != HLLSET_OK)
		return status;
	small = small && view.counts.level0 == 0;
	compact = compact || view.counts.compact;
	if (view.counts.precision != expression.precision || view.counts.is_empty())
		return HLLSET_BAD_EXPRESSION;
	if (i > 0 && compare(expression.sources[i - 1], expression.sources[i]) >= 0)
		return HLLSET_BAD_EXPRESSION;
	if (!expression.table.depends_on(i))
		return HLLSET_BAD_EXPRESSION;
	for (int j = 0; j < i; j++)
		if (expression.table.sees_union_of(i, j))
			return HLLSET_BAD_EXPRESSION;
	return HLLSET_OK;
}

} // namespace

HllsetStatus
parse_expression(HllsetBytes value, Expression &expression)
{
	Header header;
	HllsetStatus status = read_header(value, header);

	if (status != HLLSET_OK)
		return status;
	expression.precision = header.precision;
	expression.compact = header.compact;
	if (header.kind != Kind::expression)
	{
		expression.table = TruthTable(1);
		expression.table.put(1, true);
		expression.sources[0] = value;
		return HLLSET_OK;
	}

	size_t at = kHeaderSize + 1;

	if (value.size < at)
		return HLLSET_TRUNCATED;
	if (value.data[kHeaderSize] < 2 || value.data[kHeaderSize] > kMaxSources)
		return HLLSET_BAD_COUNT;
	expression.table = TruthTable(value.data[kHeaderSize]);
	if (value.size - at < table_bytes(expression.count()))
		return HLLSET_TRUNCATED;
	for (uint32_t x = 0; x < 8 * table_bytes(expression.count()); x++)
	{
		bool bit = (value.data[at + x / 8] >> (x % 8) & 1) != 0;

		if (bit && (x == 0 || x >= expression.table.size()))
			return HLLSET_BAD_EXPRESSION;
		expression.table.put(x, bit);
	}
	at += table_bytes(expression.count());
	for (int i = 0; i < expression.count(); i++)
	{
		uint32_t size;

		if (value.size - at < sizeof(size))
			return HLLSET_TRUNCATED;
		memcpy(&size, value.data + at, sizeof(size));
		at += sizeof(size);
		if (value.size - at < size)
			return HLLSET_TRUNCATED;
		expression.sources[i] = {value.data + at, size};
		at += size;
	}
	return at == value.size ? HLLSET_OK : HLLSET_TRAILING;
}

HllsetStatus
check_expression(HllsetBytes value)
{
	Expression expression;
	HllsetStatus status = parse_expression(value, expression);
	bool small = true;
	bool compact = false;

	for (int i = 0; i < expression.count() && status == HLLSET_OK; i++)
		status = check_source(expression, i, small, compact);
	if (status == HLLSET_OK && (small || compact != expression.compact))
		return HLLSET_BAD_EXPRESSION;
	return status;
}

size_t
reduce_work(int sources, int precision, int finest)
{
	/* each source is folded at most once, and a union takes the place of at least two */
	return Graded::work_size(precision, finest) +
		   2 * static_cast<size_t>(sources) *
			   encoded_bound(precision, kLevels, list_limit(precision));
}

HllsetStatus
reduce(Expression &expression, int finest, void *work)
{
	Arena arena(static_cast<uint8_t *>(work) + Graded::work_size(expression.precision, finest));
	HllsetStatus status = fold_sources(expression, finest, work, arena);
	bool changed = true;

	while (status == HLLSET_OK && changed)
	{
		drop_needless(expression);
		status = unite_groups(expression, work, arena, changed);
	}
	if (status == HLLSET_OK)
		sort_sources(expression);
	return status;
}

size_t
written_size(const Expression &expression)
{
	size_t size = kHeaderSize + 1 + table_bytes(expression.count());

	for (int i = 0; i < expression.count(); i++)
		size += sizeof(uint32_t) + expression.sources[i].size;
	return size;
}

size_t
write_expression(const Expression &expression, uint8_t *out)
{
	uint64_t table = expression.table.word();
	uint8_t *at = out + kHeaderSize;

	write_header({Kind::expression, expression.compact, expression.precision}, out);
	*at++ = static_cast<uint8_t>(expression.count());
	memcpy(at, &table, table_bytes(expression.count()));
	at += table_bytes(expression.count());
	for (int i = 0; i < expression.count(); i++)
	{
		uint32_t size = static_cast<uint32_t>(expression.sources[i].size);

		memcpy(at, &size, sizeof(size));
		at += sizeof(size);
		memcpy(at, expression.sources[i].data, size);
		at += size;
	}
	return static_cast<size_t>(at - out);
}

} // namespace hllset
