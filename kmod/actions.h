/* SPDX-License-Identifier: GPL-2.0-only */
/* The file actions, one by one, on the child's own descriptors. */
#ifndef KSPAWN_ACTIONS_H
#define KSPAWN_ACTIONS_H

struct kspawn_request;

int kspawn_run_actions(struct kspawn_request *request);

#endif /* KSPAWN_ACTIONS_H */
