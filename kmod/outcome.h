/* SPDX-License-Identifier: GPL-2.0-only */
/* The outcome of a start: an error, its step and its index, if it failed. */
#ifndef KSPAWN_OUTCOME_H
#define KSPAWN_OUTCOME_H

#include <linux/types.h>

/**
 * struct kspawn_outcome - how a start ended
 * @error: 0 or a negative errno
 * @step:  KSPAWN_STEP_* that failed
 * @index: which part of that step
 */
struct kspawn_outcome {
	int error;
	u32 step;
	u32 index;
};

/**
 * kspawn_outcome_fail() - record a failure; for use in a return statement
 * @outcome: where
 * @step:    KSPAWN_STEP_*
 * @index:   which part of that step
 * @error:   a negative errno
 *
 * Return: @error.
 */
static inline int kspawn_outcome_fail(struct kspawn_outcome *outcome, u32 step,
				      u32 index, int error)
{
	outcome->error = error;
	outcome->step = step;
	outcome->index = index;
	return error;
}

#endif /* KSPAWN_OUTCOME_H */
