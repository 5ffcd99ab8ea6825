// SPDX-License-Identifier: LGPL-2.1-or-later
#include "credentials.hpp"

#include <linux/capability.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace kspawn::trace {

namespace {

bool has_capability(std::uint64_t set, unsigned capability) {
    return (set >> capability & 1) != 0;
}

} // namespace

std::vector<std::string_view> changed_fields(const trace_credentials& before,
                                             const trace_credentials& after) {
    std::vector<std::string_view> names;
    const auto compare = [&](std::string_view name, const auto& field) {
        if (before.*field != after.*field)
            names.push_back(name);
    };
    compare("uid", &trace_credentials::uid);
    compare("gid", &trace_credentials::gid);
    compare("euid", &trace_credentials::euid);
    compare("egid", &trace_credentials::egid);
    compare("suid", &trace_credentials::suid);
    compare("sgid", &trace_credentials::sgid);
    compare("fsuid", &trace_credentials::fsuid);
    compare("fsgid", &trace_credentials::fsgid);
    if (before.group_count != after.group_count || before.group_hash != after.group_hash)
        names.emplace_back("groups");
    compare("cap_inheritable", &trace_credentials::cap_inheritable);
    compare("cap_permitted", &trace_credentials::cap_permitted);
    compare("cap_effective", &trace_credentials::cap_effective);
    compare("cap_bounding", &trace_credentials::cap_bounding);
    compare("cap_ambient", &trace_credentials::cap_ambient);
    compare("securebits", &trace_credentials::securebits);
    compare("no_new_privs", &trace_credentials::no_new_privs);
    compare("session_keyring", &trace_credentials::session_keyring);
    compare("process_keyring", &trace_credentials::process_keyring);
    compare("thread_keyring", &trace_credentials::thread_keyring);
    if (std::string_view{std::data(before.label)} != std::string_view{std::data(after.label)})
        names.emplace_back("label");
    return names;
}

// As __ptrace_may_access() and cap_ptrace_access_check() of the kernel have it.
bool has_less(const trace_credentials& one, const trace_credentials& other) {
    if (has_capability(one.cap_effective, CAP_SYS_PTRACE))
        return false;
    const auto is_uid = [&one](std::uint32_t uid) { return uid == one.uid; };
    const auto is_gid = [&one](std::uint32_t gid) { return gid == one.gid; };
    const bool same = is_uid(other.uid) && is_uid(other.euid) && is_uid(other.suid) &&
                      is_gid(other.gid) && is_gid(other.egid) && is_gid(other.sgid);
    return !same || (other.cap_permitted & ~one.cap_permitted) != 0;
}

std::string_view exposed(const trace_creds_record& record) {
    const bool who_has_less = has_less(record.after, record.other);
    const bool other_has_less = has_less(record.other, record.after);
    // The thread is the child, or the other is.
    const bool child = record.by_child != 0 ? other_has_less : who_has_less;
    const bool caller = record.by_child != 0 ? who_has_less : other_has_less;
    if (child && caller)
        return "both";
    if (child)
        return "child";
    return caller ? "caller" : "none";
}

} // namespace kspawn::trace
