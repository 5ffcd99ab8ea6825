// SPDX-License-Identifier: LGPL-2.1-or-later
// node browser.js PAGE WIDTH: reads a page, strictly, runs its scripts, and prints as JSON what
// it is afterwards: {"html": PAGE, "text": what is in none of <script>, <style>, "elements":
// [NAME...], "attributes": [[NAME, VALUE]...], "data": what the first script holds, "canvases":
// {ID: {"texts": [TEXT...], "pixels": [[NUMBER...]...]}}, "palette": ["#rrggbb"...],
// "variables": {NAME: "#rrggbb"}}; pixels are rows of numbers into the palette, variables
// those of the style sheet.  There are no fonts: text covers nothing.  If the page
// is not well-formed, it prints only {"trouble": WORDS}.  WIDTH 0: nothing is drawn.
"use strict";
const fs = require("fs");
const vm = require("vm");

const page = fs.readFileSync(process.argv[2], "utf8");
const WIDTH = Number(process.argv[3]);

const variables = {};
for (const [, name, value] of page.matchAll(/--([a-z_]+): (#[0-9a-f]{6})/g))
    variables[name] ??= value; // the first are those of the light page

const rgb = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

// As much of a canvas as the page uses; a pixel is covered if its middle is.
class Context {
    constructor(canvas) {
        Object.assign(this, { canvas, fillStyle: "#000000", strokeStyle: "#000000",
            globalAlpha: 1, lineWidth: 1, path: [], saved: [], box: null });
    }
    reset(width, height) {
        this.pixels = new Float64Array(width * height * 3).fill(255);
        this.texts = [];
    }
    setTransform() {}
    put(x, y, colour) {
        const { width, height } = this.canvas;
        if (x < 0 || y < 0 || x >= width || y >= height) return;
        if (this.box && (x < this.box[0] || x >= this.box[2])) return;
        for (let i = 0; i < 3; i++) {
            const at = (y * width + x) * 3 + i;
            this.pixels[at] += (colour[i] - this.pixels[at]) * this.globalAlpha;
        }
    }
    area(x, y, w, h, style) {
        if (!/^#[0-9a-f]{6}$/.test(style)) throw new Error(`no colour: ${style}`);
        const colour = rgb(style);
        const right = Math.min(x + w, this.canvas.width), low = Math.min(y + h, this.canvas.height);
        for (let row = Math.max(0, Math.ceil(y - 0.5)); row + 0.5 < low; row++)
            for (let column = Math.max(0, Math.ceil(x - 0.5)); column + 0.5 < right; column++)
                this.put(column, row, colour);
    }
    clearRect(x, y, w, h) { this.area(x, y, w, h, "#ffffff"); }
    fillRect(x, y, w, h) { this.area(x, y, w, h, this.fillStyle); }
    strokeRect(x, y, w, h) {
        this.path = [[[x, y], [x + w, y], [x + w, y + h], [x, y + h], [x, y]]];
        this.stroke();
    }
    beginPath() { this.path = []; }
    moveTo(x, y) { this.path.push([[x, y]]); }
    lineTo(x, y) { this.path.at(-1).push([x, y]); }
    rect(x, y, w, h) { this.path.push([[x, y], [x + w, y], [x + w, y + h], [x, y + h], [x, y]]); }
    arc(x, y, r) {
        this.path.push(Array.from({ length: 25 }, (_, i) =>
            [x + r * Math.cos(i * Math.PI / 12), y + r * Math.sin(i * Math.PI / 12)]));
    }
    closePath() { if (this.path.length) this.path.at(-1).push(this.path.at(-1)[0]); }
    fill() {
        const colour = rgb(this.fillStyle), points = this.path.flat();
        const span = (i) => [Math.floor(Math.min(...points.map((p) => p[i]))),
            Math.ceil(Math.max(...points.map((p) => p[i])))];
        const [left, right] = span(0), [top, low] = span(1);
        for (let y = top; y <= low; y++)
            for (let x = left; x <= right; x++) {
                let inside = false;
                for (const line of this.path)
                    for (let i = 0, j = line.length - 1; i < line.length; j = i++) {
                        const [ax, ay] = line[i], [bx, by] = line[j];
                        if (ay > y + 0.5 !== by > y + 0.5 &&
                            x + 0.5 < (bx - ax) * (y + 0.5 - ay) / (by - ay) + ax)
                            inside = !inside;
                    }
                if (inside) this.put(x, y, colour);
            }
    }
    stroke() {
        const colour = rgb(this.strokeStyle), half = this.lineWidth / 2;
        for (const line of this.path)
            for (let i = 1; i < line.length; i++) {
                const [ax, ay] = line[i - 1], [bx, by] = line[i];
                const long = Math.hypot(bx - ax, by - ay) || 1;
                const nx = (by - ay) / long, ny = (ax - bx) / long;
                const seen = new Set();
                for (let along = 0; along <= long; along += 0.5)
                    for (let across = -half + 0.25; across < half; across += 0.5) {
                        const x = Math.floor(ax + (bx - ax) * along / long + nx * across);
                        const y = Math.floor(ay + (by - ay) * along / long + ny * across);
                        if (!seen.has(y * 100000 + x)) this.put(x, y, colour);
                        seen.add(y * 100000 + x);
                    }
            }
    }
    clip() { this.box = [this.path[0][0][0], 0, this.path[0][2][0]]; }
    save() { this.saved.push(this.box); }
    restore() { this.box = this.saved.pop(); }
    setLineDash() {}
    fillText(text) { this.texts.push(text); }
}

const ENTITIES = { "&lt;": "<", "&gt;": ">", "&quot;": "\"", "&#39;": "'", "&amp;": "&" };
const EMPTY = ["meta", "link", "br"];
const escaped = (text) => text.replace(/[<>"'&]/g,
    (c) => Object.keys(ENTITIES).find((entity) => ENTITIES[entity] === c));
const undone = (text) => text.replace(/&[^;]*;?/g, (entity) => {
    if (!(entity in ENTITIES)) throw new Error(`a bare &: ${entity}`);
    return ENTITIES[entity];
});

class Element {
    constructor(tag) {
        Object.assign(this, { tag, attributes: new Map(), children: [], style: {}, scrollTop: 0 });
        this.classList = {
            toggle: (name, on) => this.classes(name, on),
            add: (name) => this.classes(name, true),
            remove: (name) => this.classes(name, false),
        };
        this.dataset = new Proxy({}, { get: (_, name) => this.attributes.get(`data-${name}`) });
    }
    classes(name, on) {
        const now = new Set((this.attributes.get("class") ?? "").split(" ").filter(Boolean));
        if (on) now.add(name);
        else now.delete(name);
        this.setAttribute("class", [...now].join(" "));
    }
    setAttribute(name, value) { this.attributes.set(name, String(value)); }
    get id() { return this.attributes.get("id"); }
    get hidden() { return this.attributes.has("hidden"); }
    set hidden(on) { if (on) this.setAttribute("hidden", ""); else this.attributes.delete("hidden"); }
    append(...children) {
        this.children.push(...children.map((c) => c instanceof Element ? c : String(c)));
    }
    replaceChildren(...children) { this.children = children; }
    get textContent() {
        return this.children.map((c) => c instanceof Element ? c.textContent : c).join("");
    }
    set textContent(text) { this.children = [String(text)]; }
    addEventListener() {}
    *all() { // in their order
        for (const child of this.children)
            if (child instanceof Element) {
                yield child;
                yield* child.all();
            }
    }
    isRaw() { return this.tag === "script" || this.tag === "style"; }
    get html() {
        const attributes = [...this.attributes].map(([n, v]) => ` ${n}="${escaped(v)}"`).join("");
        const children = this.children.map((c) => c instanceof Element ? c.html
            : this.isRaw() ? c : escaped(c)).join("");
        return `<${this.tag}${attributes}>${EMPTY.includes(this.tag) ? "" : `${children}</${this.tag}>`}`;
    }
    get text() {
        return this.isRaw() ? "" : this.children.map((c) => c instanceof Element ? c.text : c).join("");
    }
    // The members of a canvas.
    set width(value) { this.wide = value; this.resize(); }
    get width() { return this.wide; }
    set height(value) { this.high = value; this.resize(); }
    get height() { return this.high; }
    resize() { if (this.wide && this.high) this.getContext().reset(this.wide, this.high); }
    get clientWidth() { return this.wide || WIDTH; }
    get clientHeight() { return this.high || 0; }
    getContext() { return this.context ??= new Context(this); }
    getBoundingClientRect() { return { left: 0, top: 0, width: WIDTH, height: 0 }; }
    scrollIntoView() {}
}

function parsed(text) {
    const root = new Element("root"), open = [root], ids = new Set();
    const skip = (expression, trouble) => {
        const found = expression.exec(text);
        if (!found) throw new Error(`${trouble}, before: ${text.slice(0, 60)}`);
        text = text.slice(found[0].length);
        return found;
    };
    skip(/^<!DOCTYPE html>/, "no doctype");
    while (text) {
        const parent = open.at(-1);
        if (!text.startsWith("<")) {
            const [words] = skip(/^[^<]+/, "");
            if (words.includes(">")) throw new Error(`a bare >: ${words}`);
            parent.append(undone(words));
        } else if (text.startsWith("<!--")) {
            skip(/^<!--.*?-->/s, "a comment without end");
        } else if (text.startsWith("</")) {
            const [, name] = skip(/^<\/([a-z0-9-]+)>/, "no end of an element");
            if (open.length < 2 || parent.tag !== name) throw new Error(`closed here: ${name}`);
            open.pop();
        } else {
            const element = new Element(skip(/^<([a-z0-9-]+)/, "no element")[1]);
            while (!text.startsWith(">")) {
                const [, name, , value] = skip(/^[ \n]([a-z-]+)(="([^"]*)")?/,
                    "an attribute without quotes, or a tag without end");
                element.setAttribute(name, undone(value ?? ""));
            }
            skip(/^>/, "");
            if (element.id && ids.has(element.id)) throw new Error(`twice the id ${element.id}`);
            ids.add(element.id);
            parent.append(element);
            if (EMPTY.includes(element.tag)) continue;
            open.push(element);
            if (element.isRaw())
                element.append(skip(/^.*?(?=<\/(?:script|style)>)/s, "a script without end")[0]);
        }
    }
    if (open.length > 1) throw new Error(`not closed: ${open.at(-1).tag}`);
    return root;
}

const print = (value) => process.stdout.write(JSON.stringify(value));
let root;
try {
    root = parsed(page);
} catch (error) {
    print({ trouble: error.message });
    process.exit(0);
}
const scripts = [...root.all()].filter((element) => element.tag === "script");
const data = scripts[0].textContent;
const frames = [];
const window = {
    document: {
        getElementById: (id) => [...root.all()].find((element) => element.id === id) ?? null,
        createElement: (tag) => new Element(tag),
        createElementNS: (space, tag) => new Element(tag),
        // [attribute], and .class element
        querySelectorAll: (selector) => [...root.all()].filter((element) =>
            selector.startsWith("[") ? element.attributes.has(selector.slice(1, -1))
                : element.tag === selector.split(" ")[1]),
        documentElement: {},
    },
    getComputedStyle: () => ({ getPropertyValue: (name) => variables[name.slice(2)] ?? "" }),
    requestAnimationFrame: (frame) => frames.push(frame),
    addEventListener() {},
    matchMedia: () => ({ addEventListener() {} }),
    innerHeight: 1000, innerWidth: WIDTH + 40, devicePixelRatio: 1, location: { hash: "" },
};
vm.createContext(window);
for (const script of scripts.slice(1)) vm.runInContext(script.textContent, window);
while (WIDTH && frames.length) frames.shift()();

const palette = new Map();
const canvases = {};
for (const { id, context, width, height } of WIDTH ? root.all() : [])
    if (context && id) {
        const pixels = [];
        for (let y = 0; y < height; y++)
            pixels.push(Array.from({ length: width }, (_, x) => {
                const at = (y * width + x) * 3;
                const colour = [0, 1, 2].map((i) => Math.round(context.pixels[at + i]));
                const name = `#${colour.map((c) => c.toString(16).padStart(2, "0")).join("")}`;
                if (!palette.has(name)) palette.set(name, palette.size);
                return palette.get(name);
            }));
        canvases[id] = { texts: context.texts, pixels };
    }
const elements = [...root.all()];
print({ html: root.children.map((c) => c.html ?? c).join(""), text: root.text, data,
    title: window.document.title, elements: elements.map((element) => element.tag),
    attributes: elements.flatMap((element) => [...element.attributes]), canvases,
    palette: [...palette.keys()], variables });
