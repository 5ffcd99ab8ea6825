// SPDX-License-Identifier: LGPL-2.1-or-later
/// Has the records decoded, and tells what was found to all who want to know.
#ifndef KSPAWN_TRACE_ASSEMBLER_HPP
#define KSPAWN_TRACE_ASSEMBLER_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "decoder.hpp"
#include "kind.hpp"
#include "options.hpp"
#include "outcome.hpp"

namespace kspawn::trace {

/// A receiver of findings.
class Sink {
public:
    Sink() = default;
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;
    Sink(Sink&&) = delete;
    Sink& operator=(Sink&&) = delete;
    virtual ~Sink() = default;
    virtual void take(const Finding& finding) = 0;
};

class Assembler {
public:
    /// @param start of the trace, by the probes' clock
    /// @param missing those that are not there; like the options only referred to
    Assembler(const Options& options, std::uint64_t start,
              const std::vector<MissingProbe>& missing);

    void add_sink(Sink& sink) { sinks_.push_back(&sink); }

    /// Takes a record of the ring buffer.
    void take(const void* data, std::size_t size);
    /// Tells what has waited long enough.
    void pass(std::uint64_t now);
    /// Tells the rest; the windows are those still open.
    void finish(const std::vector<trace_window>& open);

    /// Children so far, whichever kinds are traced.
    [[nodiscard]] std::uint64_t children() const { return children_; }
    [[nodiscard]] const Tallies& tallies() const { return tallies_; }

    // For decoders.
    [[nodiscard]] const Options& options() const { return options_; }
    [[nodiscard]] bool has(std::string_view program) const;
    /// All of a window is known.
    void close(const Window& window);
    /// A finding.  `fields` makes the fields of its kind, if anybody wants to know them.
    template <typename Fields>
    void tell(KindNumber kind, std::uint64_t window, std::uint32_t way, const trace_task& task,
              std::uint64_t time, Count count, Fields fields) {
        if (!options_.kinds.at(kind))
            return;
        tallies_.at(kind).add(count);
        if (!sinks_.empty())
            tell(finding_of(kind, window, way, task, time, fields()));
    }
    /// A time of the probes, since the start.
    [[nodiscard]] Nanoseconds since_start(std::uint64_t time) const {
        return time < start_ ? 0 : static_cast<Nanoseconds>(time - start_);
    }

private:
    [[nodiscard]] Finding finding_of(KindNumber kind, std::uint64_t window, std::uint32_t way,
                                     const trace_task& task, std::uint64_t time, Json fields) const;
    void tell(const Finding& finding);

    const Options& options_;
    std::uint64_t start_;
    const std::vector<MissingProbe>& missing_;
    std::vector<std::unique_ptr<Decoder>> decoders_;
    std::vector<Sink*> sinks_;
    Tallies tallies_{};
    std::uint64_t children_ = 0;
};

/// A task, as FORMAT.md has it.
Json json_of(const trace_task& task);
/// A text of the probes; null if it is empty.
Json text_or_null(const char* text);
/// Operations on the memory of a window; null if they are not known.
Json memory_of(const Window& window, const Options& options);
/// The same in words: "2 mmap, 1 munmap"; empty if there are none, or they are not known.
std::string memory_in_words(const Json& fields, const Manner& manner);

} // namespace kspawn::trace

#endif
