// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_CONFORMANCE_STARTER_HPP
#define KSPAWN_CONFORMANCE_STARTER_HPP

#include <kspawn/child.hpp>

#include <array>
#include <string>
#include <vector>

#include "specification.hpp"

namespace conformance {

/// A process that carries specifications out, by one implementation.
class Starter {
public:
    /// @param name kspawn, glibc, musl or builder
    explicit Starter(const std::string& name);

    [[nodiscard]] const std::string& name() const { return name_; }
    /// Whether this implementation has all that the specification asks for.
    [[nodiscard]] bool supports(const Specification& specification) const;

    void send(const Specification& specification);
    /// The outcome; throws std::runtime_error if the starter itself has failed.
    nlohmann::json receive();

private:
    std::string name_;
    kspawn::Child child_;
    std::string received_;
};

/// The three of them, and what they need in the file system.
class Starters {
public:
    Starters();
    Starters(const Starters&) = delete;
    Starters& operator=(const Starters&) = delete;
    Starters(Starters&&) = delete;
    Starters& operator=(Starters&&) = delete;
    ~Starters();

    struct Answer {
        std::string name;
        nlohmann::json said;
    };
    /// Those that support it carry it out, all at once.  Ours is the first.
    std::vector<Answer> carry_out(const Specification& specification);

private:
    std::vector<Starter> starters_;
};

} // namespace conformance

#endif
