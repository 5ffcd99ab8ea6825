// SPDX-License-Identifier: LGPL-2.1-or-later
// kspawn._kspawn: one start through the kernel, for _posix.py beside this.
//
// By the limited API of Python 3.9, so one object serves that and all later ones.
#define Py_LIMITED_API 0x03090000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include <kspawn/backend.h>
#include <kspawn/failure.h>
#include <kspawn/spawn.h>
#include <kspawn/state.h>
#include <kspawn/uapi.h>

namespace {

struct Release {
    void operator()(PyObject* object) const { Py_DecRef(object); }
};
using Object = std::unique_ptr<PyObject, Release>;

/// Thrown where Python has an exception already.
struct Raised {};

[[noreturn]] void raise_errno(int error) {
    errno = error;
    PyErr_SetFromErrno(PyExc_OSError);
    throw Raised{};
}

void check(int error) {
    if (error != 0)
        raise_errno(error);
}

/// Bytes objects as what an exec takes.
class Strings {
public:
    explicit Strings(PyObject* sequence) {
        const Py_ssize_t count = PySequence_Size(sequence);
        if (count < 0)
            throw Raised{};
        for (Py_ssize_t index = 0; index < count; ++index) {
            const Object item{PySequence_GetItem(sequence, index)};
            char* bytes = nullptr;
            if (!item || PyBytes_AsStringAndSize(item.get(), &bytes, nullptr) < 0)
                throw Raised{};
            texts_.emplace_back(bytes);
        }
        for (auto& text : texts_)
            pointers_.push_back(text.data());
        pointers_.push_back(nullptr);
    }
    [[nodiscard]] char* const* get() const { return pointers_.data(); }
    [[nodiscard]] const std::vector<std::string>& texts() const { return texts_; }

private:
    std::vector<std::string> texts_;
    std::vector<char*> pointers_;
};

template <class Number>
std::vector<Number> numbers(PyObject* sequence) {
    const Py_ssize_t count = PySequence_Size(sequence);
    if (count < 0)
        throw Raised{};
    std::vector<Number> all;
    for (Py_ssize_t index = 0; index < count; ++index) {
        const Object item{PySequence_GetItem(sequence, index)};
        if (!item)
            throw Raised{};
        const long long value = PyLong_AsLongLong(item.get());
        if (value == -1 && PyErr_Occurred() != nullptr)
            throw Raised{};
        all.push_back(static_cast<Number>(value));
    }
    return all;
}

/// A bytes object, or None: null.
const char* bytes_or_null(PyObject* object) {
    char* bytes = nullptr;
    if (object != Py_None && PyBytes_AsStringAndSize(object, &bytes, nullptr) < 0)
        throw Raised{};
    return bytes;
}

/// The child that Python asks for, in the order of _posixsubprocess.c's child_exec().
struct Wish {
    int streams[3];  // the caller's descriptors for 0, 1 and 2; -1: as they are
    const char* cwd; // or null
    int umask;       // or -1
    int close_fds;   // all above 2 but keep
    int restore_signals;
    int new_session;
    int process_group;  // or -1
    long long uid, gid; // or -1
    PyObject* groups;   // or None
    PyObject* keep;     // ascending
};

class Actions {
public:
    explicit Actions(const Wish& wish) {
        check(kspawn_spawn_file_actions_init(&actions_));
        try {
            fill(wish);
        } catch (...) {
            kspawn_spawn_file_actions_destroy(&actions_);
            throw;
        }
    }
    Actions(const Actions&) = delete;
    Actions& operator=(const Actions&) = delete;
    Actions(Actions&&) = delete;
    Actions& operator=(Actions&&) = delete;
    ~Actions() { kspawn_spawn_file_actions_destroy(&actions_); }
    [[nodiscard]] const kspawn_spawn_file_actions_t* get() const { return &actions_; }
    /// The failure is the chdir()'s.
    [[nodiscard]] bool is_chdir(const kspawn_failure& failure) const {
        return failure.step == KSPAWN_STEP_ACTION && failure.index == chdir_;
    }

private:
    void fill(const Wish& wish) {
        const auto keep = numbers<int>(wish.keep);
        // Unlike an inherit action, one that is not open fails, as it does in Python's child.
        for (const int fd : keep)
            check(kspawn_spawn_file_actions_addpass_np(&actions_, fd, fd, 0));
        auto count = static_cast<unsigned>(keep.size());
        for (int fd = 0; fd < 3; ++fd) {
            const int stream = wish.streams[fd];
            if (stream < 0)
                continue;
            // Whatever takes the number of another stream's descriptor before: each is the
            // caller's.
            check(kspawn_spawn_file_actions_addpass_np(&actions_, stream, fd, 0));
            ++count;
        }
        chdir_ = wish.cwd != nullptr ? count : none;
        if (wish.cwd != nullptr)
            check(kspawn_spawn_file_actions_addchdir_np(&actions_, wish.cwd));
        if (wish.umask >= 0)
            check(
                kspawn_spawn_file_actions_addumask_np(&actions_, static_cast<mode_t>(wish.umask)));
        if (wish.groups != Py_None) {
            const auto groups = numbers<gid_t>(wish.groups);
            check(kspawn_spawn_file_actions_addgroups_np(&actions_, groups.size(), groups.data()));
        }
        if (wish.gid != -1) {
            const auto gid = static_cast<gid_t>(wish.gid);
            check(kspawn_spawn_file_actions_addresgid_np(&actions_, gid, gid, gid));
        }
        if (wish.uid != -1) {
            const auto uid = static_cast<uid_t>(wish.uid);
            check(kspawn_spawn_file_actions_addresuid_np(&actions_, uid, uid, uid));
        }
        if (wish.close_fds != 0)
            close_all_but(keep);
    }

