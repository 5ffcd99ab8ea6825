/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "median.h"

#include <stdlib.h>

static int compare(const void* a, const void* b) {
    const uint64_t left = *(const uint64_t*)a;
    const uint64_t right = *(const uint64_t*)b;
    return left < right ? -1 : left > right;
}

uint64_t median(uint64_t* values, size_t count) {
    if (count == 0)
        return 0;
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}
