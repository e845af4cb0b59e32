/* SPDX-License-Identifier: PostgreSQL */
/* What makes the shared object a module of the server. */
#include "hllset_pg.h"

HLLSET_MODULE_MAGIC;
