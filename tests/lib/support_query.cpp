// SPDX-License-Identifier: LGPL-2.1-or-later
// kspawn_query(): whether the kernel can be asked, and why not.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "kit/spawner.hpp"

namespace kspawn::test {

namespace {

class Support : public Spawner {
protected:
    static kspawn_support query() {
        kspawn_support support{};
        EXPECT_EQ(kspawn_query(&support, sizeof(support)), 0);
        return support;
    }
    // The words of a start that must fail with an error number.
    std::string failing_start(int error) {
        const int seen = start_child({"exit", "0"});
        if (seen == 0)
            exit_code_of(pid);
        return seen == error ? last_failure().words : "error " + std::to_string(seen);
    }
    static void forget_the_device() {
        for (const int descriptor : device_descriptors())
            ::close(descriptor);
    }
};

TEST(SupportQuery, SizesAreChecked) {
    kspawn_support support{};
    EXPECT_EQ(kspawn_query(nullptr, sizeof(support)), EINVAL);
    // The structure of kspawn 0.1.
    constexpr auto first_version = offsetof(kspawn_support, batch_flags);
    EXPECT_EQ(kspawn_query(&support, first_version - 1), EINVAL);
    support.batch_flags = 4711;
    EXPECT_EQ(kspawn_query(&support, first_version), 0);
    EXPECT_EQ(support.batch_flags, 4711U) << "a caller who does not know it has other things there";
    struct {
        kspawn_support known;
        std::array<unsigned char, 16> later;
    } larger{};
    larger.later.fill(0xff);
    EXPECT_EQ(kspawn_query(&larger.known, sizeof(larger)), 0);
    EXPECT_EQ(larger.later, (std::array<unsigned char, 16>{}));
    EXPECT_STREQ(larger.known.device, "/dev/kspawn");
    EXPECT_EQ(larger.known.library_abi, 2U);
}

TEST_F(Support, HereItWorks) {
    const auto support = query();
    EXPECT_EQ(support.error, 0);
    EXPECT_EQ(support.step, KSPAWN_STEP_NONE);
    EXPECT_EQ(support.module_abi, 2U);
    EXPECT_EQ(support.attr_flags, 0x7bfU);
    EXPECT_EQ(support.actions_max, 65536U);
    EXPECT_EQ(support.batch_flags, unsigned{KSPAWN_BATCH_FLAGS_ALL});
    EXPECT_STREQ(support.reason, "");
    EXPECT_EQ(kspawn_available(), 1);
}

TEST_F(Support, SeesThroughALostDescriptor) {
    const auto wrong = in_a_fork([]() -> std::string {
        forget_the_device();
        if (query().error != 0)
            return "after it was closed";
        const int descriptor = device_descriptors().front();
        const int null = ::open("/dev/null", O_RDONLY);
        ::dup2(null, descriptor);
        return query().error == 0 ? "" : "after it was replaced";
    });
    EXPECT_EQ(wrong, "");
}

TEST_F(Support, WithoutADevice) {
    const auto wrong = in_a_fork([this]() -> std::string {
        forget_the_device();
        if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/dev", "tmpfs", 0, nullptr) != 0)
            return std::strerror(errno);
        const auto support = query();
        if (support.error != ENOENT || support.step != KSPAWN_STEP_DEVICE ||
            support.module_abi != 0 || kspawn_available() != 0)
            return "query: " + std::to_string(support.error);
        return failing_start(ENOSYS);
    });
    EXPECT_EQ(wrong,
              "device /dev/kspawn: No such file or directory (is the module kspawn loaded?)");
}

TEST_F(Support, WithAnotherDeviceOfThatName) {
    for (const auto* const impostor : {"/dev/null", "/dev/zero", "/etc/passwd"}) {
        const auto wrong = in_a_fork([this, impostor]() -> std::string {
            forget_the_device();
            if (::unshare(CLONE_NEWNS) != 0 ||
                ::mount(impostor, "/dev/kspawn", nullptr, MS_BIND, nullptr) != 0)
                return std::strerror(errno);
            if (query().error != EPROTO)
                return "query: " + std::to_string(query().error);
            return failing_start(ENOSYS);
        });
        EXPECT_EQ(wrong, "device /dev/kspawn: Protocol error (the module speaks another ABI than "
                         "this library)")
            << impostor;
    }
}

TEST_F(Support, WithoutPermission) {
    ASSERT_EQ(::chmod("/dev/kspawn", 0600), 0);
    const auto wrong = in_a_fork([this]() -> std::string {
        forget_the_device();
        if (::setresuid(2001, 2001, 2001) != 0)
            return "setresuid";
        if (query().error != EACCES)
            return "query: " + std::to_string(query().error);
        return failing_start(ENOSYS);
    });
    EXPECT_EQ(::chmod("/dev/kspawn", 0666), 0);
    EXPECT_EQ(wrong, "device /dev/kspawn: Permission denied (this user may not use it)");
}

TEST_F(Support, OpenedBeforePermissionWasLost) {
    ASSERT_EQ(::chmod("/dev/kspawn", 0600), 0);
    const auto wrong = in_a_fork([this]() -> std::string {
        if (::setresuid(2001, 2001, 2001) != 0)
            return "setresuid";
        const int error = start_child({"exit", "4"});
        if (error != 0)
            return kspawn_strfailure();
        return exit_code_of(pid) == 4 ? "" : "wrong exit code";
    });
    EXPECT_EQ(::chmod("/dev/kspawn", 0666), 0);
    EXPECT_EQ(wrong, "");
}

// Filters: one that allows everything, and one that knows of ioctl().
void install(const std::array<sock_filter, 4>& instructions) {
    auto copy = instructions;
    const sock_fprog program{static_cast<unsigned short>(copy.size()), copy.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        throw std::system_error(errno, std::generic_category(), "seccomp");
}

void allow_everything() {
    constexpr sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    install({allow, allow, allow, allow});
}

void refuse_ioctl() {
    install({{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
              BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 1),
              BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
              BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}});
}

TEST_F(Support, UnderSeccomp) {
    const auto wrong = in_a_fork([this]() -> std::string {
        allow_everything();
        const auto support = query();
        if (support.error != EPERM || support.step != KSPAWN_STEP_POLICY || support.module_abi != 2)
            return "query: " + std::to_string(support.error);
        const auto words = failing_start(EPERM);
        return last_failure().step == KSPAWN_STEP_POLICY ? words : "wrong step";
    });
    EXPECT_EQ(wrong, "refused: the caller runs under seccomp: Operation not permitted");
}

// Its children would have to have them as well.
TEST_F(Support, WithIoPorts) {
    const auto wrong = in_a_fork([this]() -> std::string {
        constexpr unsigned long unused_port = 0x80;
        if (::ioperm(unused_port, 1, 1) != 0)
            return "ioperm";
        const auto support = query();
        if (support.error != EPERM || support.step != KSPAWN_STEP_POLICY || kspawn_available() != 0)
            return "query: " + std::to_string(support.error);
        if (std::string(support.reason) != "the caller may use I/O ports (ioperm(), iopl())")
            return support.reason;
        return failing_start(EPERM);
    });
    EXPECT_EQ(wrong, "refused: the caller may use I/O ports (ioperm(), iopl()): Operation not "
                     "permitted");
}

TEST_F(Support, UnderAFilterThatRefusesIoctl) {
    const auto wrong = in_a_fork([this]() -> std::string {
        refuse_ioctl();
        const auto words = failing_start(EPERM);
        return last_failure().step == KSPAWN_STEP_POLICY ? words : "wrong step";
    });
    EXPECT_EQ(wrong, "refused: the caller runs under seccomp: Operation not permitted");
}

} // namespace

} // namespace kspawn::test
