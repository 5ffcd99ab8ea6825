// SPDX-License-Identifier: GPL-2.0-only
/* Handlers that are set up in a child which has its creator's memory. */
#include "state.bpf.h"

#define HANDLER_IGNORE	1	/* SIG_IGN; 0: SIG_DFL */

/* Codes of <asm-generic/siginfo.h> that tell a sender; SI_TIMER and SI_SIGIO do not. */
#define SI_USER		0
#define SI_QUEUE	(-1)
#define SI_MESGQ	(-3)
#define SI_TKILL	(-6)

static __always_inline bool has_sender(int code)
{
	return code == SI_USER || code == SI_QUEUE || code == SI_MESGQ ||
	       code == SI_TKILL;
}

SEC("tp_btf/signal_deliver")
int BPF_PROG(on_signal_deliver, int sig, struct kernel_siginfo *info,
	     struct k_sigaction *action)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct trace_window *window = bpf_map_lookup_elem(&windows, &pid);
	struct trace_signal_record *record;
	u64 handler;

	if (!window || window->end || window->way == TRACE_WAY_FORK)
		return 0;
	handler = (u64)BPF_CORE_READ(action, sa.sa_handler);
	if (handler <= HANDLER_IGNORE)
		return 0;
	record = reserve(sizeof(*record));
	if (!record)
		return 0;
	record->record = TRACE_SIGNAL;
	record->way = window->way;
	record->window = window->id;
	record->time = bpf_ktime_get_ns();
	record->handler = handler;
	record->child = window->child;
	record->caller = window->caller;
	record->signal = sig;
	record->code = BPF_CORE_READ(info, si_code);
	record->sender = has_sender(record->code) ?
			 BPF_CORE_READ(info, _sifields._kill._pid) : 0;
	record->reserved = 0;
	submit(record);
	return 0;
}
