// SPDX-License-Identifier: LGPL-2.1-or-later
// Which step failed, in numbers and words.  The words of single actions and
// attributes are tested with them.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <thread>

#include "kit/spawner.hpp"

namespace kspawn::test {

namespace {

class Failures : public Spawner {};

TEST(FailureMemory, IsEmptyAtFirst) {
    std::thread{[] {
        EXPECT_EQ(kspawn_last_failure(), nullptr);
        EXPECT_STREQ(kspawn_strfailure(), "");
        std::array<char, 8> buffer{'x'};
        EXPECT_EQ(kspawn_strfailure_r(buffer.data(), buffer.size()), 0);
        EXPECT_STREQ(buffer.data(), "");
        EXPECT_EQ(kspawn_failure_words(), nullptr);
    }}.join();
}

TEST_F(Failures, OfThePath) {
    EXPECT_EQ(start("/no/such/program"), ENOENT);
    EXPECT_EQ(last_failure(), (Failure{ENOENT, KSPAWN_STEP_EXEC, 0,
                                       "exec /no/such/program: No such file or directory"}));
}

TEST_F(Failures, OfTheSearch) {
    ::setenv("PATH", "/usr/bin:/bin", 1);
    const Strings argv{"nope"};
    EXPECT_EQ(kspawn_spawnp(&pid, "nope", nullptr, nullptr, argv.get(), nullptr), ENOENT);
    EXPECT_EQ(last_failure(), (Failure{ENOENT, KSPAWN_STEP_EXEC, 0,
                                       "search nope in /usr/bin:/bin: No such file or directory"}));
    EXPECT_EQ(kspawn_spawnp(&pid, "/nope", nullptr, nullptr, argv.get(), nullptr), ENOENT);
    EXPECT_EQ(last_failure().words, "exec /nope: No such file or directory");
}

TEST_F(Failures, OfTheInterpreter) {
    const auto script = scratch.write("script", "#!/no/such/interpreter\n", 0755);
    EXPECT_EQ(start(script), ENOENT);
    EXPECT_EQ(last_failure().words,
              "exec " + script +
                  ": No such file or directory (the file exists; the interpreter that it "
                  "names does not?)");
}

TEST_F(Failures, InParts) {
    const auto script = scratch.write("script", "#!/no/such/interpreter\n", 0755);
    EXPECT_EQ(start(script), ENOENT);
    const kspawn_words* const words = kspawn_failure_words();
    ASSERT_NE(words, nullptr);
    EXPECT_EQ(words->subject, "exec " + script);
    EXPECT_STREQ(words->error, "No such file or directory");
    EXPECT_STREQ(words->remark, " (the file exists; the interpreter that it names does not?)");
    EXPECT_EQ(last_failure().words,
              std::string(words->subject) + ": " + words->error + words->remark);
    EXPECT_EQ(start("/nope"), ENOENT);
    EXPECT_STREQ(kspawn_failure_words()->subject, "exec /nope");
    EXPECT_STREQ(kspawn_failure_words()->remark, "");
}

TEST_F(Failures, OfThePidfd) {
    int pidfd = -1;
    const Strings argv{"child", "exit", "0"};
    EXPECT_EQ(
        kspawn_pidfd_spawn(nullptr, helper("child").c_str(), nullptr, nullptr, argv.get(), nullptr),
        EINVAL);
    EXPECT_EQ(last_failure(),
              (Failure{EINVAL, KSPAWN_STEP_COPY, KSPAWN_ARG_RESULT, "result: Invalid argument"}));
    const auto words = in_a_fork([&]() -> std::string {
        limit_descriptors(60);
        use_up_descriptors();
        const int error = kspawn_pidfd_spawn(&pidfd, helper("child").c_str(), nullptr, nullptr,
                                             argv.get(), nullptr);
        return error == EMFILE ? last_failure().words : "no EMFILE";
    });
    EXPECT_EQ(words, "pidfd: Too many open files");
}

// Each of these was told as "exec by libc, or a step before it".
TEST_F(Failures, NameTheStepThatHasThem) {
    const auto file = scratch.write("file", "text");
    const auto add_open = [this](int fd, const std::string& path, int flags) {
        kspawn_spawn_file_actions_addopen(actions.get(), fd, path.c_str(), flags, 0600);
    };
    add_open(30, file, O_RDONLY);
    add_open(31, "/x/y", O_RDONLY);
    add_open(32, "/x/z", O_RDONLY);
    EXPECT_EQ(start_child({"exit", "0"}), ENOENT);
    EXPECT_EQ(last_failure(), (Failure{ENOENT, KSPAWN_STEP_ACTION, 1,
                                       "file action 1: open /x/y: No such file or directory"}));
    // The same error, of the program.
    actions = internal::FileActions{};
    add_open(30, file, O_RDONLY);
    add_open(31, scratch.file("created"), O_WRONLY | O_CREAT);
    EXPECT_EQ(start("/no/such/program"), ENOENT);
    EXPECT_EQ(last_failure(), (Failure{ENOENT, KSPAWN_STEP_EXEC, 0,
                                       "exec /no/such/program: No such file or directory"}));
    add_open(32, file + "/x", O_WRONLY | O_CREAT);
    EXPECT_EQ(start_child({"exit", "0"}), ENOTDIR);
    EXPECT_EQ(last_failure().index, 2U);
    actions = internal::FileActions{};
    add_open(30, file, O_RDONLY);
    add_open(31, file, O_WRONLY | O_CREAT | O_EXCL);
    EXPECT_EQ(start_child({"exit", "0"}), EEXIST);
    EXPECT_EQ(last_failure().index, 1U);
    actions = internal::FileActions{};
    kspawn_spawn_file_actions_addclose(actions.get(), 0);
    kspawn_spawn_file_actions_adddup2(actions.get(), 1, 30);
    kspawn_spawn_file_actions_adddup2(actions.get(), 0, 31);
    EXPECT_EQ(start_child({"exit", "0"}), EBADF);
    EXPECT_EQ(last_failure(), (Failure{EBADF, KSPAWN_STEP_ACTION, 2,
                                       "file action 2: dup2 0 to 31: Bad file descriptor"}));
}

TEST_F(Failures, OutliveTheObjects) {
    const auto file = scratch.file("absent/file");
    {
        internal::FileActions own;
        std::string path = file;
        kspawn_spawn_file_actions_addopen(own.get(), 0, path.c_str(), O_RDONLY, 0);
        std::string program = helper("child");
        const Strings argv{"child"};
        EXPECT_EQ(kspawn_spawn(&pid, program.c_str(), own.get(), nullptr, argv.get(), nullptr),
                  ENOENT);
        path.assign(path.size(), '#');
        program.assign(program.size(), '#');
    }
    EXPECT_EQ(last_failure(),
              (Failure{ENOENT, KSPAWN_STEP_ACTION, 0,
                       "file action 0: open " + file + ": No such file or directory"}));
}

// Where libc leaves several, they are named, and none is made up.
TEST_F(Failures, NameTheFewStepsThatCanHaveThem) {
    if (!through_libc())
        GTEST_SKIP() << "the kernel tells the step";
    // The files that these actions open depend on the directory, which the child alone was in.
    const auto add_open = [this](const char* path) {
        kspawn_spawn_file_actions_addopen(actions.get(), 30, path, O_RDONLY, 0);
    };
    kspawn_spawn_file_actions_addchdir(actions.get(), scratch.path().c_str());
    add_open("one");
    add_open("/dev/null");
    add_open("two");
    EXPECT_EQ(start_child({"exit", "0"}), ENOENT);
    EXPECT_EQ(last_failure(), (Failure{ENOENT, KSPAWN_STEP_LIBC, 0,
                                       "file action 1: open one, or file action 3: open two: No "
                                       "such file or directory (libc does not tell which)"}));
    add_open("three");
    add_open("four");
    EXPECT_EQ(start_child({"exit", "0"}), ENOENT);
    EXPECT_EQ(last_failure().words,
              "file action 1: open one, file action 3: open two, file action 4: open three, or "
              "another: No such file or directory (libc does not tell which)");
    // One that must have failed acquits those behind it.
    actions = internal::FileActions{};
    kspawn_spawn_file_actions_addchdir(actions.get(), scratch.path().c_str());
    add_open("one");
    add_open("/no/such");
    add_open("two");
    EXPECT_EQ(start_child({"exit", "0"}), ENOENT);
    EXPECT_EQ(last_failure().words,
              "file action 1: open one, or file action 2: open /no/such: No such file or directory "
              "(libc does not tell which)");
}

TEST_F(Failures, AreNotForgottenByAskingOrBySuccess) {
    EXPECT_EQ(start("/no/such/program"), ENOENT);
    const auto first = last_failure();
    EXPECT_EQ(last_failure(), first);
    ASSERT_EQ(start_child({"exit", "0"}), 0);
    EXPECT_EQ(exit_code_of(pid), 0);
    EXPECT_EQ(last_failure(), first);
}

TEST_F(Failures, AreEachThreadsOwn) {
    EXPECT_EQ(start("/no/such/program"), ENOENT);
    const auto ours = last_failure();
    std::thread{[this] {
        EXPECT_EQ(kspawn_last_failure(), nullptr);
        pid_t own = 0;
        const Strings argv{"x"};
        EXPECT_EQ(kspawn_spawn(&own, "/", nullptr, nullptr, argv.get(), nullptr), EACCES);
        EXPECT_EQ(last_failure().words, "exec /: Permission denied");
    }}.join();
    EXPECT_EQ(last_failure(), ours);
}

TEST_F(Failures, FitTheBufferOrSaySo) {
    EXPECT_EQ(start("/nope"), ENOENT);
    const std::string words = "exec /nope: No such file or directory";
    std::array<char, KSPAWN_FAILURE_WORDS_MAX> buffer{};
    for (std::size_t size = 1; size <= words.size() + 2; ++size) {
        buffer.fill('#');
        const bool fits = size > words.size();
        EXPECT_EQ(kspawn_strfailure_r(buffer.data(), size), fits ? 0 : ERANGE) << size;
        EXPECT_EQ(std::string(buffer.data()), words.substr(0, size - 1));
        EXPECT_EQ(buffer.at(size), '#') << "written beyond " << size;
    }
    buffer.fill('#');
    EXPECT_EQ(kspawn_strfailure_r(buffer.data(), 0), ERANGE);
    EXPECT_EQ(buffer.front(), '#');
    EXPECT_EQ(kspawn_strfailure_r(nullptr, 10), ERANGE);
}

TEST_F(Failures, ShortenLongNamesInTheMiddle) {
    const std::string path = "/begin/" + std::string(3000, 'x') + "/end";
    kspawn_spawn_file_actions_addopen(actions.get(), 0, path.c_str(), O_RDONLY, 0);
    EXPECT_EQ(start_child({"exit", "0"}), ENOENT);
    const std::string words = kspawn_strfailure();
    EXPECT_LT(words.size(), static_cast<std::size_t>(KSPAWN_FAILURE_WORDS_MAX));
    EXPECT_TRUE(words.starts_with("file action 0: open /begin/xxx")) << words;
    EXPECT_TRUE(words.ends_with("xxx/end: No such file or directory")) << words;
    EXPECT_NE(words.find("x...x"), std::string::npos) << words;
}

TEST_F(Failures, LongestNamesAndListsFit) {
    const std::string name(250, 'n');
    std::string list = "/begin";
    while (list.size() < 100'000)
        list += ":/" + std::string(100, 'd');
    list += ":/end";
    ::setenv("PATH", list.c_str(), 1);
    const Strings argv{"x"};
    EXPECT_EQ(kspawn_spawnp(&pid, name.c_str(), nullptr, nullptr, argv.get(), nullptr), ENOENT);
    ::setenv("PATH", "/usr/bin:/bin", 1);
    const std::string words = kspawn_strfailure();
    EXPECT_TRUE(words.starts_with("search " + name + " in /begin:/ddd")) << words;
    EXPECT_TRUE(words.ends_with(":/end: No such file or directory")) << words;
}

} // namespace

} // namespace kspawn::test
