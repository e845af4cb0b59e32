/* SPDX-License-Identifier: PostgreSQL */
/*
 * The precision that an aggregate is given as its second argument: one value for each group. A column there is most often meant as
 * a second column to count, so it is refused where the plan can be seen; everywhere the values are compared.
 */
#include "hllset_pg.h"

#include "access/htup_details.h"
#include "catalog/pg_aggregate.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/syscache.h"

/* False where another aggregate calls our function, as those of Citus do. */
static bool
is_function_of(Oid aggregate, Oid function)
{
	HeapTuple tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggregate));
	Form_pg_aggregate form;
	bool found;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_aggregate) GETSTRUCT(tuple);
	found = form->aggtransfn == function || form->aggcombinefn == function;
	ReleaseSysCache(tuple);
	return found;
}

/* The call of the aggregate in the plan; NULL if that can't be seen. */
static Aggref *
call_in_plan(FunctionCallInfo fcinfo)
{
	Aggref *call = AggGetAggref(fcinfo);

	return call != NULL && is_function_of(call->aggfnoid, fcinfo->flinfo->fn_oid) ? call : NULL;
}

/* The nodes of the plan whose rows a Var of a node may refer to; none if it is a column of a table. */
static List *
inputs_of(const Var *var, Plan *plan)
{
	if (IsA(plan, SubqueryScan) && var->varno == (int) ((SubqueryScan *) plan)->scan.scanrelid)
		return list_make1(((SubqueryScan *) plan)->subplan);
	if (var->varno == INNER_VAR && innerPlan(plan) != NULL)
		return list_make1(innerPlan(plan));
	if (var->varno != OUTER_VAR)
		return NIL;
	if (IsA(plan, Append))
		return ((Append *) plan)->appendplans;
	if (IsA(plan, MergeAppend))
		return ((MergeAppend *) plan)->mergeplans;
	return outerPlan(plan) != NULL ? list_make1(outerPlan(plan)) : NIL;
}

/*
 * Whether an expression of a node of the plan depends on a column. A parameter or a constant by which rows are grouped or sorted
 * reaches the node as a Var, so what stands behind a Var is looked at.
 */
static bool
has_column(Node *node, void *plan)
{
	List *inputs;
	ListCell *cell;

	if (node == NULL)
		return false;
	if (!IsA(node, Var))
		return expression_tree_walker(node, has_column, plan);
	inputs = inputs_of((Var *) node, plan);
	foreach (cell, inputs)
	{
		Plan *input = lfirst(cell);
		TargetEntry *entry = get_tle_by_resno(input->targetlist, ((Var *) node)->varattno);

		if (entry == NULL || has_column((Node *) entry->expr, input))
			return true;
	}
	return inputs == NIL;
}

/* Of the calls over windows we don't know which one this is. */
static void
refuse_columns_in_windows(WindowAggState *windows, Oid function)
{
	ListCell *cell;

	foreach (cell, windows->funcs)
	{
		WindowFunc *call = lfirst_node(WindowFuncExprState, cell)->wfunc;

		if (list_length(call->args) == 2 && is_function_of(call->winfnoid, function) &&
			has_column(lsecond(call->args), windows->ss.ps.plan))
			hllset_refuse_column_precision();
	}
}

/* Refuses a column in the plan. True if the value can't change from one row of a group to the next. */
static bool
look_at_plan(FunctionCallInfo fcinfo)
{
	Aggref *call = call_in_plan(fcinfo);
	Expr *precision;

	if (call == NULL)
	{
		if (fcinfo->context != NULL && IsA(fcinfo->context, WindowAggState))
			refuse_columns_in_windows((WindowAggState *) fcinfo->context, fcinfo->flinfo->fn_oid);
		return false;
	}
	precision = lsecond_node(TargetEntry, call->args)->expr;
	if (has_column((Node *) precision, ((AggState *) fcinfo->context)->ss.ps.plan))
		hllset_refuse_column_precision();
	return !contain_volatile_functions((Node *) precision) &&
		   !contain_var_clause((Node *) precision);
}

int
hllset_precision_argument(FunctionCallInfo fcinfo, const HllsetState *state)
{
	HllsetSite *site = hllset_site(fcinfo->flinfo);
	int precision;

	if (site->precision == 0)
		site->precision_is_fixed = look_at_plan(fcinfo);
	if (PG_ARGISNULL(2))
		hllset_refuse_null_precision();
	precision = PG_GETARG_INT32(2);
	hllset_check_aggregate_precision(precision);
	if (state != NULL && precision != hllset_core_accum_precision(state->accum))
		hllset_refuse_other_precision(hllset_core_accum_precision(state->accum), precision);
	site->precision = precision;
	return precision;
}

void
hllset_precision_check_combined(FunctionCallInfo fcinfo, const HllsetState *a, const HllsetState *b)
{
	int first = hllset_core_accum_precision(a->accum);
	int other = hllset_core_accum_precision(b->accum);

	if (first != other && call_in_plan(fcinfo) != NULL)
		hllset_refuse_other_precision(first, other);
}
