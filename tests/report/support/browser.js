// SPDX-License-Identifier: LGPL-2.1-or-later
// node browser.js PAGE WIDTH: runs the page's script as far as a drawing needs a browser, and
// prints as JSON what is on its canvases afterwards: {"canvases": {ID: {"width", "height",
// "texts": [TEXT...], "pixels": [[NUMBER...]...]}}, "palette": ["#rrggbb"...], "variables":
// {NAME: "#rrggbb"}}; pixels are rows of numbers into the palette, variables those of the
// style sheet.  There are no fonts: text covers nothing.
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
    fillText(text, x, y) { this.texts.push({ text, x, y }); }
}

const elements = new Map();
class Element {
    constructor(id) {
        this.id = id;
        this.style = {};
        this.dataset = {};
        this.scrollTop = 0;
        this.classList = { toggle() {}, add() {}, remove() {} };
        const found = id && page.match(new RegExp(`id="${id}">(.*?)</script>`, "s"));
        this.textContent = found ? found[1] : "";
    }
    set width(value) { this.wide = value; this.resize(); }
    get width() { return this.wide; }
    set height(value) { this.high = value; this.resize(); }
    get height() { return this.high; }
    resize() { if (this.wide && this.high) this.getContext().reset(this.wide, this.high); }
    get clientWidth() { return this.wide || WIDTH; }
    get clientHeight() { return this.high || 0; }
    getContext() { return this.context ??= new Context(this); }
    replaceChildren() {}
    append() {}
    addEventListener() {}
    getBoundingClientRect() { return { left: 0, top: 0, width: WIDTH, height: 0 }; }
}

const frames = [];
const sandbox = {
    document: {
        getElementById(id) {
            if (!elements.has(id)) elements.set(id, new Element(id));
            return elements.get(id);
        },
        createElement: () => new Element(""),
        querySelectorAll: () => [],
        documentElement: {},
    },
    getComputedStyle: () => ({ getPropertyValue: (name) => variables[name.slice(2)] ?? "" }),
    requestAnimationFrame: (frame) => frames.push(frame),
    addEventListener() {},
    matchMedia: () => ({ addEventListener() {} }),
    innerHeight: 1000, innerWidth: WIDTH + 40, devicePixelRatio: 1, location: { hash: "" },
};
for (const [, script] of page.matchAll(/<script>\n(.*?)<\/script>/gs))
    vm.runInNewContext(script, sandbox);
while (frames.length) frames.shift()();

const palette = new Map();
const canvases = {};
for (const [id, { context, width, height }] of elements)
    if (context) {
        const pixels = [];
        for (let y = 0; y < height; y++)
            pixels.push(Array.from({ length: width }, (_, x) => {
                const at = (y * width + x) * 3;
                const colour = [0, 1, 2].map((i) => Math.round(context.pixels[at + i]));
                const name = `#${colour.map((c) => c.toString(16).padStart(2, "0")).join("")}`;
                if (!palette.has(name)) palette.set(name, palette.size);
                return palette.get(name);
            }));
        canvases[id] = { width, height, texts: context.texts.map((text) => text.text), pixels };
    }
process.stdout.write(JSON.stringify({ canvases, palette: [...palette.keys()], variables }));
