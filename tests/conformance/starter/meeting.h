/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the starter and the reporter have to agree on. */
#ifndef KSPAWN_CONFORMANCE_MEETING_H
#define KSPAWN_CONFORMANCE_MEETING_H

/* Abstract address of the socket that the parent with this process ID has. */
#define MEETING_FORMAT "kspawn-conformance-%d"

/* Descriptors from here on are the machinery's. */
#define SCANNED_DESCRIPTORS 256
#define FIRST_OWN_DESCRIPTOR 900

/* An empty file system for each specification; the programs to start. */
#define SCRATCH "/tmp/kspawn-conformance/w"
#define PROGRAMS "/tmp/kspawn-conformance/bin"

#endif
