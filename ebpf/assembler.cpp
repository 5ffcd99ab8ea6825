// SPDX-License-Identifier: LGPL-2.1-or-later
#include "assembler.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <string_view>
#include <utility>

#include "credentials.hpp"
#include "paths.hpp"

namespace kspawn::trace {

namespace {

template <typename Record>
std::optional<Record> as(const void* data, std::size_t size) {
    if (size < sizeof(Record))
        return {};
    Record record{};
    std::memcpy(&record, data, sizeof(record));
    return record;
}

constexpr std::array<std::string_view, TRACE_LOCK_PAGE_TABLE + 1> lock_names{"",
                                                                             "mmap_lock",
                                                                             "file_lock",
                                                                             "siglock",
                                                                             "cred_guard_mutex",
                                                                             "exec_update_lock",
                                                                             "page_table_lock"};

} // namespace

void Assembler::take(const void* data, std::size_t size) {
    std::uint32_t type = 0;
    if (size < sizeof(type))
        return;
    std::memcpy(&type, data, sizeof(type));
    switch (type) {
    case TRACE_WINDOW:
        if (const auto record = as<trace_window_record>(data, size))
            take(*record);
        break;
    case TRACE_RETURN:
        if (const auto record = as<trace_return_record>(data, size))
            take(*record);
        break;
    case TRACE_CREDS:
        if (const auto record = as<trace_creds_record>(data, size))
            take(*record);
        break;
    case TRACE_SIGNAL:
        if (const auto record = as<trace_signal_record>(data, size))
            tell(SignalEvent{*record});
        break;
    case TRACE_DESCRIPTOR:
        if (const auto record = as<trace_descriptor_record>(data, size))
            descriptors_.push_back(*record);
        break;
    case TRACE_MARKED:
        if (const auto record = as<trace_marked_record>(data, size))
            take(*record);
        break;
    case TRACE_LOCK:
        if (const auto record = as<trace_lock_record>(data, size))
            take(*record);
        break;
    default:
        break;
    }
}

// The child's half of a window, and that of a caller that waits for it, come in
// any order.
void Assembler::take(const trace_window_record& record) {
    const auto id = record.window.id;
    if (record.window.waits == 0 || !settings_.returns) {
        auto pending = windows_.extract(id);
        Pending whole = pending ? std::move(pending.mapped()) : Pending{};
        whole.window = record;
        tell(whole);
        return;
    }
    auto& pending = windows_[id];
    pending.window = record;
    if (pending.blocked) {
        tell(pending);
        windows_.erase(id);
    }
}

void Assembler::take(const trace_return_record& record) {
    auto& pending = windows_[record.window];
    pending.blocked = record.blocked;
    if (pending.window) {
        tell(pending);
        windows_.erase(record.window);
    }
}

void Assembler::take(const trace_creds_record& record) {
    // A change that changes nothing, as of setuid() to the present ID.
    if (!changed_fields(record.before, record.after).empty())
        windows_[record.window].creds.push_back(record);
}

void Assembler::take(const trace_marked_record& record) {
    for (auto it = descriptors_.begin(); it != descriptors_.end();) {
        if (it->files == record.files && it->fd == record.fd && it->opened == record.opened) {
            it->marked = record.marked;
            tell(*it);
            it = descriptors_.erase(it);
        } else {
            ++it;
        }
    }
}

void Assembler::take(const trace_lock_record& record) {
    auto lock = record.which == TRACE_LOCK_OTHER ? symbols_.name(record.lock)
                                                 : std::string{name_of(lock_names, record.which)};
    tell(StallEvent{record.time, record.wait, record.window, record.way,
                    static_cast<trace_role>(record.role), record.waiter,
                    record.holder.pid != 0 ? std::optional{record.holder} : std::nullopt,
                    std::move(lock)});
}

void Assembler::tell_stall_of_caller(const WindowEvent& event) {
    const auto& window = event.window();
    if (settings_.kinds.at(TRACE_KIND_STALLS) && event.blocked &&
        *event.blocked >= settings_.stall_min)
        tell(StallEvent{window.start,
                        *event.blocked,
                        window.id,
                        window.way,
                        TRACE_ROLE_CALLER,
                        window.caller,
                        window.child,
                        {}});
}

void Assembler::tell(const trace_descriptor_record& record) {
    const Descriptor descriptor{record.caller.pid, record.files, record.fd, record.marked != 0,
                                path_of(record)};
    tell(DescriptorEvent{record, told_[descriptor]++});
}

void Assembler::tell(const Pending& pending) {
    std::optional<WindowEvent> event;
    if (pending.window) {
        children_++;
        event = WindowEvent{*pending.window, pending.blocked};
        if (settings_.kinds.at(TRACE_KIND_WINDOWS))
            tell(*event);
        tell_stall_of_caller(*event);
    }
    for (const auto& creds : pending.creds)
        tell(CredsEvent{creds, event ? &*event : nullptr});
}

void Assembler::pass(std::uint64_t now) {
    for (auto it = descriptors_.begin(); it != descriptors_.end();) {
        if (it->marked != 0 || it->time + settings_.fd_gap < now) {
            tell(*it);
            it = descriptors_.erase(it);
        } else {
            ++it;
        }
    }
}

void Assembler::finish(const std::vector<trace_window>& open) {
    for (const auto& window : open) {
        // Between the end of its memory and the end of exec it is not open.
        trace_window_record record{
            TRACE_WINDOW, window.end != 0 ? TRACE_EXEC : TRACE_OPEN, window, {}};
        if (window.end == 0) {
            // The counters are still where they started.
            std::fill(std::begin(record.window.memory), std::end(record.window.memory), 0);
            record.window.user_code = window.way != TRACE_WAY_KSPAWN ? 1 : 0;
        }
        windows_[window.id].window = record;
    }
    for (const auto& [id, pending] : windows_)
        tell(pending);
    windows_.clear();
    for (const auto& descriptor : descriptors_)
        tell(descriptor);
    descriptors_.clear();
}

} // namespace kspawn::trace
