/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether a program is there, without opening it. */
#ifndef KSPAWN_LOOKUP_H
#define KSPAWN_LOOKUP_H

#include <linux/types.h>

int kspawn_lookup(const char *name);
bool kspawn_lookup_is_absent(const char *name);

#endif /* KSPAWN_LOOKUP_H */
