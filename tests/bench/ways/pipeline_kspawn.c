/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pipeline that one call starts and waits for. */
#include <kspawn/backend.h>
#include <kspawn/batch.h>

#include "pipeline.h"
#include "way.h"

static _Thread_local struct kspawn_batch_start starts[BENCH_STAGES];

static int begin(const struct bench_request* request) {
    for (int stage = 0; stage < BENCH_STAGES; stage++)
        starts[stage] = (struct kspawn_batch_start){
            .file = request->path, .argv = request->argv, .envp = request->envp};
    return kspawn_set_backend(KSPAWN_BACKEND_KERNEL);
}

static int start(const struct bench_request* request, struct bench_child* child) {
    (void)request;
    const int error =
        kspawn_spawn_batch_np(starts, BENCH_STAGES, KSPAWN_BATCH_PIPES | KSPAWN_BATCH_WAIT, NULL);
    child->pid = starts[0].result.pid;
    return error;
}

static int finish(struct bench_child* child, int* status) {
    (void)child;
    *status = starts[0].result.status;
    for (int stage = 1; stage < BENCH_STAGES; stage++)
        if (starts[stage].result.status != *status)
            return EPROTO;
    return 0;
}

const struct bench_way bench_way_pipeline_kspawn = {
    .name = "pipeline_kspawn", .begin = begin, .start = start, .finish = finish};
