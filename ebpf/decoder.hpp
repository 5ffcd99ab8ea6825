// SPDX-License-Identifier: LGPL-2.1-or-later
/// Makes findings of the records of one kind.
#ifndef KSPAWN_TRACE_DECODER_HPP
#define KSPAWN_TRACE_DECODER_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "events.h"

namespace kspawn::trace {

class Assembler;

/// A record of the ring buffer; valid as long as it is being taken.
class Record {
public:
    Record(const void* data, std::size_t size) : data_(data), size_(size) {}
    /// Null if it is of another type.
    template <typename T>
    const T* as(trace_record type) const {
        std::uint32_t found = 0;
        if (size_ < sizeof(T))
            return nullptr;
        std::memcpy(&found, data_, sizeof(found));
        return found == static_cast<std::uint32_t>(type) ? static_cast<const T*>(data_) : nullptr;
    }

private:
    const void* data_;
    std::size_t size_;
};

/// A window that has closed, or was open at the end of the trace.
struct Window : trace_window {
    trace_outcome outcome{};
    std::string program;
    std::optional<std::uint64_t> blocked; ///< ns for which the caller waited

    [[nodiscard]] bool is_open() const { return outcome == TRACE_OPEN; }
    [[nodiscard]] bool shared() const { return way != TRACE_WAY_FORK; }
};

class Decoder {
public:
    explicit Decoder(Assembler& assembler) : assembler_(assembler) {}
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;
    Decoder(Decoder&&) = delete;
    Decoder& operator=(Decoder&&) = delete;
    virtual ~Decoder() = default;

    /// A record of whatever kind.
    virtual void take(const Record& record) = 0;
    /// All of a window is known.
    virtual void closed(const Window& /*window*/) {}
    /// Tells what has waited long enough.
    virtual void pass(std::uint64_t /*now*/) {}
    /// Tells the rest; the windows are those still open.
    virtual void finish(const std::vector<trace_window>& /*open*/) {}

protected:
    /// To whom to tell what was found.
    [[nodiscard]] Assembler& assembler() const { return assembler_; }

private:
    Assembler& assembler_;
};

template <typename OfKind>
std::unique_ptr<Decoder> make_decoder(Assembler& assembler) {
    return std::make_unique<OfKind>(assembler);
}

} // namespace kspawn::trace

#endif
