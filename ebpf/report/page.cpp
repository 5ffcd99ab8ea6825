// SPDX-License-Identifier: LGPL-2.1-or-later
#include "page.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>
#include <utility>

#include "assets.hpp"
#include "bars.hpp"
#include "evidence.hpp"
#include "html.hpp"
#include "statistics.hpp"
#include "timeline.hpp"
#include "words.hpp"

namespace kspawn::trace::report {

namespace {

// More of one sort makes nobody wiser; how many there are is said.
constexpr std::size_t most_findings = 200;
constexpr std::size_t most_programs = 25;
constexpr std::size_t most_windows = 25;

std::string title_of(const Trace& trace, const PageOptions& options) {
    if (!options.title.empty())
        return options.title;
    std::string words;
    const auto command = trace.start.find("command");
    if (command != trace.start.end() && command->is_array())
        for (const auto& word : *command)
            if (word.is_string())
                words += (words.empty() ? "" : " ") + word.get<std::string>();
    return words.empty() ? "All that was started" : words;
}

std::string moment(const Json& start) {
    const auto found = start.find("wall_time");
    if (found == start.end() || !found->is_number())
        return "";
    const auto seconds = static_cast<std::time_t>(found->get<double>());
    std::tm parts{};
    if (seconds < 0 || ::gmtime_r(&seconds, &parts) == nullptr)
        return "";
    return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", parts);
}

void put_fact(std::string* page, std::string_view name, const std::string& value) {
    if (!value.empty())
        *page += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", name, escaped(value));
}

std::string filter_of(const Json& start) {
    std::string text;
    const auto filter = start.find("filter");
    if (filter == start.end() || !filter->is_object())
        return text;
    for (const auto& [name, value] : filter->items())
        if (!value.is_null())
            text += (text.empty() ? "" : ", ") + name + " " +
                    (value.is_string() ? value.get<std::string>() : value.dump());
    return text;
}

std::string kinds_of(const Json& start) {
    std::string text;
    const auto kinds = start.find("kinds");
    if (kinds != start.end() && kinds->is_array())
        for (const auto& kind : *kinds)
            if (kind.is_string())
                text += (text.empty() ? "" : ", ") + kind.get<std::string>();
    return text;
}

void put_head(std::string* page, const Trace& trace, const std::string& title) {
    *page += fmt::format("<header><p class=\"over\">kspawn-trace report</p><h1>{}</h1><dl "
                         "class=\"facts\">",
                         escaped(title));
    put_fact(page, "when", moment(trace.start));
    put_fact(page, "length", duration_in_words(trace.length()));
    put_fact(page, "Linux", text_at(trace.start, "kernel"));
    put_fact(page, "traced", kinds_of(trace.start));
    put_fact(page, "only", filter_of(trace.start));
    if (trace.summary)
        if (const auto status = number_at(*trace.summary, "command_status"))
            put_fact(page, "exit status", std::to_string(*status));
    *page += "</dl></header>\n";
}

/// The missing parts of the trace, in words; nothing if it is whole.
std::vector<std::string> gaps_of(const Trace& trace) {
    std::vector<std::string> gaps;
    if (!trace.summary)
        gaps.emplace_back("The trace was cut off: its last line is missing. Whatever came after "
                          "its last event is not here.");
    else if (const auto drops = trace.summary->find("drops");
             drops != trace.summary->end() && drops->is_object()) {
        const auto count = [&](const char* name) {
            return static_cast<std::uint64_t>(
                std::max<std::int64_t>(number_at(*drops, name).value_or(0), 0));
        };
        if (count("ring") > 0)
            gaps.push_back(fmt::format("{} lost, because the buffer had no room.",
                                       count("ring") == 1
                                           ? "1 record was"
                                           : with_commas(count("ring")) + " records were"));
        if (count("maps") > 0)
            gaps.push_back(fmt::format(
                "{} not followed, because a map was full.",
                count("maps") == 1 ? "1 thing was" : with_commas(count("maps")) + " things were"));
        if (count("missed") > 0)
            gaps.push_back(
                fmt::format("The kernel skipped {} of a probe.", counted(count("missed"), "run")));
        if (gaps.empty() && count("total") > 0)
            gaps.push_back(fmt::format("{} lost.", counted(count("total"), "record")));
    }
    if (trace.bad_lines > 0)
        gaps.push_back(
            fmt::format("{} of the file could not be read.", counted(trace.bad_lines, "line")));
    if (const auto missing = trace.start.find("missing");
        missing != trace.start.end() && missing->is_array())
        for (const auto& hook : *missing)
            if (hook.is_object())
                gaps.push_back(fmt::format("{} could not be watched ({}): {}.",
                                           text_at(hook, "hook", "a hook"),
                                           text_at(hook, "reason", "for an unknown reason"),
                                           text_at(hook, "effect", "something is not seen")));
    return gaps;
}

std::string_view colour_of(Verdict verdict) {
    switch (verdict) {
    case Verdict::clean:
        return "good";
    case Verdict::found:
        return "danger";
    case Verdict::unknown:
        break;
    }
    return "doubt";
}

void put_verdict(std::string* page, const Trace& trace, const std::vector<std::string>& gaps) {
    const auto evidence = evidence_of(trace);
    *page += fmt::format(R"(<section class="verdict {}"><p class="lead">{}</p><p>{}</p>)",
                         colour_of(judge(evidence)), escaped(sentence_of(evidence)),
                         escaped(overview_of(trace)));
    *page += "</section>\n";
    if (gaps.empty())
        return;
    *page += "<section class=\"gaps\" id=\"gaps\"><h2>This trace is incomplete</h2><p>What is not "
             "shown below may have happened all the same.</p><ul>";
    for (const auto& gap : gaps)
        *page += fmt::format("<li>{}</li>", escaped(gap));
    *page += "</ul></section>\n";
}

void put_tiles(std::string* page, const Trace& trace) {
    // As the verdict counts them.
    const auto found = evidence_of(trace).tallies;
    const auto fates = fates_of(trace);
    std::string starts = "children that executed a program";
    if (fates.without > 0)
        starts +=
            fmt::format("; {} executed none",
                        fates.without == 1 ? "1 other" : with_commas(fates.without) + " others");
    const std::array<std::tuple<std::string_view, std::string_view, std::uint64_t>, 6> tiles{{
        {"starts", starts, fates.executed},
        {"windows", "in which a child ran code in its caller's memory",
         found.at(kind_windows).findings},
        {"creds", "changes of credentials in a window", found.at(kind_creds).findings},
        {"signals", "handlers called in a window", found.at(kind_signals).findings},
        {"fds", "descriptors that reached a program by accident", found.at(kind_fds).findings},
        {"stalls", "waits on the way to a program", found.at(kind_stalls).findings},
    }};
    *page += "<section class=\"tiles\">";
    for (const auto& [kind, words, count] : tiles)
        *page += fmt::format("<div class=\"tile {}{}\"><b>{}</b><i>{}</i><span>{}</span></div>",
                             kind, count == 0 ? " none" : "", with_commas(count), kind, words);
    *page += "</section>\n";
}

void put_findings(std::string* page, const Trace& trace, const std::vector<Finding>& findings) {
    *page += "<section><h2>What was found</h2>";
    if (findings.empty())
        *page += fmt::format("<p class=\"empty\">{}</p>",
                             trace.windows.empty() ? "Nothing: nothing was started."
                                                   : "Nothing was seen to happen around a window.");
    *page += "<ol class=\"findings\">";
    for (std::size_t i = 0; i < std::min(findings.size(), most_findings); i++) {
        const auto& finding = findings[i];
        constexpr std::array<std::string_view, 3> weights{"danger", "doubt", "note"};
        *page += fmt::format(
            "<li class=\"{}\" id=\"finding-{}\"><h3><span class=\"kind\">{}</span> {}{}</h3>"
            "<p>{}</p><button type=\"button\" data-finding=\"{}\" hidden>show on the "
            "timeline</button></li>\n",
            weights.at(static_cast<std::size_t>(finding.weight)), i, escaped(finding.kind),
            escaped(finding.title),
            finding.events.size() > 1
                ? fmt::format(" <span class=\"times\">{} times; told of {}</span>",
                              with_commas(finding.events.size()),
                              finding.worst > 0 ? "the longest" : "the first")
                : "",
            escaped(finding.text), i);
    }
    *page += "</ol>";
    if (findings.size() > most_findings)
        *page += fmt::format("<p class=\"empty\">{} more are in the trace.</p>",
                             counted(findings.size() - most_findings, "sort"));
    *page += "</section>\n";
}

void put_timeline(std::string* page, const Trace& trace, const Timeline& timeline) {
    *page += "<section><h2>Timeline</h2>";
    if (timeline.windows < trace.windows.size() || timeline.marks < trace.events.size())
        *page += fmt::format(
            "<p class=\"partly\">Drawn: {} of {}, {} of {}. Those with findings come first, then "
            "the longest. All figures elsewhere are of all.</p>",
            with_commas(timeline.windows), counted(trace.windows.size(), "window"),
            with_commas(timeline.marks), counted(trace.events.size(), "event"));
    *page +=
        "<noscript><p class=\"empty\">The timeline is drawn by a script, which this browser does "
        "not run. All else on this page does without.</p></noscript>"
        "<div id=\"timeline\" hidden><div class=\"bar\"><div id=\"legend\"></div>"
        "<div class=\"zoom\"><button type=\"button\" data-zoom=\"in\" title=\"zoom in "
        "(+)\">+</button><button type=\"button\" data-zoom=\"out\" title=\"zoom out "
        "(−)\">−</button><button type=\"button\" data-zoom=\"all\" title=\"the whole trace "
        "(0)\">all</button></div></div>"
        "<canvas id=\"overview\" aria-hidden=\"true\"></canvas>"
        "<div id=\"lanes\" tabindex=\"0\" role=\"img\" aria-label=\"Threads, the windows that "
        "they opened, and what happened in them. The findings above say the same in words.\">"
        "<canvas id=\"drawing\"></canvas><div id=\"space\"></div></div>"
        "<p class=\"hint\">Drag to move, Ctrl + wheel or + and − to zoom, double-click to zoom in, "
        "0 for all of it. Drag on the strip above to choose a time. Hover for details, click to "
        "keep them. Where windows, waits or marks are too close to be told apart, each column of "
        "colour stands for those at its place: the deeper, the more of them, or the longer. Waits "
        "are the line beneath the windows.</p><div id=\"details\" hidden></div></div>"
        "<div id=\"tip\" hidden></div></section>\n";
}

std::string row_head(std::string_view name) {
    return fmt::format(R"(<th class="text" scope="row">{}</th>)", escaped(name));
}

/// A row: `head` is its first cells.
void put_percentiles(std::string* page, std::string_view head, const Durations& durations) {
    if (durations.count() == 0)
        return;
    *page += fmt::format("<tr>{}<td>{}</td>", head, with_commas(durations.count()));
    for (const auto percent : {0.0, 50.0, 90.0, 99.0, 100.0})
        *page += fmt::format("<td>{}</td>", duration_in_words(durations.percentile(percent)));
    *page += "</tr>";
}

constexpr std::string_view percentile_head =
    "<th>count</th><th>least</th><th>median</th><th>90 %</th><th>99 %</th><th>most</th></tr>";

void put_ways(std::string* page, const Statistics& statistics) {
    if (statistics.by_way.empty())
        return;
    const auto scale = scale_of(statistics);
    *page += "<section><h2>How long, by way of spawning</h2><p class=\"explained\">From the moment "
             "at which the child could run to its exec. Each bar is one power of two: its height "
             "is the share of that way's windows, the number on it how many they are. All have "
             "the same scale, in both directions. Children that executed no program are in none "
             "of the bars.</p><div class=\"ways\">";
    // Those with windows for user code first, as way_rank() has them.
    std::vector<std::pair<std::string, const Group*>> ways;
    for (const auto& [way, group] : statistics.by_way)
        ways.emplace_back(way, &group);
    std::ranges::stable_sort(ways, {}, [](const auto& entry) { return way_rank(entry.first); });
    for (const auto& [way, pointer] : ways) {
        const auto& group = *pointer;
        const auto words = way_in_words(way.empty() ? "unknown" : std::string_view{way});
        *page += fmt::format("<article><h3><span class=\"swatch way-{}\"></span>{}</h3><p>{}</p>"
                             "<div class=\"pair\">",
                             escaped(way), escaped(words.title), escaped(words.explanation));
        if (group.window.count() > 0)
            *page += "<div class=\"scroll\">" + histogram(group.window, scale, way) + "</div>";
        *page += fmt::format("<div class=\"scroll\"><table><tr><th class=\"text\"></th>{}",
                             percentile_head);
        put_percentiles(page, row_head("window"), group.window);
        put_percentiles(page, row_head("caller kept waiting"), group.blocked);
        put_percentiles(page, row_head("life without a program"), group.without);
        *page += "</table></div></div></article>\n";
    }
    *page += "</div></section>\n";
}

void put_programs(std::string* page, const Statistics& statistics) {
    std::vector<std::pair<std::string, const Group*>> programs;
    for (const auto& [name, group] : statistics.by_program)
        if (group.window.count() > 0)
            programs.emplace_back(name, &group);
    if (programs.empty())
        return;
    std::ranges::stable_sort(programs, std::ranges::greater{},
                             [](const auto& entry) { return entry.second->window.count(); });
    *page += fmt::format("<section><h2>Who starts programs</h2><div class=\"scroll\"><table>"
                         "<tr><th class=\"text\">caller</th>{}",
                         percentile_head);
    const auto shown = std::min(programs.size(), most_programs);
    for (std::size_t i = 0; i < shown; i++)
        put_percentiles(page, row_head(programs[i].first), programs[i].second->window);
    *page += "</table></div>";
    if (shown < programs.size())
        *page += fmt::format("<p class=\"empty\">{} more.</p>", programs.size() - shown);
    *page += "</section>\n";
}

void put_longest(std::string* page, const Trace& trace) {
    std::vector<const Window*> longest;
    for (const auto& window : trace.windows)
        if (window.shared && window.user_code && window.outcome != "exit")
            longest.push_back(&window);
    if (longest.empty())
        return;
    const auto length = trace.length();
    const auto rank = [length](const Window* window) {
        // A window that is still open has been so until the trace's end.
        return window->duration.value_or(length - window->start);
    };
    std::ranges::stable_sort(longest, std::ranges::greater{}, rank);
    if (longest.size() > most_windows)
        longest.resize(most_windows);
    *page += "<section><h2>The longest windows</h2><div class=\"scroll\"><table><tr><th>open for"
             "</th><th>at</th><th class=\"text\">caller</th><th>threads</th><th class=\"text\">way"
             "</th><th class=\"text path\">program</th></tr>";
    for (const auto* window : longest)
        *page += fmt::format(
            "<tr><td>{}{}</td><td>{}</td><td class=\"text\">{} <small>{}</small></td><td>{}</td>"
            "<td class=\"text\">{}</td><td class=\"text path\">{}</td></tr>\n",
            duration_in_words(rank(window)), window->end ? "" : ", still",
            duration_in_words(window->start), escaped(window->caller.comm), window->caller.tid,
            window->threads ? with_commas(static_cast<std::uint64_t>(*window->threads)) : "?",
            escaped(way_in_words(window->way).title),
            window->program.empty() ? "<em>none</em>" : escaped(window->program));
    *page += "</table></div></section>\n";
}

void put_without(std::string* page, const Statistics& statistics) {
    std::vector<std::pair<std::pair<std::string, std::string>, const Group*>> groups;
    for (const auto& [name, group] : statistics.by_program_and_way)
        if (group.without.count() > 0)
            groups.emplace_back(name, &group);
    if (groups.empty())
        return;
    std::ranges::stable_sort(groups, std::ranges::greater{},
                             [](const auto& entry) { return entry.second->without.count(); });
    *page += fmt::format(
        "<section><h2>Children that executed no program</h2><p class=\"explained\">How long they "
        "lived. With a copy of the memory that is no hazard; one that shares its caller's memory "
        "has a window all its life.</p><div class=\"scroll\"><table><tr><th class=\"text\">caller"
        "</th><th class=\"text\">way</th><th class=\"text\">memory</th>{}",
        percentile_head);
    const auto shown = std::min(groups.size(), most_programs);
    for (std::size_t i = 0; i < shown; i++) {
        const auto& [name, group] = groups[i];
        put_percentiles(page,
                        row_head(name.first) +
                            fmt::format(R"(<td class="text">{}</td><td class="text">{}</td>)",
                                        escaped(way_in_words(name.second).title),
                                        group->shared ? "shared" : "a copy"),
                        group->without);
    }
    *page += "</table></div>";
    if (shown < groups.size())
        *page += fmt::format("<p class=\"empty\">{} more.</p>", groups.size() - shown);
    *page += "</section>\n";
}

constexpr std::string_view glossary =
    R"html(<section class="glossary"><h2>How to read this</h2><dl>
<dt>window</dt><dd>To start a program, a process first makes a child. Until the child executes
the program, it may run in its caller's memory, side by side with the caller's other threads:
that time is the window. It is where the hazards are.</dd>
<dt>creds</dt><dd>A thread gave up privileges while such a child still had them. One who has
less can then write the memory from which one who has more executes. Set privileges before
threads start programs, or hold a lock over both.</dd>
<dt>signals</dt><dd>A signal handler of the caller ran in the child, on the caller's memory.
Block all signals before the child is made, and reset their handlers in it.</dd>
<dt>fds</dt><dd>A descriptor was open, and not yet close-on-exec, when another thread started a
program, which now has it. Open with O_CLOEXEC.</dd>
<dt>stalls</dt><dd>Somebody waited: the caller for its child, or a thread for a lock that the
start of a program holds.</dd></dl></section>
)html";

} // namespace

std::string page_of(const Trace& trace, const PageOptions& options) {
    const auto title = title_of(trace, options);
    const auto findings = findings_of(trace);
    const auto gaps = gaps_of(trace);
    const auto timeline = timeline_of(trace, findings, options.most_drawn);
    const auto statistics = statistics_of(trace);
    auto page = fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
        "'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n"
        "<link rel=\"icon\" href=\"data:,\">\n"
        "<title>{} · kspawn-trace</title>\n<style>\n{}</style></head>\n<body>\n",
        escaped(title), style_sheet());
    put_head(&page, trace, title);
    page += "<main>\n";
    put_verdict(&page, trace, gaps);
    put_tiles(&page, trace);
    put_timeline(&page, trace, timeline);
    put_findings(&page, trace, findings);
    put_ways(&page, statistics);
    put_longest(&page, trace);
    put_programs(&page, statistics);
    put_without(&page, statistics);
    page += glossary;
    page += "</main>\n<script type=\"application/json\" id=\"trace\">";
    page += timeline.data;
    page += "</script>\n<script>\n";
    page += script();
    page += "</script>\n</body></html>\n";
    return page;
}

} // namespace kspawn::trace::report
