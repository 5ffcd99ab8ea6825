// SPDX-License-Identifier: LGPL-2.1-or-later
#include "assembler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace kspawn::trace {

namespace {

constexpr std::array<const char*, TRACE_MEMORY_OPERATIONS> memory_names{
    "mmap", "munmap", "mprotect", "mremap", "process_vm_writev", "remote"};

} // namespace

Assembler::Assembler(const Options& options, std::uint64_t start,
                     const std::vector<MissingProbe>& missing)
    : options_(options), start_(start), missing_(missing) {
    for (const auto* const kind : all_kinds)
        decoders_.push_back(kind->decoder(*this));
}

bool Assembler::has(std::string_view program) const {
    return std::ranges::find(missing_, program, &MissingProbe::program) == missing_.end();
}

void Assembler::take(const void* data, std::size_t size) {
    for (const auto& decoder : decoders_)
        decoder->take(Record{data, size});
}

void Assembler::pass(std::uint64_t now) {
    for (const auto& decoder : decoders_)
        decoder->pass(now);
}

void Assembler::finish(const std::vector<trace_window>& open) {
    for (const auto& decoder : decoders_)
        decoder->finish(open);
}

void Assembler::close(const Window& window) {
    children_++;
    for (const auto& decoder : decoders_)
        decoder->closed(window);
}

Finding Assembler::finding_of(KindNumber kind, std::uint64_t window, std::uint32_t way,
                              const trace_task& task, std::uint64_t time, Json fields) const {
    Finding finding;
    finding.kind = all_kinds.at(kind);
    if (window != 0)
        finding.window = static_cast<std::int64_t>(window);
    finding.way = name_of(way_names, way);
    finding.task = {task.pid, task.tid, std::data(task.comm)};
    finding.time = since_start(time);
    finding.fields = std::move(fields);
    return finding;
}

void Assembler::tell(const Finding& finding) {
    for (auto* const sink : sinks_)
        sink->take(finding);
}

Json json_of(const trace_task& task) {
    return {{"pid", task.pid}, {"tid", task.tid}, {"comm", std::data(task.comm)}};
}

Json text_or_null(const char* text) {
    return *text != '\0' ? Json(text) : Json(nullptr);
}

// For a window that is open only the start is known; and nothing, if
// the probes that count are not there.
Json memory_of(const Window& window, const Options& options) {
    if (window.is_open() || !options.kinds.at(kind_creds))
        return nullptr;
    Json json = Json::object();
    for (std::size_t i = 0; i < TRACE_MEMORY_OPERATIONS; i++) {
        if (window.memory[i] != 0 && window.shared())
            json[memory_names.at(i)] = window.memory[i];
    }
    return json;
}

std::string memory_in_words(const Json& fields, const Manner& manner) {
    std::string text;
    for (const auto& [name, count] : list_at(fields, "memory").items()) {
        if (count.is_number_integer())
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count.get<std::int64_t>(),
                                manner.name(name));
    }
    return text;
}

} // namespace kspawn::trace
