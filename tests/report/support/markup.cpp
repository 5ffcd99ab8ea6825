// SPDX-License-Identifier: LGPL-2.1-or-later
#include "markup.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace kspawn::test {

namespace {

constexpr std::array<std::pair<std::string_view, char>, 5> entities{
    {{"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}, {"&amp;", '&'}}};
constexpr std::array<std::string_view, 3> empty_elements{"meta", "link", "br"};

class Reader {
public:
    explicit Reader(std::string_view page) : rest_(page) {}
    Markup read() {
        if (!skip("<!DOCTYPE html>"))
            fail("no doctype");
        while (!rest_.empty() && result_.trouble.empty()) {
            if (rest_.front() == '<')
                tag();
            else
                text();
        }
        if (!open_.empty())
            fail("not closed: " + open_.back());
        return std::move(result_);
    }

private:
    void fail(const std::string& trouble) {
        if (result_.trouble.empty())
            result_.trouble = trouble + ", before: " + std::string(rest_.substr(0, 60));
        rest_ = {};
    }
    bool skip(std::string_view expected) {
        if (!rest_.starts_with(expected))
            return false;
        rest_.remove_prefix(expected.size());
        return true;
    }
    std::string until(std::string_view any) {
        const auto end = std::min(rest_.find_first_of(any), rest_.size());
        std::string found(rest_.substr(0, end));
        rest_.remove_prefix(end);
        return found;
    }
    std::string undone(std::string_view text) {
        std::string result;
        while (!text.empty()) {
            std::size_t taken = 1;
            char character = text.front();
            if (character == '&') {
                const auto* found = std::ranges::find_if(
                    entities, [&](const auto& entity) { return text.starts_with(entity.first); });
                if (found == entities.end()) {
                    fail("a bare &");
                    return result;
                }
                taken = found->first.size();
                character = found->second;
            }
            result += character;
            text.remove_prefix(taken);
        }
        return result;
    }
    void text() {
        const auto found = until("<");
        if (found.find('>') != std::string::npos)
            fail("a bare >");
        result_.text += undone(found);
    }
    void tag() {
        rest_.remove_prefix(1);
        const bool closes = skip("/");
        const auto name = until(" />\n");
        if (name.empty() || !std::ranges::all_of(name, [](unsigned char c) {
                return std::isalnum(c) != 0 || c == '-';
            }))
            return fail("no element: " + name);
        if (closes) {
            if (open_.empty() || open_.back() != name || !skip(">"))
                return fail("closed at the wrong place: " + name);
            open_.pop_back();
            return;
        }
        result_.elements.push_back(name);
        attributes();
        if (skip("/>"))
            return;
        if (!skip(">"))
            return fail("a tag without end: " + name);
        if (std::ranges::find(empty_elements, name) != empty_elements.end())
            return;
        open_.push_back(name);
        if (name == "script" || name == "style")
            raw(name);
    }
    void attributes() {
        while (skip(" ") || skip("\n")) {
            const auto name = until("= >/\n");
            std::string value;
            if (skip("=")) {
                if (!skip("\""))
                    return fail("an attribute without quotes: " + name);
                value = undone(until("\""));
                if (!skip("\""))
                    return fail("a value without end: " + name);
            }
            if (name == "id") {
                if (std::ranges::find(result_.ids, value) != result_.ids.end())
                    return fail("twice the id " + value);
                result_.ids.push_back(value);
            }
            result_.attributes.emplace_back(name, value);
        }
    }
    void raw(const std::string& name) {
        const auto end = rest_.find("</" + name);
        if (end == std::string_view::npos)
            return fail("without end: " + name);
        if (name == "script")
            result_.scripts.emplace_back(rest_.substr(0, end));
        rest_.remove_prefix(end);
    }

    std::string_view rest_;
    std::vector<std::string> open_;
    Markup result_;
};

} // namespace

std::size_t Markup::count(std::string_view element) const {
    return static_cast<std::size_t>(std::ranges::count(elements, element));
}

Markup take_to_pieces(std::string_view page) {
    return Reader(page).read();
}

} // namespace kspawn::test
