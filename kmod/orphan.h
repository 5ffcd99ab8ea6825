/* SPDX-License-Identifier: GPL-2.0-only */
/* A child that failed: nobody's, so that nobody can wait for it. */
#ifndef KSPAWN_ORPHAN_H
#define KSPAWN_ORPHAN_H

struct kspawn_request;

void kspawn_orphan_current(struct kspawn_request *request);

#endif /* KSPAWN_ORPHAN_H */
