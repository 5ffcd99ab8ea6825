// SPDX-License-Identifier: LGPL-2.1-or-later
// Writes all of the page but the timeline.  Text of the trace is only ever made a text node
// or an attribute of ours; what hides in it, or turns the direction of writing, is made visible.
"use strict";
// {title, start, summary: the first and the last line, bad_lines, length, verdict: [name,
// sentence], total: [windows, events], kinds: [{name, title, tile, explanation, findings}],
// ways: [{way, open, copied, window, blocked, without}], callers: [{caller, window}], both:
// [{caller, way, shares, without}], of which window, blocked and without are {count,
// percentiles}, and {count, percentiles, log2} a way's window, windows, longest: see windowOf(),
// findings: [{kind, weight, title, words, times, timed}], marks: see timeline.js}
const trace = JSON.parse(document.getElementById("trace").textContent, (key, value) =>
    typeof value !== "string" ? value
        : value.replace(/[\0-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
            (c) => `\\u{${c.charCodeAt(0).toString(16)}}`));
const windowOf = ([number, pid, tid, comm, start, end, blocked, way, child, program, outcome,
    threads, user]) => ({ number, pid, tid, comm, start, end, blocked, way, child, program,
    outcome, threads, user });
// Those with windows for user code first.
const WAYS = {
    vfork: ["vfork", "vfork(): the child runs on its caller's very stack"],
    clone_vm_vfork: ["posix_spawn of libc",
        "clone(CLONE_VM | CLONE_VFORK) with a stack of its own, as in posix_spawn() of glibc and " +
        "musl"],
    clone_vm: ["clone(CLONE_VM)", "memory is shared, and the caller does not wait in clone()"],
    kspawn: ["kspawn", "the kernel sets the child up; no user code runs before exec"],
    fork: ["fork", "memory is copied, not shared; for comparison"],
};
const wayTitle = (way) => Object.hasOwn(WAYS, way) ? WAYS[way][0] : way || "unknown";
const wayRank = (way) => Object.hasOwn(WAYS, way) ? Object.keys(WAYS).indexOf(way) : 99;
const KINDS = Object.fromEntries(trace.kinds.map((kind) => [kind.name, kind]));

const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
}
const el = (tag, attributes, ...children) =>
    fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
    fill(document.createElementNS(SVG, tag), attributes, children);

const duration = (ns) => {
    for (const [size, unit] of [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]])
        if (Math.abs(ns) >= size) {
            const v = ns / size;
            return `${v.toFixed(v >= 100 ? 0 : v >= 10 ? 1 : 2)} ${unit}`;
        }
    return `${Math.round(ns)} ns`;
};
const commas = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");
const counted = (number, one, many = `${one}s`) => `${commas(number)} ${number === 1 ? one : many}`;
const sum = (list, of) => list.reduce((total, item) => total + of(item), 0);

