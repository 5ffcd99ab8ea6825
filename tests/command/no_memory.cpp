// SPDX-License-Identifier: LGPL-2.1-or-later
// An asynchronous start for which memory runs out leaves nothing under way, and loses
// no event.
#include <kspawn/completion_queue.hpp>

#include <cstddef>
#include <cstdlib>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "kit.hpp"

namespace {

// How many allocations succeed in this thread; negative: all.
thread_local int left = -1;

} // namespace

// NOLINTBEGIN(cppcoreguidelines-no-malloc,misc-new-delete-overloads)
void* operator new(std::size_t size) {
    if (left == 0)
        throw std::bad_alloc();
    if (left > 0)
        --left;
    void* const memory = std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr)
        throw std::bad_alloc();
    return memory;
}
#if defined(__GNUC__) && !defined(__clang__)
// GCC sees one of the two functions, where it is put in place of a call, and not the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
// NOLINTEND(cppcoreguidelines-no-malloc,misc-new-delete-overloads)

namespace {

using kspawn::Command;
using kspawn::CompletionQueue;
using kspawn::SpawnError;
using kspawn::SpawnResult;

class NoMemory : public kit::Tidy {
protected:
    /// Whether a body runs out of memory after so many allocations.
    template <class Body>
    static bool fails_after(int allocations, Body body) {
        left = allocations;
        try {
            body();
        } catch (const std::bad_alloc&) {
            left = -1;
            return true;
        }
        left = -1;
        return false;
    }
};

TEST_F(NoMemory, StartThatFailsIsNotPending) {
    CompletionQueue queue;
    const auto command = Command("true").env("NAME", std::string(100, 'x'));
    const kspawn::SpawnHandler handler = [](SpawnResult result) {
        std::move(result).value().wait();
    };
    int allocations = 0;
    for (; fails_after(allocations, [&] { command.spawn_async(queue, handler); }); ++allocations)
        ASSERT_EQ(queue.pending(), 0U) << "after " << allocations << " allocations";
    EXPECT_GT(allocations, 5);
    while (queue.pending() != 0)
        queue.wait();
}

TEST_F(NoMemory, FailureIsToldWhenThereIsMemoryAgain) {
    if (!kit::by_kernel())
        GTEST_SKIP() << "through libc every failure is known at once";
    CompletionQueue queue;
    std::optional<SpawnError> failure;
    Command("true").current_dir("/no/such").spawn_async(queue, [&](const SpawnResult& result) {
        failure = *result.error();
    });
    EXPECT_TRUE(fails_after(0, [&] { queue.wait(); }));
    EXPECT_EQ(queue.pending(), 1U);
    EXPECT_FALSE(failure);
    EXPECT_EQ(queue.wait(), 1U);
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->code(), std::errc::no_such_file_or_directory);
    EXPECT_EQ(queue.pending(), 0U);
}

} // namespace
