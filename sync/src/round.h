/* SPDX-License-Identifier: PostgreSQL */
/* A round with a peer, seen from outside; the files that make it share link.h. */
#ifndef HLLSET_SYNC_ROUND_H
#define HLLSET_SYNC_ROUND_H

#include "hllset_sync.h"

#include "utils/uuid.h"

/* ---- wire.c: libpq, the only file that includes it ---- */

typedef struct SyncWire SyncWire;

/* ---- option.c: what a server and a user mapping may say ---- */

typedef struct SyncTarget
{
	Oid serverid;
	char *server;
	const char **keywords; /* of PQconnectStartParams, NULL at the end */
	const char **values;
	bool password_required;
} SyncTarget;

/* ERROR unless the server can be a peer's and the current user may use it. */
void sync_check_usage(const char *server);
/* Reads and checks again what CREATE SERVER and CREATE USER MAPPING said, for the mapping of ROLE. Needs a transaction. */
SyncTarget *sync_target(const char *server, Oid role);

/* ---- endpoint.c: the protocol functions of this node or of a peer, called alike ---- */

typedef struct SyncEnd SyncEnd;

/* ---- round.c, transfer.c, reconcile.c ---- */

/* What a round did, for the status. */
typedef struct SyncRound
{
	bool caught_up;  /* nothing was left in either direction */
	bool again;      /* what was left only needs more time: another round may begin at once */
	int sets;        /* sets looked at */
	int failed_sets; /* sets that stopped with an error of their own (see hllset_sync.links) */
	int64 rows_in, bytes_in, rows_out, bytes_out;
	int protocol;
	int peer_version; /* server_version_num of the peer */
	pg_uuid_t peer_id;
	char peer_name[NAMEDATALEN];
} SyncRound;

typedef struct SyncLink SyncLink; /* an open connection to a peer and what is known of it */

/* A link to SERVER by the user mapping of ROLE; nothing is opened yet. Lives in CONTEXT. */
SyncLink *sync_link_create(MemoryContext context, const char *server, Oid role);
/* One round; ERROR if the peer can't be reached or refuses as a whole. Keeps the connection open for the next one. */
void sync_link_round(SyncLink *link, SyncRound *round);
/* Closes the connection; safe at any time, also after an error. */
void sync_link_close(SyncLink *link);

#endif
