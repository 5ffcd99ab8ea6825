/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An agreement of the starter, the engine and the reporter, which is kit/child.c. */
#ifndef KSPAWN_CONFORMANCE_MEETING_H
#define KSPAWN_CONFORMANCE_MEETING_H

/* Abstract address of the socket that the parent with this process ID has. */
#define REPORTER_SOCKET "kspawn-conformance-%d"

/* Descriptors from here on are of the tests. */
#define FIRST_OWN_DESCRIPTOR 900

/* An empty file system for each specification; the programs to start. */
#define SCRATCH "/tmp/kspawn-conformance/w"
#define REPORTER_LOCKED SCRATCH "/locked"
#define PROGRAMS "/tmp/kspawn-conformance/bin"

#endif
