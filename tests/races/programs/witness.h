/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the witness and those who start it have agreed on. */
#ifndef RACES_WITNESS_H
#define RACES_WITNESS_H

enum { WITNESS_CLEAN = 0, WITNESS_LEAKED = 10, WITNESS_BLIND = 11 };

/* It looks at descriptors below this. */
enum { WITNESS_DESCRIPTORS = 64 };

#define WITNESS_SECRET "secret"

#endif
