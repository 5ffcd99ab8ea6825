/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kinds of start for stress tests, good and bad, and how each must end. */
#ifndef KSPAWN_ABI_KINDS_H
#define KSPAWN_ABI_KINDS_H

#include <stdbool.h>

#include "calls.h"

#define KINDS	10

/* A request of kind @kind, from 0 to KINDS - 1. */
void kind_prepare(struct spawn *s, unsigned int kind);

/* Whether a start of that kind, by whatever call, may end so. */
bool kind_may_end(unsigned int kind, const struct outcome *o);

#endif /* KSPAWN_ABI_KINDS_H */
