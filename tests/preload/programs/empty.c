// SPDX-License-Identifier: LGPL-2.1-or-later
/* For load_cost: a library with nothing in it, linked as the compiler does it. */
extern int preload_empty;
