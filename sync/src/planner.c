/* SPDX-License-Identifier: PostgreSQL */
/* The settings of the planner for what runs inside: a caller may have changed all of them, to make it slow. */
#include "hllset_sync.h"

#include "utils/guc_tables.h"
#include "utils/memutils.h"

/* Not the server's default: what is looked up by keys costs the planner so much that it would be compiled. */
#define WITHOUT_JIT "jit"

typedef struct Pin
{
	const struct config_generic *setting;
	double number;
	const char *text;
} Pin;

static Pin *pins = NULL;
static int npins = 0;

static bool
is_planners(const struct config_generic *setting)
{
	switch (setting->group)
	{
		case QUERY_TUNING_METHOD:
		case QUERY_TUNING_COST:
		case QUERY_TUNING_GEQO:
		case QUERY_TUNING_OTHER:
			return setting->context == PGC_USERSET && setting->vartype != PGC_STRING;
		default:
			return false;
	}
}

/* The value, or that which the server has if nobody says otherwise. */
static double
value_of(const struct config_generic *setting, bool of_server)
{
	switch (setting->vartype)
	{
		case PGC_BOOL:
		{
			const struct config_bool *s = (const struct config_bool *) setting;

			return of_server ? s->boot_val : *s->variable;
		}
		case PGC_INT:
		{
			const struct config_int *s = (const struct config_int *) setting;

			return of_server ? s->boot_val : *s->variable;
		}
		case PGC_REAL:
		{
			const struct config_real *s = (const struct config_real *) setting;

			return of_server ? s->boot_val : *s->variable;
		}
		case PGC_ENUM:
		{
			const struct config_enum *s = (const struct config_enum *) setting;

			return of_server ? s->boot_val : *s->variable;
		}
		case PGC_STRING:
			break;
	}
	elog(ERROR, "setting \"%s\" has no number", setting->name);
}

static const char *
text_of(const struct config_generic *setting, double number)
{
	switch (setting->vartype)
	{
		case PGC_BOOL:
			return number != 0 ? "on" : "off";
		case PGC_ENUM:
			return config_enum_lookup_by_value(
				unconstify(struct config_enum *, (const struct config_enum *) setting),
				(int) number);
		case PGC_INT:
			return psprintf("%d", (int) number);
		default:
			return psprintf("%.17g", number);
	}
}

static void
find_settings(void)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	int count;
	struct config_generic **all = sync_settings(&count);
	Pin *found = palloc(count * sizeof(Pin));
	int nfound = 0;

	for (int i = 0; i < count; i++)
		if (is_planners(all[i]))
		{
			double number = strcmp(all[i]->name, WITHOUT_JIT) == 0 ? 0 : value_of(all[i], true);

			found[nfound++] = (Pin){all[i], number, text_of(all[i], number)};
		}
	pins = found;
	npins = nfound;
	MemoryContextSwitchTo(caller);
}

/* Most are what they should be, so that this costs next to nothing. */
void
sync_pin_planner(void)
{
	if (pins == NULL)
		find_settings();
	for (int i = 0; i < npins; i++)
		if (value_of(pins[i].setting, false) != pins[i].number)
			(void) set_config_option(pins[i].setting->name, pins[i].text, PGC_USERSET,
									 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}
