// SPDX-License-Identifier: LGPL-2.1-or-later
// Draws the timeline, from what page.js has read.
"use strict";
(() => {
    const root = $("timeline"), pane = $("lanes"), canvas = $("drawing"), strip = $("overview");
    const kinds = Object.keys(KINDS).filter((name) => name !== "windows");
    const kindTitle = (kind) => KINDS[kind].title;
    // A lane, from top to bottom: marks, if it has any; windows; waits, if it has any.
    const AXIS = 26, BAR = 13, PAD = 6, LABEL = 190, MARKS = 16, WAITS = 8, GLYPH = 6.5;

    const windows = trace.windows.map(windowOf).map((w) => ({ ...w, open: w.end === null,
        end: w.end ?? trace.length, level: 0 }));
    const byNumber = new Map(windows.map((w) => [w.number, w]));
    const marks = trace.marks.map(([kind, pid, tid, comm, time, end, window, words, group]) => ({
        kind, pid, tid, comm, time, end, window: byNumber.get(window) ?? null, words, group,
        weight: trace.findings[group].weight,
    }));
    if (windows.length + marks.length === 0) return;
    root.hidden = false;
    const ways = [...new Set(windows.map((w) => w.way))].sort((a, b) => wayRank(a) - wayRank(b));

    // A row for each thread, those of a process together, in the order of appearance.
    const processes = new Map();
    for (const item of [...windows, ...marks]) {
        const time = item.time ?? item.start;
        const process = processes.get(item.pid) ?? { first: time, threads: new Map() };
        process.first = Math.min(process.first, time);
        processes.set(item.pid, process);
        if (!process.threads.has(item.tid))
            process.threads.set(item.tid, { pid: item.pid, tid: item.tid, comm: item.comm,
                windows: [], marks: [], waits: [], levels: 1, found: false });
    }
    const lanes = [...processes.values()].sort((a, b) => a.first - b.first).flatMap(
        ({ threads }) => [...threads.values()].sort((a, b) => a.tid - b.tid));
    lanes.forEach((lane, i) => lane.number = i);
    for (const item of [...windows, ...marks])
        item.lane = processes.get(item.pid).threads.get(item.tid).number;
    for (const w of windows) lanes[w.lane].windows.push(w);
    for (const m of marks) {
        (m.kind === "stalls" ? lanes[m.lane].waits : lanes[m.lane].marks).push(m);
        if (m.weight < 2) {
            lanes[m.lane].found = true;
            if (m.window) lanes[m.window.lane].found = true;
        }
    }
    for (const lane of lanes) { // overlapping windows of one thread go below each other
        const ends = [];
        for (const w of lane.windows) {
            let level = ends.findIndex((end) => end <= w.start);
            if (level < 0) level = ends.length < 6 ? ends.push(0) - 1 : 5;
            ends[level] = Math.max(ends[level], w.end);
            w.level = level;
        }
        lane.levels = Math.max(1, ends.length);
        // The longest so far, to know where to begin to draw.
        let longest = 0;
        lane.longest = lane.windows.map((w) => (longest = Math.max(longest, w.end - w.start)));
    }

    const full = Math.max(trace.length, 1) * 1.02;
    let from = -full * 0.01, to = full, hovered = null, kept = null, printing = false;
    const hidden = new Set();
    let onlyFound = lanes.length > 40 && lanes.some((lane) => lane.found);
    let shown = [], total = 0, colours = {};

    function layout() {
        const found = new Set(lanes.filter((lane) => lane.found).map((lane) => lane.pid));
        shown = lanes.filter((lane) => !onlyFound || lane.found)
            .sort((a, b) => found.has(b.pid) - found.has(a.pid)); // stable: else as they came
        let y = AXIS;
        for (const lane of lanes) lane.shown = false;
        for (const lane of shown) {
            lane.shown = true;
            lane.y = y;
            lane.above = lane.marks.length ? MARKS : 0;
            lane.below = lane.waits.length ? WAITS : 0;
            lane.height = lane.above + lane.levels * (BAR + 3) - 3 + lane.below + 2 * PAD;
            y += lane.height;
        }
        total = y + 4;
        $("space").style.height = "0px";
        // On paper nobody scrolls; and no canvas is without end.
        const height = Math.min(total, printing ? 8000 : Math.max(220, innerHeight * 0.62));
        pane.style.height = `${height}px`;
        $("space").style.height = `${Math.max(0, total - height)}px`;
        fit(canvas, pane.clientWidth, height - 2);
        fit(strip, pane.clientWidth, 42);
    }
    function fit(element, width, height) {
        const scale = devicePixelRatio || 1;
        element.width = Math.round(width * scale);
        element.height = Math.round(height * scale);
        element.style.height = `${height}px`;
        element.getContext("2d").setTransform(scale, 0, 0, scale, 0, 0);
    }
    function readColours() {
        const style = getComputedStyle(document.documentElement);
        for (const name of ["paper", "page", "ink", "soft", "line", "stripe", "link", "unknown",
            "wait", ...Object.keys(WAYS), ...kinds])
            colours[name] = style.getPropertyValue(`--${name}`).trim() || style.getPropertyValue(
                "--unknown").trim();
    }
    const colourOf = (way) => colours[way] || colours.unknown;
    const labelWidth = () => Math.min(LABEL, pane.clientWidth * 0.3);
    const width = () => pane.clientWidth - labelWidth();
    const x = (time) => labelWidth() + (time - from) / (to - from) * width();
    const timeAt = (px) => from + (px - labelWidth()) / width() * (to - from);

    function step(span, room) { // a round time, so that `room` pixels are between ticks
        const least = span * 90 / room;
        const power = 10 ** Math.floor(Math.log10(least));
        for (const factor of [1, 2, 5, 10])
            if (factor * power >= least) return Math.max(1, factor * power);
        return power;
    }

    function glyph(g, kind, cx, cy, size) {
        g.beginPath();
        if (kind === "creds") {
            g.moveTo(cx, cy - size); g.lineTo(cx + size, cy); g.lineTo(cx, cy + size);
            g.lineTo(cx - size, cy);
        } else if (kind === "signals") {
            g.moveTo(cx, cy - size); g.lineTo(cx + size, cy + size * 0.8);
            g.lineTo(cx - size, cy + size * 0.8);
        } else if (kind === "fds") {
            g.arc(cx, cy, size * 0.85, 0, 7);
        } else {
            g.rect(cx - size, cy - 2, size * 2, 4);
        }
        g.closePath();
        g.fillStyle = colours[kind];
        g.fill();
    }

    function bar(g, w, left, top, wide, high) {
        g.fillStyle = colourOf(w.way);
        if (w.user) {
            g.fillRect(left, top, wide, high);
            return;
        }
        g.globalAlpha = wide > 3 ? 0.3 : 0.8; // hollow: no user code on the caller's memory
        g.fillRect(left, top, wide, high);
        g.globalAlpha = 1;
        if (wide > 3) {
            g.lineWidth = 1;
            g.strokeStyle = colourOf(w.way);
            g.strokeRect(left + 0.5, top + 0.5, wide - 1, high - 1);
        }
    }

    const first = (lane, time) => { // the first window that may reach beyond `time`
        let low = 0, high = lane.windows.length;
        while (low < high) {
            const middle = (low + high) >> 1;
            if (lane.windows[middle].start + lane.longest[middle] < time) low = middle + 1;
            else high = middle;
        }
        return low;
    };
    const topOf = (lane, w) =>
        lane.y + PAD + lane.above + w.level * (BAR + 3) - pane.scrollTop;

    // A column for each pixel: as many sorts as there are share its height.
    function drawColumns(g, items, order, colour, topAt, high) {
        const left = labelWidth();
        const columns = columnsOf(items, pane.clientWidth - left);
        for (const [column, sorts] of columns) {
            const wide = columns.has(column + 1) ? 1 : 1.6; // one alone would be too fine to see
            for (const part of stackOf(sorts, order, high)) {
                g.fillStyle = colour(part.sort);
                g.globalAlpha = part.depth;
                g.fillRect(left + column, topAt + part.top, wide, part.height);
            }
        }
        g.globalAlpha = 1;
    }

    function drawWindow(g, w, left, top, wide, right) {
        bar(g, w, left, top, wide, BAR);
        if (w.blocked !== null) {
            g.fillStyle = colours.ink;
            g.globalAlpha = 0.55;
            const until = Math.min(x(w.start + w.blocked), right);
            g.fillRect(left, top + BAR - 2, Math.max(0, until - left), 2);
            g.globalAlpha = 1;
        }
        if (wide > 60 && w.program) {
            g.save();
            g.beginPath(); g.rect(left + 3, top, wide - 6, BAR); g.clip();
            g.fillStyle = w.user ? colours.paper : colours.ink;
            g.font = "600 10px system-ui, sans-serif";
            g.fillText(w.program.split("/").pop(), left + 5, top + BAR / 2 + 0.5);
            g.restore();
        }
    }

    function drawLane(g, lane) {
        const y = lane.y - pane.scrollTop, right = pane.clientWidth, edge = labelWidth();
        const narrow = Array.from({ length: lane.levels }, () => []), outlined = [];
        for (let i = first(lane, from); i < lane.windows.length; i++) {
            const w = lane.windows[i];
            if (w.start > to) break;
            if (w.end < from || hidden.has(w.way)) continue;
            const a = x(w.start), b = x(w.end), left = Math.max(a, edge - 4);
            const wide = Math.max(1.5, Math.min(b, right + 4) - left), top = topOf(lane, w);
            if (b - a > 3) drawWindow(g, w, left, top, wide, right);
            else narrow[w.level].push([a - edge, b - edge, w.way]);
            if (w === kept || w === hovered) outlined.push([left - 1, top - 1, wide + 2]);
        }
        narrow.forEach((items, level) =>
            drawColumns(g, items, ways, colourOf, topOf(lane, { level }), BAR));
        for (const [left, top, wide] of outlined) {
            g.lineWidth = 2;
            g.strokeStyle = colours.ink;
            g.strokeRect(left, top, wide, BAR + 2);
        }
        if (!hidden.has("stalls")) drawWaits(g, lane);
        drawMarks(g, lane);
        g.fillStyle = colours.line;
        g.fillRect(0, y + lane.height - 1, right, 1);
    }

    // Beneath the windows.  A caller's wait for its child is nothing out of the ordinary.
    function drawWaits(g, lane) {
        const edge = labelWidth(), y = lane.y - pane.scrollTop;
        const items = lane.waits.map((m) => [x(m.time) - edge,
            Math.max(x(m.end ?? m.time), x(m.time) + 1) - edge, m.weight < 2 ? "other" : "own"]);
        drawColumns(g, items, ["other", "own"], (sort) =>
            sort === "other" ? colours.stalls : colours.wait, y + lane.height - PAD - 3, 4);
    }

    const byKind = (a, b) => kinds.indexOf(a) - kinds.indexOf(b);
    function drawMarks(g, lane) {
        const edge = labelWidth(), right = pane.clientWidth;
        const top = lane.y - pane.scrollTop + PAD - 1;
        const seen = [];
        for (const m of lane.marks) {
            const at = x(m.time), end = m.end === null ? at : x(m.end);
            if (hidden.has(m.kind) || end < edge - GLYPH || at > right + GLYPH) continue;
            seen.push([at, m]);
        }
        const clusters = clustersOf(seen, 2 * GLYPH);
        clusters.forEach((cluster, i) => {
            const { from: a, to: b, marks: its } = cluster;
            const kinds = [...new Set(its.map(([, m]) => m.kind))].sort(byKind);
            const chosen = its.find(([, m]) => m === kept || m === hovered);
            // Two or three of a kind in nearly one place can still be told by their number.
            if (kinds.length === 1 && b - a < GLYPH) {
                const [at, m] = chosen || its[0], cy = top + (MARKS - 2) / 2;
                if (its.length === 1 || chosen) drawSpan(g, m, at, cy);
                if (at >= edge - GLYPH) glyph(g, kinds[0], at, cy, chosen ? 8 : GLYPH);
                const next = clusters[i + 1];
                if (its.length > 1 && at >= edge && (!next || next.from - b > 40)) {
                    g.font = "600 10px system-ui, sans-serif";
                    g.fillText(`× ${its.length}`, b + GLYPH + 3, cy + 0.5);
                }
                return;
            }
            drawColumns(g, its.map(([at, m]) => [at - edge - 0.75, at - edge + 0.75, m.kind]),
                kinds, (kind) => colours[kind], top, MARKS - 2);
            if (chosen) {
                const cy = top + (MARKS - 2) / 2;
                drawSpan(g, chosen[1], chosen[0], cy);
                glyph(g, chosen[1].kind, chosen[0], cy, 8);
            }
        });
    }

    // How long it lasted, and the window of another thread that it belongs to.
    function drawSpan(g, m, at, cy) {
        g.strokeStyle = colours[m.kind];
        const end = m.end === null ? at : x(m.end);
        if (end > at + 1) {
            g.lineWidth = 2;
            g.beginPath(); g.moveTo(at, cy); g.lineTo(end, cy); g.stroke();
        }
        const other = m.window && m.window.lane !== m.lane ? lanes[m.window.lane] : null;
        if (!other || !other.shown) return;
        g.lineWidth = 1; g.setLineDash([3, 3]);
        g.beginPath(); g.moveTo(at, cy);
        g.lineTo(Math.max(at, x(m.window.start)), topOf(other, m.window) + BAR / 2);
        g.stroke(); g.setLineDash([]);
    }

    function drawLabels(g) {
        const wide = labelWidth(), bottom = canvas.clientHeight;
        g.fillStyle = colours.paper;
        g.fillRect(0, 0, wide, bottom);
        g.fillStyle = colours.line;
        g.fillRect(wide - 1, 0, 1, bottom);
        g.save();
        g.beginPath(); g.rect(0, AXIS, wide - 6, bottom); g.clip();
        let pid = null;
        for (const lane of shown) {
            const y = lane.y - pane.scrollTop, cy = y + lane.height / 2;
            const isFirst = lane.pid !== pid;
            pid = lane.pid;
            if (y > bottom || y + lane.height < 0) continue;
            if (isFirst) {
                g.fillStyle = colours.soft;
                g.fillRect(0, y, wide, 1);
            }
            g.fillStyle = colours.ink;
            g.font = `${isFirst ? 600 : 400} 12px system-ui, sans-serif`;
            const name = isFirst ? lane.comm : `    ${lane.comm}`;
            g.fillText(name, 8, cy, wide - 74);
            g.fillStyle = colours.soft;
            g.font = "11px system-ui, sans-serif";
            g.textAlign = "right";
            g.fillText(String(lane.tid), wide - 10, cy);
            g.textAlign = "left";
        }
        g.restore();
    }

    function drawAxis(g) {
        g.fillStyle = colours.paper;
        g.fillRect(0, 0, pane.clientWidth, AXIS);
        g.font = "11px system-ui, sans-serif";
        g.fillStyle = colours.soft;
        const every = step(to - from, width());
        // Zoomed in, only what differs from tick to tick is worth its room.
        const base = to - from < 0.02 * Math.abs(from) ? Math.ceil(from / every) * every : 0;
        for (let t = Math.ceil(from / every) * every; t <= to; t += every) {
            const px = x(t);
            if (px < labelWidth()) continue;
            g.fillStyle = colours.line;
            g.fillRect(px, AXIS - 5, 1, 5);
            g.fillStyle = colours.soft;
            const label = t - base < every / 2 && base ? duration(base)
                : (base ? "+" : "") + (Math.abs(t - base) < every / 2 ? "0" : duration(t - base));
            const atEnd = px + 60 > pane.clientWidth; // the last must not be cut off
            g.textAlign = atEnd ? "right" : "left";
            g.fillText(label, atEnd ? px - 4 : px + 4, 12);
        }
        g.textAlign = "left";
        g.fillStyle = colours.line;
        g.fillRect(0, AXIS - 1, pane.clientWidth, 1);
    }

    function drawOverview() {
        const g = strip.getContext("2d"), wide = strip.clientWidth, high = 42;
        const left = labelWidth(), room = wide - left;
        const at = (time) => left + Math.max(0, time) / full * room;
        g.clearRect(0, 0, wide, high);
        g.fillStyle = colours.stripe;
        g.fillRect(left, 0, room, high);
        const density = new Float64Array(Math.ceil(room) + 2);
        for (const w of windows)
            if (!hidden.has(w.way)) {
                const a = Math.floor(at(w.start) - left);
                const b = Math.min(Math.floor(at(w.end) - left), density.length - 1);
                for (let i = a; i <= b; i++) density[i]++;
            }
        const most = density.reduce((a, b) => Math.max(a, b), 1);
        g.fillStyle = colours.clone_vm_vfork;
        g.globalAlpha = 0.65;
        density.forEach((count, i) => {
            const h = count && Math.max(2, Math.log2(count + 1) / Math.log2(most + 1) * (high - 16));
            g.fillRect(left + i, high - h, 1, h);
        });
        g.globalAlpha = 1;
        const alarms = marks.filter((m) => !hidden.has(m.kind) && m.weight < 2);
        drawColumns(g, alarms.map((m) => [at(m.time) - left - 1, at(m.time) - left + 1, m.kind]),
            kinds, (kind) => colours[kind], 0, 12);
        const a = at(Math.max(from, 0)), b = Math.max(a + 2, at(Math.min(to, full)));
        g.fillStyle = colours.page;
        g.globalAlpha = 0.6;
        g.fillRect(left, 0, a - left, high);
        g.fillRect(b, 0, wide - b, high);
        g.globalAlpha = 1;
        g.strokeStyle = colours.link;
        g.lineWidth = 1.5;
        g.strokeRect(a, 0.75, b - a, high - 1.5);
        g.fillStyle = colours.soft;
        g.font = "11px system-ui, sans-serif";
        g.textBaseline = "middle";
        g.fillText("the whole trace", 8, high / 2);
    }

    let waiting = false;
    function draw() {
        if (waiting) return;
        waiting = true;
        requestAnimationFrame(() => {
            waiting = false;
            paint();
        });
    }
    function paint() {
        const g = canvas.getContext("2d");
        g.textBaseline = "middle";
        g.fillStyle = colours.paper;
        g.fillRect(0, 0, canvas.clientWidth, canvas.clientHeight);
        g.fillStyle = colours.line;
        const every = step(to - from, width());
        g.globalAlpha = 0.5;
        for (let t = Math.ceil(from / every) * every; t <= to; t += every)
            g.fillRect(x(t), AXIS, 1, canvas.clientHeight);
        g.globalAlpha = 1;
        for (const lane of shown) {
            const y = lane.y - pane.scrollTop;
            if (y < canvas.clientHeight && y + lane.height > 0) drawLane(g, lane);
        }
        drawLabels(g);
        drawAxis(g);
        g.fillStyle = colours.paper;
        g.fillRect(0, 0, labelWidth() - 1, AXIS - 1);
        g.fillStyle = colours.soft;
        g.font = "11px system-ui, sans-serif";
        // Only the trace: the room before and after it is none of its time.
        const seen = Math.max(0, Math.min(to, trace.length) - Math.max(from, 0));
        g.fillText(`${duration(seen)} shown`, 8, 12);
        drawOverview();
    }

    function view(a, b) {
        const span = Math.min(Math.max(b - a, 200), full * 1.01); // no closer than 200 ns
        const middle = (a + b) / 2;
        from = middle - span / 2;
        to = middle + span / 2;
        if (from < -full * 0.01) { to += -full * 0.01 - from; from = -full * 0.01; }
        if (to > full) { from -= to - full; to = full; }
        draw();
    }
    const zoom = (factor, time = (from + to) / 2) =>
        view(time - (time - from) * factor, time + (to - time) * factor);

    // The thing under the pointer, and out of how many in that place it was chosen.
    let crowd = 1;
    function find(px, py) {
        crowd = 1;
        if (py < AXIS || px < labelWidth()) return null;
        const lane = shown.find((l) => py >= l.y - pane.scrollTop &&
            py < l.y - pane.scrollTop + l.height);
        if (!lane) return null;
        const within = py - (lane.y - pane.scrollTop);
        if (lane.above && within < PAD + lane.above) return findMark(lane, px, lane.marks);
        if (lane.below && within > lane.height - PAD - lane.below + 2)
            return findMark(lane, px, lane.waits);
        return findWindow(lane, px, py);
    }
    function findMark(lane, px, its) {
        let best = null, near = GLYPH + 2;
        for (const m of its) {
            if (hidden.has(m.kind)) continue;
            const cx = x(m.time), end = m.end === null ? cx : x(m.end);
            const distance = px > cx && px <= end ? 1 : Math.min(Math.abs(px - cx),
                Math.abs(px - end));
            if (distance < near) { near = distance; best = m; }
        }
        if (best) crowd = its.filter((m) => !hidden.has(m.kind) &&
            Math.abs(x(m.time) - x(best.time)) < 1).length;
        return best;
    }
    function findWindow(lane, px, py) { // the longest of those that share a place
        let best = null, count = 0;
        const slack = 2 / width() * (to - from), time = timeAt(px);
        for (let i = first(lane, time - slack); i < lane.windows.length; i++) {
            const w = lane.windows[i];
            if (w.start > time + slack) break;
            const top = topOf(lane, w);
            if (w.end < time - slack || py < top - 1 || py > top + BAR + 1 || hidden.has(w.way))
                continue;
            count++;
            if (!best || w.end - w.start > best.end - best.start) best = w;
        }
        crowd = Math.max(1, count);
        return best;
    }

    function describe(element, item, count) {
        element.replaceChildren();
        const put = (tag, words) => element.append(el(tag, {}, words));
        const lane = lanes[item.lane];
        if (item.words !== undefined) {
            put("b", `${kindTitle(item.kind)} at ${duration(item.time)}`);
            put("span", item.words);
            if (count > 1) put("div", `One of ${count} in this place; zoom in to tell them apart.`);
            return;
        }
        const length = item.end - item.start;
        put("b", `${wayTitle(item.way)}: ${item.program || "no program"}`);
        put("span", `${item.open ? "still open after" : "open for"} ${duration(length)}, from ` +
            `${duration(item.start)}; window ${item.number}`);
        put("div", `by ${lane.comm}, process ${lane.pid}, thread ${lane.tid}` +
            (item.threads === null ? "" : `, one of ${item.threads}`) + `; child ${item.child}`);
        put("div", (item.user ? "The child ran user code in the caller's memory."
            : item.way === "fork" ? "The child had a copy of the memory."
                : "No user code ran in the window.") +
            (item.blocked === null ? "" : ` The caller was kept waiting ${duration(item.blocked)}.`));
        if (item.outcome === "exit") put("div", "It ended without executing a program.");
        if (count > 1)
            put("div", `The longest of ${count} in this place; zoom in to tell them apart.`);
    }

    function keep(item, count = 1) {
        kept = item;
        $("details").hidden = !item;
        if (item) describe($("details"), item, count);
        for (const li of document.querySelectorAll(".findings li"))
            li.classList.toggle("shown", !!item && li.id === `finding-${item.group}`);
        draw();
    }

    function reveal(item, span) {
        const lane = lanes[item.lane];
        if (!lane.shown) { onlyFound = false; layout(); legend(); }
        const a = item.window ? Math.min(item.window.start, item.time) : item.time;
        const b = Math.max(item.window ? item.window.end : item.time,
            item.kind === "stalls" ? item.end ?? 0 : item.time);
        const room = Math.max(b - a, span || 2000) * 0.35;
        view(a - room, b + room);
        const rows = [lane, item.window ? lanes[item.window.lane] : lane];
        pane.scrollTop = Math.min(...rows.map((row) => row.y)) - AXIS - 20;
        keep(item);
    }

    function legend() {
        const box = $("legend");
        box.replaceChildren();
        const add = (words, paint, isOn, change) => {
            const check = el("input", { type: "checkbox" });
            const label = el("label", {}, check);
            check.checked = isOn;
            label.classList.toggle("off", !isOn);
            check.addEventListener("change", () => {
                change(check.checked);
                label.classList.toggle("off", !check.checked);
                draw();
            });
            if (paint) {
                const sample = el("canvas", {});
                fit(sample, 18, 16);
                paint(sample.getContext("2d"));
                label.append(sample);
            }
            label.append(words);
            box.append(label);
        };
        const toggle = (name) => (on) => on ? hidden.delete(name) : hidden.add(name);
        for (const way of ways)
            add(wayTitle(way),
                (g) => bar(g, windows.find((w) => w.way === way), 1, 3, 16, 10),
                !hidden.has(way), toggle(way));
        for (const kind of kinds.filter((k) => marks.some((m) => m.kind === k)))
            add(kindTitle(kind), (g) => glyph(g, kind, 9, 8, 6.5), !hidden.has(kind),
                toggle(kind));
        if (lanes.some((lane) => lane.found) && lanes.some((lane) => !lane.found))
            add("only threads with findings", null, onlyFound, (on) => {
                onlyFound = on;
                layout();
            });
    }

    const place = (event) => {
        const box = canvas.getBoundingClientRect();
        return [event.clientX - box.left, event.clientY - box.top];
    };
    let drag = null;
    pane.addEventListener("pointerdown", (event) => {
        if (event.button !== 0 || event.target !== canvas) return;
        drag = { x: event.clientX, from, to, moved: false };
        pane.setPointerCapture(event.pointerId);
    });
    pane.addEventListener("pointermove", (event) => {
        const [px, py] = place(event);
        if (drag) {
            const moved = event.clientX - drag.x;
            if (Math.abs(moved) > 3) { drag.moved = true; pane.classList.add("dragging"); }
            const shift = moved / width() * (drag.to - drag.from);
            if (drag.moved) view(drag.from - shift, drag.to - shift);
            return;
        }
        const item = find(px, py), tip = $("tip");
        if (item !== hovered) { hovered = item; draw(); }
        tip.hidden = !item;
        if (!item) return;
        describe(tip, item, crowd);
        const box = tip.getBoundingClientRect();
        tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - box.width - 8))}px`;
        tip.style.top = `${event.clientY + box.height + 26 > innerHeight
            ? event.clientY - box.height - 12 : event.clientY + 16}px`;
    });
    const drop = (event) => {
        if (drag && !drag.moved && event.type === "pointerup") keep(find(...place(event)), crowd);
        drag = null;
        pane.classList.remove("dragging");
    };
    pane.addEventListener("pointerup", drop);
    pane.addEventListener("pointercancel", drop);
    pane.addEventListener("pointerleave", () => { $("tip").hidden = true; hovered = null; draw(); });
    pane.addEventListener("dblclick", (event) => zoom(0.4, timeAt(place(event)[0])));
    pane.addEventListener("wheel", (event) => {
        if (event.ctrlKey || event.metaKey) {
            event.preventDefault();
            zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.008),
                timeAt(place(event)[0]));
        } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
            event.preventDefault();
            const shift = (event.deltaX || event.deltaY) / width() * (to - from);
            view(from + shift, to + shift);
        }
    }, { passive: false });
    pane.addEventListener("scroll", draw);
    pane.addEventListener("keydown", (event) => {
        const shift = (to - from) * 0.2;
        const acts = {
            "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1 / 0.6),
            "0": () => view(-full * 0.01, full), Escape: () => keep(null),
            ArrowLeft: () => view(from - shift, to - shift),
            ArrowRight: () => view(from + shift, to + shift),
        };
        if (event.ctrlKey || event.metaKey || event.altKey || !acts[event.key]) return;
        event.preventDefault();
        acts[event.key]();
    });
    for (const button of document.querySelectorAll("[data-zoom]"))
        button.addEventListener("click", () => ({
            in: () => zoom(0.5), out: () => zoom(2), all: () => view(-full * 0.01, full),
        })[button.dataset.zoom]());

    let chosen = null;
    const overviewTime = (event) => {
        const left = labelWidth(), room = strip.clientWidth - left;
        const px = event.clientX - strip.getBoundingClientRect().left;
        return Math.min(1, Math.max(0, (px - left) / room)) * full;
    };
    strip.addEventListener("pointerdown", (event) => {
        chosen = overviewTime(event);
        strip.setPointerCapture(event.pointerId);
    });
    strip.addEventListener("pointermove", (event) => {
        if (chosen === null) return;
        const now = overviewTime(event);
        if (Math.abs(now - chosen) > full * 0.003) view(Math.min(chosen, now), Math.max(chosen, now));
    });
    strip.addEventListener("pointerup", (event) => {
        const now = overviewTime(event), span = to - from;
        if (chosen !== null && Math.abs(now - chosen) <= full * 0.003)
            view(now - span / 2, now + span / 2);
        chosen = null;
    });

    const nth = new Map();
    function show(group) {
        const its = marks.filter((m) => m.group === group);
        if (!its.length) return;
        const i = nth.get(group) ?? 0;
        nth.set(group, (i + 1) % its.length);
        reveal(its[i]);
    }
    for (const button of document.querySelectorAll("[data-finding]")) {
        const group = Number(button.dataset.finding);
        const count = marks.filter((m) => m.group === group).length;
        button.hidden = count === 0;
        if (count > 1) button.textContent = "show on the timeline, one after the other";
        button.addEventListener("click", () => {
            show(group);
            root.scrollIntoView({ block: "start" });
        });
    }

    readColours();
    layout();
    legend();
    draw();
    addEventListener("resize", () => { layout(); draw(); });
    for (const [event, on] of [["beforeprint", true], ["afterprint", false]])
        addEventListener(event, () => {
            printing = on;
            pane.scrollTop = 0;
            layout();
            paint();
        });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
        readColours();
        legend();
        draw();
    });
    // page.html#show=3 opens with that finding on the timeline.
    const wanted = /^#show=(\d+)$/.exec(location.hash);
    if (wanted) show(Number(wanted[1]));
})();
