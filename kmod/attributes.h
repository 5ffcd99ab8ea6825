/* SPDX-License-Identifier: GPL-2.0-only */
/* The child's attributes, in the order in which glibc applies them. */
#ifndef KSPAWN_ATTRIBUTES_H
#define KSPAWN_ATTRIBUTES_H

struct kspawn_request;

int kspawn_apply_attributes(struct kspawn_request *request);

#endif /* KSPAWN_ATTRIBUTES_H */
