// SPDX-License-Identifier: GPL-2.0-only
/* All probes as one object; which are loaded is decided when it is opened. */
#include "fds.bpf.c"
#include "windows.bpf.c"
#include "memory.bpf.c"
#include "creds.bpf.c"
#include "signals.bpf.c"
#include "stalls.bpf.c"

char LICENSE[] SEC("license") = "GPL";