    void close_all_but(const std::vector<int>& keep) {
        int first = STDERR_FILENO + 1;
        for (const int fd : keep) {
            if (fd < first)
                continue;
            if (fd > first)
                check(kspawn_spawn_file_actions_addclose_range_np(&actions_, first, fd - 1));
            first = fd + 1;
        }
        check(kspawn_spawn_file_actions_addclose_range_np(&actions_, first, INT_MAX));
    }

    static constexpr unsigned none = ~0U;

    kspawn_spawn_file_actions_t actions_{};
    unsigned chdir_ = none;
};

// Where a start has failed, in the words of _posix.py.
constexpr int before_exec = 0, in_chdir = 1, in_exec = 2;

class Attributes {
public:
    explicit Attributes(const Wish& wish) {
        check(kspawn_spawnattr_init(&attributes_));
        unsigned int flags = 0;
        if (wish.restore_signals != 0) {
            sigset_t set;
            sigemptyset(&set);
            sigaddset(&set, SIGPIPE);
            sigaddset(&set, SIGXFSZ);
            check(kspawn_spawnattr_setsigdefault(&attributes_, &set));
            flags |= KSPAWN_SPAWN_SETSIGDEF;
        }
        if (wish.new_session != 0)
            flags |= KSPAWN_SPAWN_SETSID;
        if (wish.process_group >= 0) {
            check(kspawn_spawnattr_setpgroup(&attributes_, wish.process_group));
            flags |= KSPAWN_SPAWN_SETPGROUP;
        }
        check(kspawn_spawnattr_setflags(&attributes_, static_cast<short>(flags)));
    }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    Attributes(Attributes&&) = delete;
    Attributes& operator=(Attributes&&) = delete;
    ~Attributes() { kspawn_spawnattr_destroy(&attributes_); }
    [[nodiscard]] const kspawn_spawnattr_t* get() const { return &attributes_; }

private:
    kspawn_spawnattr_t attributes_{};
};

// Neither a start nor its failure: the caller starts the program as it would without us.
bool is_for_others(const kspawn_failure& failure) {
    return failure.step == KSPAWN_STEP_POLICY || failure.step == KSPAWN_STEP_DEVICE ||
           failure.step == KSPAWN_STEP_COPY || failure.error == ENOSYS || failure.error == ENOTSUP;
}

// As execve() in a loop would: the first error that is not only a wrong directory, or the last.
int start(pid_t& pid, const Strings& paths, const Actions& actions, const Attributes& attributes,
          char* const* argv, char* const* envp, kspawn_failure& failure) {
    failure = {.error = ENOENT, .step = KSPAWN_STEP_EXEC, .index = 0};
    bool kept = false;
    for (const auto& path : paths.texts()) {
        const int error =
            kspawn_spawn(&pid, path.c_str(), actions.get(), attributes.get(), argv, envp);
        if (error == 0)
            return 0;
        const auto& last = *kspawn_last_failure();
        if (last.step != KSPAWN_STEP_EXEC) {
            failure = last;
            return error;
        }
        if (!kept)
            failure = last;
        kept = kept || (error != ENOENT && error != ENOTDIR);
    }
    return failure.error;
}

PyObject* spawn(PyObject* /*module*/, PyObject* arguments) {
    Wish wish{};
    PyObject* paths = nullptr;
    PyObject* argv = nullptr;
    PyObject* env = nullptr;
    PyObject* cwd = nullptr;
    if (PyArg_ParseTuple(arguments, "OOO(iii)OippiLLOOp:spawn", &paths, &argv, &env,
                         &wish.streams[0], &wish.streams[1], &wish.streams[2], &cwd, &wish.umask,
                         &wish.restore_signals, &wish.new_session, &wish.process_group, &wish.gid,
                         &wish.uid, &wish.groups, &wish.keep, &wish.close_fds) == 0)
        return nullptr;
    try {
        wish.cwd = bytes_or_null(cwd);
        const Strings programs{paths};
        const Strings words{argv};
        std::unique_ptr<Strings> variables;
        if (env != Py_None)
            variables = std::make_unique<Strings>(env);
        const Actions actions{wish};
        const Attributes attributes{wish};
        pid_t pid = 0;
        int error = 0;
        kspawn_failure failure{};
        bool by_kernel = false;
        Py_BEGIN_ALLOW_THREADS;
        by_kernel = kspawn_effective_backend() == KSPAWN_BACKEND_KERNEL;
        if (by_kernel)
            error = start(pid, programs, actions, attributes, words.get(),
                          variables ? variables->get() : environ, failure);
        Py_END_ALLOW_THREADS;
        if (!by_kernel || (error != 0 && is_for_others(failure)))
            Py_RETURN_NONE;
        if (error == 0)
            return PyLong_FromLong(pid);
        const int where = failure.step == KSPAWN_STEP_EXEC ? in_exec
                          : actions.is_chdir(failure)      ? in_chdir
                                                           : before_exec;
        return Py_BuildValue("(ii)", failure.error, where);
    } catch (const Raised&) {
        return nullptr;
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
}

PyObject* available(PyObject* /*module*/, PyObject* /*none*/) {
    return PyBool_FromLong(kspawn_effective_backend() == KSPAWN_BACKEND_KERNEL ? 1 : 0);
}

PyMethodDef methods[] = {
    {"spawn", spawn, METH_VARARGS,
     "spawn(paths, argv, env, (stdin, stdout, stderr), cwd, umask, restore_signals, new_session,\n"
     "process_group, gid, uid, groups, keep, close_fds) -> pid, (errno, where it failed),\n"
     "or None if the kernel cannot be asked for it."},
    {"available", available, METH_NOARGS, "Whether programs can be started through the kernel."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "_kspawn",
                          "One start through the kernel.",
                          0,
                          methods,
                          nullptr,
                          nullptr,
                          nullptr,
                          nullptr};

} // namespace

// NOLINTBEGIN(bugprone-reserved-identifier): Python's name for it
PyMODINIT_FUNC PyInit__kspawn();
PyMODINIT_FUNC PyInit__kspawn() {
    Object module{PyModule_Create(&definition)};
    if (!module || PyModule_AddIntConstant(module.get(), "BEFORE_EXEC", before_exec) < 0 ||
        PyModule_AddIntConstant(module.get(), "IN_CHDIR", in_chdir) < 0 ||
        PyModule_AddIntConstant(module.get(), "IN_EXEC", in_exec) < 0)
        return nullptr;
    return module.release();
}
// NOLINTEND(bugprone-reserved-identifier)
