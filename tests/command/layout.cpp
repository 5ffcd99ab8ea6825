// SPDX-License-Identifier: LGPL-2.1-or-later
// The size of what programs are compiled with.  A class is a pointer to what it holds, so that
// the library may hold more one day; the rest is small and stays as it is.
#include <kspawn/async_spawn.hpp>
#include <kspawn/builder.hpp>
#include <kspawn/capture.hpp>
#include <kspawn/pipeline.hpp>

#include <type_traits>

#include "kit.hpp"

namespace {

constexpr auto pointer = sizeof(void*);

static_assert(sizeof(kspawn::Command) == pointer);
static_assert(sizeof(kspawn::Pipeline) == pointer);
static_assert(sizeof(kspawn::Capture) == pointer);
static_assert(sizeof(kspawn::CaptureQueue) == pointer);
static_assert(sizeof(kspawn::AsyncCapture) == pointer);
static_assert(sizeof(kspawn::AsyncSpawn) == pointer);
// Shared: a handler may destroy the queue that calls it, and copies are cheap.
static_assert(sizeof(kspawn::CompletionQueue) == 2 * pointer);
static_assert(sizeof(kspawn::Stdio) == 2 * pointer);
// With a descriptor for pipe() of a child that has none.
static_assert(sizeof(kspawn::Child) == 2 * pointer);
static_assert(sizeof(kspawn::ExitError) == sizeof(std::runtime_error) + 2 * pointer);
static_assert(sizeof(kspawn::SpawnError) == sizeof(std::system_error) + 2 * sizeof(int));

static_assert(sizeof(kspawn::FileDescriptor) == sizeof(int));
static_assert(sizeof(kspawn::ExitStatus) == sizeof(int));
static_assert(sizeof(kspawn::SignalSet) == sizeof(sigset_t));
static_assert(sizeof(kspawn::Builder) == 2 * sizeof(int));

template <class Value>
constexpr bool is_value = std::is_copy_constructible_v<Value>&& std::is_copy_assignable_v<Value>&&
    std::is_nothrow_move_constructible_v<Value>&& std::is_nothrow_move_assignable_v<Value>;
template <class Owner>
constexpr bool is_owner =
    !std::is_copy_constructible_v<Owner> && !std::is_copy_assignable_v<Owner> &&
    std::is_nothrow_move_constructible_v<Owner> && std::is_nothrow_move_assignable_v<Owner>;

static_assert(is_value<kspawn::Command> && is_value<kspawn::Pipeline> && is_value<kspawn::Stdio>);
static_assert(is_owner<kspawn::Child> && is_owner<kspawn::Capture> && is_owner<kspawn::Builder> &&
              is_owner<kspawn::FileDescriptor>);
// A thrown exception may be copied; a copy constructor that throws would then end the program.
static_assert(std::is_nothrow_copy_constructible_v<kspawn::ExitError> &&
              std::is_nothrow_copy_constructible_v<kspawn::SpawnError>);

class Layout : public kit::Tidy {};

TEST_F(Layout, CopiesAreIndependent) {
    const kspawn::Pipeline one({kspawn::Command("echo").arg("x")});
    auto other = one;
    other.pipefail().process_group();
    EXPECT_EQ(one.output().out, "x\n");
    EXPECT_EQ(other.output().out, "x\n");
    auto stdio = kspawn::Stdio::null();
    const auto moved = std::move(stdio);
    EXPECT_EQ(kit::shell("echo x").stdout_to(moved).output().out, "");
    // NOLINTNEXTLINE(bugprone-use-after-move): nothing is gained by a move, as said
    EXPECT_EQ(kit::shell("echo x").stdout_to(stdio).output().out, "");
}

TEST_F(Layout, MovedFromMayBeCopiedAndAssignedTo) {
    kspawn::Command command("echo");
    const auto taken = std::move(command);
    auto nothing = command; // NOLINT(bugprone-use-after-move): as said
    command = taken;
    nothing = std::move(command);
    EXPECT_EQ(nothing.arg("x").output().out, "x\n");
    kspawn::Pipeline pipeline({taken});
    const auto other = std::move(pipeline);
    auto empty = pipeline; // NOLINT(bugprone-use-after-move): as said
    empty = other;
    EXPECT_EQ(empty.output().out, "\n");
}

} // namespace
