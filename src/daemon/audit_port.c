/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit_port.c - sets the callbacks of the audit: publishing, deleting flows, diagnosis.
 */
#include "daemon/audit_port.h"

#include "daemon/daemon.h"
#include "daemon/diagnose.h"
#include "daemon/flow_delete.h"
#include "daemon/publish.h"

static void on_alert(void *data, const struct flow_record *f, const struct mismatch_record *m)
{
	struct daemon *d = data;

	publish_verdict(d, f, m);
	if (m)
		flow_delete_want(d, f, m);
}

static bool on_goes_on(void *data, const struct mismatch_record *m)
{
	return publish_goes_on(data, m);
}

void audit_port_fill(struct daemon *d, struct audit_port *port)
{
	*port = (struct audit_port){
		.data = d,
		.emit = publish_record,
		.room = publish_room,
		.alert = on_alert,
		.goes_on = on_goes_on,
		.diagnose = diagnose_stray,
		.is_undrained = diagnose_undrained,
	};
}
