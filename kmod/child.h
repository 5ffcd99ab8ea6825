/* SPDX-License-Identifier: GPL-2.0-only */
/* Code of the new process, from its first instruction to the program. */
#ifndef KSPAWN_CHILD_H
#define KSPAWN_CHILD_H

int kspawn_child(void *request);

#endif /* KSPAWN_CHILD_H */
