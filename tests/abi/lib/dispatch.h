/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One completion descriptor for several threads that start programs, and several
 * that read it: each event is handed to the one whose start it is of.
 */
#ifndef KSPAWN_ABI_DISPATCH_H
#define KSPAWN_ABI_DISPATCH_H

#include <pthread.h>
#include <stdbool.h>

#include "calls.h"

#define DISPATCH_READERS	3
#define DISPATCH_USERS		16

/**
 * struct dispatch - the descriptor and its readers
 * @completion: descriptor, as large as there are users
 * @wrong:      events of nobody's start, or that came twice
 */
struct dispatch {
	int completion;
	int users;
	int wrong;
	int stop;
	pthread_t readers[DISPATCH_READERS];
	pthread_mutex_t lock;
	pthread_cond_t told;
	struct kspawn_event events[DISPATCH_USERS];
	bool waits[DISPATCH_USERS];
	bool has_event[DISPATCH_USERS];
};

/* For @users threads at most; 0, or an errno. */
int dispatch_begin(struct dispatch *d, int device, int users);

/* As CALL_ASYNC of call_make(), by user @user, from 0; one start at a time. */
void dispatch_make(struct dispatch *d, int device, struct spawn *s, int user, struct outcome *o);

/* When no start is under way: ends the readers, closes the descriptor. */
void dispatch_end(struct dispatch *d);

#endif /* KSPAWN_ABI_DISPATCH_H */
