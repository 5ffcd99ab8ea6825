/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors that are sent over a socket. */
#ifndef KSPAWN_ABI_PASSING_H
#define KSPAWN_ABI_PASSING_H

/* A pair of sockets that keep messages apart, close-on-exec; -1 with errno. */
int passing_open(int ends[2]);

/* Send descriptor @fd; -1 with errno. */
int passing_send(int socket, int fd);

/* Wait for one, close-on-exec; -1 if none comes. */
int passing_receive(int socket);

/* Have the kernel look for sockets that nobody can reach any more; -1 with errno. */
int passing_collect(void);

#endif /* KSPAWN_ABI_PASSING_H */