(() => {
    const { start, summary, ways } = trace;
    const executed = sum(ways, (way) => way.window.count);
    const ended = sum(ways, (way) => way.without.count);

    function head() {
        document.title = `${trace.title} · kspawn-trace`;
        $("title").append(trace.title);
        const when = typeof start.wall_time === "number" && start.wall_time >= 0
            ? new Date(start.wall_time * 1000).toISOString().replace("T", " ").slice(0, 19) + " UTC"
            : "";
        const only = Object.entries(start.filter ?? {}).filter(([, value]) => value !== null)
            .map(([name, value]) => `${name} ${value}`);
        const facts = { when, length: duration(trace.length), Linux: start.kernel,
            traced: Array.isArray(start.kinds) && start.kinds.join(", "), only: only.join(", "),
            "exit status": String(summary?.command_status ?? "") };
        for (const [name, value] of Object.entries(facts))
            if (typeof value === "string" && value)
                $("facts").append(el("div", {}, el("dt", {}, name), el("dd", {}, value)));
    }

    // The whole, for somebody who has not seen such a report before.
    function overview() {
        const open = sum(ways, (way) => way.open), copied = sum(ways, (way) => way.copied);
        const risky = KINDS.windows.findings;
        const kernel = sum(ways.filter(({ way }) => way === "kspawn"),
            (way) => way.window.count + way.without.count + way.open);
        if (trace.total[0] + trace.total[1] === 0)
            return "No program was started while the trace ran.";
        const children = (number) => counted(number, "child", "children");
        const were = (number) => counted(number, "was", "were");
        return [`In ${duration(trace.length)}, ${executed ? children(executed) : "no child"} ` +
            "executed a program.",
        ended && `${children(ended)} ended without executing one.`,
        open && `${children(open)} had executed none yet when the trace ended.`,
        risky && counted(risky, "child ran code of its own in the memory of its caller",
            "children ran code of their own in the memory of their caller") + ": " +
            "each such time is a window, in which the hazards below can happen.",
        kernel && `${were(kernel)} started by kspawn: set up inside the kernel, without a window ` +
            "for user code.",
        copied && `${were(copied)} made by fork, with a copy of the memory.`,
        ].filter(Boolean).join(" ");
    }

    // The missing parts of the trace, in words.
    function gaps() {
        const drops = summary?.drops ?? {}, list = [];
        const count = (name) => Math.max(0, Number.isInteger(drops[name]) ? drops[name] : 0);
        const put = (number, words) => number > 0 && list.push(words);
        put(!summary, "The trace was cut off: its last line is missing. Whatever came after its " +
            "last event is not here.");
        put(count("ring"), `${counted(count("ring"), "record was", "records were")} lost, ` +
            "because the buffer had no room.");
        put(count("maps"), `${counted(count("maps"), "thing was", "things were")} not followed, ` +
            "because a map was full.");
        put(count("missed"), `The kernel skipped ${counted(count("missed"), "run")} of a probe.`);
        put(list.length === 0 && count("total"), `${counted(count("total"), "record")} lost.`);
        put(trace.bad_lines, `${counted(trace.bad_lines, "line")} of the file could not be read.`);
        // A hook that two kinds need is there twice.
        list.push(...new Set((Array.isArray(start.missing) ? start.missing : []).map((probe) =>
            `${probe?.hook ?? "a hook"} could not be watched ` +
            `(${probe?.reason ?? "for an unknown reason"}): ` +
            `${probe?.effect ?? "something is not seen"}.`)));
        $("gaps").hidden = list.length === 0;
        if (list.length)
            $("gaps").append(el("h2", {}, "This trace is incomplete"), el("p", {}, "An event that " +
                "is not shown below may have happened all the same."),
            el("ul", {}, ...list.map((words) => el("li", {}, words))));
    }

    function verdict() {
        const [name, sentence] = trace.verdict;
        const colour = { clean: "good", found: "danger" }[name] ?? "doubt";
        fill($("verdict"), { class: `verdict ${colour}` },
            [el("p", { class: "lead" }, sentence), el("p", {}, overview())]);
    }

    function tiles() {
        const others = ended && `; ${counted(ended, "other")} executed none`;
        const starts = { name: "starts", findings: executed,
            tile: `children that executed a program${others || ""}` };
        for (const { name, findings, tile } of [starts, ...trace.kinds])
            $("tiles").append(el("div", { class: `tile ${name}${findings ? "" : " none"}` },
                el("b", {}, commas(findings)), el("i", {}, name), el("span", {}, tile)));
    }

    // More of one sort makes nobody wiser; how many there are is said.
    const MOST_FINDINGS = 200, MOST_ROWS = 25;

    function findings() {
        const list = el("ol", { class: "findings" });
        trace.findings.slice(0, MOST_FINDINGS).forEach((finding, i) => {
            const title = el("h3", {}, el("span", { class: "kind" }, finding.kind), " ",
                finding.title);
            if (finding.times > 1)
                title.append(" ", el("span", { class: "times" }, `${commas(finding.times)} times; ` +
                    `told of ${finding.timed ? "the longest" : "the first"}`));
            list.append(el("li", { class: ["danger", "doubt", "note"][finding.weight],
                id: `finding-${i}` }, title, el("p", {}, finding.words),
            el("button", { type: "button", "data-finding": i, hidden: "" },
                "show on the timeline")));
        });
        if (!trace.findings.length)
            $("found").append(el("p", { class: "empty" }, trace.total[0]
                ? "Nothing was seen to happen around a window." : "Nothing: nothing was started."));
        $("found").append(list);
        if (trace.findings.length > MOST_FINDINGS)
            $("found").append(el("p", { class: "empty" },
                `${counted(trace.findings.length - MOST_FINDINGS, "more sort")} ` +
                "are in the trace."));
    }

    // A table: of each column its title and, if it is not a number, its class; cells are
    // strings or elements.  The first column is the row's head if it is text.
    function table(columns, rows) {
        const classed = ([, name]) => name ? { class: name } : {};
        const cell = (content, i) => i === 0 && columns[0][1]
            ? el("th", { ...classed(columns[0]), scope: "row" }, content)
            : el("td", classed(columns[i]), ...[content].flat());
        return el("div", { class: "scroll" }, el("table", {},
            el("tr", {}, ...columns.map((column) => el("th", classed(column), column[0]))),
            ...rows.map((row) => el("tr", {}, ...row.map(cell)))));
    }
    const FIGURES = [["count"], ["least"], ["median"], ["90 %"], ["99 %"], ["most"]];
    const figures = ({ count, percentiles }) => [commas(count), ...percentiles.map(duration)];

    // The title, what explains it (or nothing), and the rest.
    const section = (title, words, ...children) => $("figures").append(el("section", {},
        el("h2", {}, title), ...(words ? [el("p", { class: "explained" }, words)] : []),
        ...children));
    function listed(title, words, columns, groups, row, of) {
        const sorted = groups.filter((group) => group[of].count)
            .sort((a, b) => b[of].count - a[of].count);
        if (!sorted.length) return;
        const more = sorted.length - MOST_ROWS;
        section(title, words, table([...columns, ...FIGURES], sorted.slice(0, MOST_ROWS).map(
            (group) => [...row(group), ...figures(group[of])])),
        ...(more > 0 ? [el("p", { class: "empty" }, `${more} more.`)] : []));
    }

    // Bars by powers of two: which share of a way's windows.
    function histogram({ way, window }, { low, high, most }) {
        const WIDTH = 600, HEIGHT = 84, BASE = 18 + HEIGHT;
        const MARGIN = 30; // half of the longest label must have room on either side
        const slot = Math.min(80, (WIDTH - 2 * MARGIN) / (high - low + 1));
        const every = Math.max(1, Math.ceil(56 / slot));
        const x = (power) => MARGIN + (power - low) * slot, at = (value) => value.toFixed(1);
        const time = (power) => duration(2 ** power);
        const picture = svg("svg", { class: `histogram way-${way}`,
            viewBox: `0 0 ${WIDTH} ${BASE + 20}`, role: "img", "aria-label": "histogram" });
        for (const [power, count] of window.log2) {
            const share = count / window.count, tall = Math.max(2, share * HEIGHT / most);
            const bar = svg("g", {}, svg("title", {}, `${time(power)} to ${time(power + 1)}: ` +
                `${commas(count)}, ${at(share * 100)} %`),
            svg("rect", { x: at(x(power)), y: at(BASE - tall),
                width: at(slot - Math.min(3, slot / 4)), height: at(tall), rx: 2 }));
            const label = count < 10000 ? commas(count) : `${Math.floor(count / 1000)}k`;
            if (label.length * 7 < slot)
                bar.append(svg("text", { class: "count", x: at(x(power) + slot / 2),
                    y: at(BASE - tall - 4) }, label));
            picture.append(bar);
        }
        for (let power = low; power <= high + 1; power += every)
            picture.append(svg("text", { class: "tick", x: at(x(power)), y: BASE + 15 },
                time(power)));
        picture.append(svg("line", { x1: MARGIN, x2: at(x(high + 1)), y1: BASE, y2: BASE }));
        return picture;
    }

    function byWay() {
        if (!ways.length) return;
        const bars = ways.flatMap(({ window }) => window.log2.map(([power, count]) =>
            [power, count / window.count])); // of all ways: they have one scale
        const scale = { low: Math.min(...bars.map(([power]) => power)),
            high: Math.max(...bars.map(([power]) => power)),
            most: Math.max(...bars.map(([, share]) => share)) };
        const articles = [...ways].sort((a, b) => wayRank(a.way) - wayRank(b.way)).map((group) => {
            const pair = el("div", { class: "pair" });
            if (group.window.count)
                pair.append(el("div", { class: "scroll" }, histogram(group, scale)));
            pair.append(table([["", "text"], ...FIGURES], [["window", group.window],
                ["caller kept waiting", group.blocked], ["life without a program", group.without]]
                .filter(([, { count }]) => count).map(([name, of]) => [name, ...figures(of)])));
            return el("article", {}, el("h3", {}, el("span", { class: `swatch way-${group.way}` }),
                wayTitle(group.way)),
            el("p", {}, Object.hasOwn(WAYS, group.way) ? WAYS[group.way][1] : "a way that is not known here"), pair);
        });
        section("How long, by way of spawning", "From the moment at which the child could run to " +
            "its exec. Each bar is one power of two: its height is the share of that way's " +
            "windows, the number on it how many they are. All have the same scale, in both " +
            "directions. Children that executed no program are in none of the bars.",
        el("div", { class: "ways" }, ...articles));
    }

    function longest() {
        if (!trace.longest.length) return;
        section("The longest windows", "", table([["open for"], ["at"], ["caller", "text"],
            ["threads"], ["way", "text"], ["program", "text path"]],
        trace.longest.map(windowOf).map((w) => [
            duration((w.end ?? trace.length) - w.start) + (w.end === null ? ", still" : ""),
            duration(w.start), [`${w.comm} `, el("small", {}, String(w.tid))],
            w.threads === null ? "?" : commas(w.threads), wayTitle(w.way),
            w.program || el("em", {}, "none")])));
    }

    head();
    verdict();
    gaps();
    tiles();
    findings();
    byWay();
    longest();
    listed("Callers that start programs", "", [["caller", "text"]], trace.callers,
        ({ caller }) => [caller], "window");
    listed("Children that executed no program", "How long they lived. With a copy of the memory " +
        "that is no hazard; one that shares its caller's memory has a window all its life.",
    [["caller", "text"], ["way", "text"], ["memory", "text"]], trace.both,
    ({ caller, way, shares }) => [caller, wayTitle(way), shares ? "shared" : "a copy"], "without");
    for (const { name, explanation } of trace.kinds)
        $("glossary").append(el("dt", {}, name), el("dd", {}, explanation));
    const drawn = [trace.windows.length, trace.marks.length];
    $("partly").hidden = drawn.every((number, i) => number === trace.total[i]);
    if (!$("partly").hidden)
        $("partly").append(`Drawn: ${commas(drawn[0])} of ${counted(trace.total[0], "window")}, ` +
            `${commas(drawn[1])} of ${counted(trace.total[1], "event")}. Those with findings come ` +
            "first, then the longest. All figures elsewhere are of all.");
})();
