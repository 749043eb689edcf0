/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * maintenance.c - the writer's work between batches.
 *
 * By default SQLite runs a checkpoint in the commit that fills the log. Here a checkpoint waits
 * until there is time between batches. All work uses the only writing connection.
 */
#include "store/db.h"
#include "store/write/maintenance.h"
#include "store/write/disk_reserve.h"

/* A checkpoint is due when the log has this many frames of 4 KiB. The first limit (8 MiB) applies
 * if there is time for a step before the next batch. The second limit (64 MiB) applies if there is
 * no time (see maintenance_is_pressed()). */
#define CHECKPOINT_FRAMES	  2048
#define CHECKPOINT_FRAMES_PRESSED 16384
/* How long to wait before the next checkpoint if a reader still needs a part of the log. */
#define CHECKPOINT_PAUSE_MS 1000
/* How often the free space of the disk is checked. */
#define RESERVE_INTERVAL_MS 30000

/* While db_size_hold() limits the database's size, lift the limit for every ATTEMPTS_HELD-th
 * attempt to write: the disk may have free space again. */
#define ATTEMPTS_HELD 8

void maintenance_init(struct maintenance *k)
{
	*k = (struct maintenance){0};
	indexer_init(&k->indexer);
	pruner_init(&k->pruner);
	forget_init(&k->forget);
	anonymizer_init(&k->anonymizer);
}

static int wal_hook(void *data, sqlite3 *db, const char *name, int frames)
{
	struct maintenance *k = data;

	(void)db;
	(void)name;
	k->wal_frames = frames;
	return SQLITE_OK;
}

int maintenance_attach(struct maintenance *k, sqlite3 *db)
{
	k->wal_frames = 0;
	k->checkpoint_after_ms = 0;
	sqlite3_wal_hook(db, wal_hook, k);
	return anonymizer_attach(&k->anonymizer, db);
}

void maintenance_forget(struct maintenance *k)
{
	indexer_reset(&k->indexer);
	pruner_reset(&k->pruner);
	anonymizer_reset(&k->anonymizer);
}

static bool is_checkpoint_due(const struct maintenance *k, int frames, int64_t now_ms)
{
	return k->wal_frames >= frames && now_ms >= k->checkpoint_after_ms;
}

bool maintenance_is_pressed(const struct maintenance *k, const struct ingest *in, int64_t now_ms)
{
	return is_checkpoint_due(k, CHECKPOINT_FRAMES_PRESSED, now_ms) ||
	       pruner_is_over(&k->pruner, in, now_ms);
}

/* Run a checkpoint in mode PASSIVE, which does not wait for readers. Frames that a reader still
 * needs stay in the log. */
static int checkpoint(struct maintenance *k, struct ingest *in, int64_t now_ms)
{
	int in_log = 0, done = 0, rc = store_damage(in->st);

	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_wal_checkpoint_v2(in->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log, &done);
	store_note_size(in->st);
	k->wal_frames = in_log - done > 0 ? in_log : 0;
	if (rc != SQLITE_OK || done < in_log)
		k->checkpoint_after_ms = now_ms + CHECKPOINT_PAUSE_MS;
	return rc == SQLITE_BUSY ? SQLITE_OK : rc;
}

/* Create the reserve if it is missing. If the disk has plenty of free space, also lift the limits
 * on the database's size. Without a retention limit no reserve is needed: rows must not be deleted
 * when the disk is full. */
static void reserve_see_to(struct maintenance *k, sqlite3 *db, int64_t now_ms)
{
	if (now_ms < k->reserve_after_ms || !pruner_has_limit(&k->pruner))
		return;
	k->reserve_after_ms = now_ms + RESERVE_INTERVAL_MS;
	if (disk_reserve_keep(sqlite3_db_filename(db, "main")) && db_size_release(db) == SQLITE_OK)
		pruner_set_roomy(&k->pruner);
}

int maintenance_step(struct maintenance *k, struct ingest *in, int64_t now_ms, bool *did)
{
	int rc;

	*did = true;
	reserve_see_to(k, in->db, now_ms);
	if (is_checkpoint_due(k, CHECKPOINT_FRAMES, now_ms))
		return checkpoint(k, in, now_ms);
	if (pruner_is_over(&k->pruner, in, now_ms))
		return pruner_shrink(&k->pruner, in, now_ms);
	if (forget_has_work(&k->forget))
		return forget_step(&k->forget, in);
	if (anonymizer_is_in_slice(&k->anonymizer))
		return anonymizer_step(&k->anonymizer, in, now_ms, did);
	if (indexer_has_work(&k->indexer, in))
		return indexer_step(&k->indexer, in);
	rc = pruner_step(&k->pruner, in, now_ms, did);
	if (rc == SQLITE_OK && !*did)
		rc = anonymizer_step(&k->anonymizer, in, now_ms, did);
	if (rc == SQLITE_OK && !*did)
		*did = indexer_begin_newest(&k->indexer, in, now_ms);
	return rc;
}

/* Free space by deleting rows. A deletion first makes the log grow. To make room for the log,
 * delete the reserve file, let the database grow by at most half of the reserve's size, and run a
 * checkpoint. The other half of the reserve's space is for the log. */
int maintenance_relieve(struct maintenance *k, struct ingest *in, unsigned attempts, int64_t now_ms,
			bool *did)
{
	bool is_spent;
	int rc = SQLITE_OK;

	*did = false;
	if (!pruner_has_limit(&k->pruner))
		return SQLITE_OK;
	/* Deleting has not helped so far. Lift the size limit, because the disk may have free space
	 * again. */
	if (attempts % ATTEMPTS_HELD == 0 && db_size_is_held(in->db))
		return db_size_release(in->db);
	is_spent = disk_reserve_spend(sqlite3_db_filename(in->db, "main"));
	k->reserve_after_ms = now_ms + RESERVE_INTERVAL_MS;
	if (is_spent || !db_size_is_held(in->db))
		rc = db_size_hold(in->db, is_spent ? DISK_RESERVE_BYTES / 2 : 0);
	if (rc == SQLITE_OK)
		rc = checkpoint(k, in, now_ms);
	return rc == SQLITE_OK ? pruner_relieve(&k->pruner, in, did) : rc;
}
