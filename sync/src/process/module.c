/* SPDX-License-Identifier: PostgreSQL */
/* What happens when the library is loaded: in the postmaster, if preloaded, or by the first function that is called. */
#include "process/process.h"

PG_MODULE_MAGIC;

void _PG_init(void);

void
_PG_init(void)
{
	sync_define_settings();
	sync_install_capture();
	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	sync_install_statuses();
	sync_install_readers();
	sync_request_shared_memory();
	sync_install_hooks();
	sync_register_launcher();
}
