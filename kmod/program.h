/* SPDX-License-Identifier: GPL-2.0-only */
/* Finding the program, with and without a search list, and executing it. */
#ifndef KSPAWN_PROGRAM_H
#define KSPAWN_PROGRAM_H

struct kspawn_request;

int kspawn_program_find(struct kspawn_request *request);
int kspawn_program_execute(struct kspawn_request *request);

#endif /* KSPAWN_PROGRAM_H */
