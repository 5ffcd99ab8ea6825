// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * @file
 * Asynchronous starts for coroutines.
 *
 *     kspawn::Child child = co_await kspawn::Command("make").spawn_async(queue);
 *
 * Since kspawn 0.2.
 */
#ifndef KSPAWN_ASYNC_SPAWN_HPP
#define KSPAWN_ASYNC_SPAWN_HPP

#include <kspawn/base.hpp>

#include <coroutine>
#include <memory>

#include <kspawn/command.hpp>
#include <kspawn/completion_queue.hpp>

namespace kspawn {

/**
 * The start of a program, which a coroutine awaits.
 *
 * Nothing happens until it is awaited, once.  The coroutine is resumed by
 * CompletionQueue::dispatch() or wait(), in the thread that calls these, and gets the
 * child; or SpawnError is thrown in it, as Command::spawn() would throw it.
 *
 * A coroutine that is destroyed while it waits is not resumed, and the child is let go
 * of as by the destructor of Child.  Only destroy it while no thread is in dispatch() or
 * wait() of the queue, but for the thread that destroys it (in a handler or in another
 * coroutine): another may be about to resume it, and a coroutine that is being resumed
 * cannot be destroyed.  A program whose threads share a queue resumes the coroutine first,
 * or holds a lock around dispatch() and around the destruction.
 *
 * GCC 12 refuses a braced list in the operand of co_await, as in
 * `co_await Command("sh").args({"-c", "true"}).spawn_async(queue)`: call arg(), or make
 * the Command before.
 */
class KSPAWN_API AsyncSpawn {
public:
    AsyncSpawn(const AsyncSpawn&) = delete;
    AsyncSpawn& operator=(const AsyncSpawn&) = delete;
    AsyncSpawn(AsyncSpawn&&) = delete;
    AsyncSpawn& operator=(AsyncSpawn&&) = delete;
    ~AsyncSpawn();

    /** @return false: a start is never over before it has begun */
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    /** Start the program. @return whether there is something to wait for */
    bool await_suspend(std::coroutine_handle<> waiting);
    /** @return the child
     *  @throws SpawnError as Command::spawn() */
    [[nodiscard]] Child await_resume();

    /** The start; for the library itself. */
    struct State;

private:
    friend struct internal::Access;
    KSPAWN_HIDDEN explicit AsyncSpawn(std::unique_ptr<State> state) noexcept;

    std::unique_ptr<State> state_;
};

} // namespace kspawn

#endif // KSPAWN_ASYNC_SPAWN_HPP
