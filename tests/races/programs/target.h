/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An agreement of the target and the programs that start it. */
#ifndef RACES_TARGET_H
#define RACES_TARGET_H

enum { TARGET_CLEAN = 0, TARGET_LEAKED = 10, TARGET_BLIND = 11 };

/* It looks at descriptors below this. */
enum { TARGET_DESCRIPTORS = 64 };

#define TARGET_SECRET "secret"

#endif
