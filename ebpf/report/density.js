// SPDX-License-Identifier: LGPL-2.1-or-later
// The timeline draws this where there is more than a pixel can show.  Knows no page.
"use strict";
// All that lies between the pixels 0 and `width`, by column of one pixel: a Map from column to
// a Map from sort to {count, share}; share: of the column's width, how much is covered.
// Each of `items` is [left, right, sort], in pixels; those outside are left out.
function columnsOf(items, width) {
    const columns = new Map();
    const cell = (column, sort) => {
        let sorts = columns.get(column);
        if (!sorts) columns.set(column, sorts = new Map());
        let found = sorts.get(sort);
        if (!found) sorts.set(sort, found = { count: 0, share: 0 });
        return found;
    };
    for (const [left, right, sort] of items) {
        if (right < 0 || left >= width) continue;
        const first = Math.max(0, Math.floor(left));
        const last = Math.min(Math.ceil(width) - 1, Math.floor(right));
        for (let column = first; column <= last; column++) {
            const found = cell(column, sort);
            found.count++;
            found.share = Math.min(1, found.share + Math.max(0,
                Math.min(right, column + 1) - Math.max(left, column)));
        }
    }
    return columns;
}

// How deep a colour says "so many, so long": never so faint that one is overlooked.
function depthOf({ count, share }) {
    return 0.6 + 0.4 * Math.min(1, Math.max(share, Math.log2(count) / 5));
}

// One column's sorts as parts of `height` from top to bottom, each {sort, top, height,
// depth}; by count, but none is lower than two pixels, that none is overlooked.
function stackOf(sorts, order, height) {
    const present = order.filter((sort) => sorts.has(sort));
    const total = present.reduce((sum, sort) => sum + sorts.get(sort).count, 0);
    const least = Math.min(2, height / present.length);
    const spare = height - least * present.length;
    let top = 0;
    return present.map((sort) => {
        const part = { sort, top, height: least + spare * sorts.get(sort).count / total,
            depth: depthOf(sorts.get(sort)) };
        top += part.height;
        return part;
    });
}

// Marks that would cover each other, together.  `marks` is [[x, mark], ...] by x; a cluster
// is {from, to, marks}, and nothing of another is nearer than `room` to it.
function clustersOf(marks, room) {
    const clusters = [];
    for (const [at, mark] of marks) {
        const last = clusters[clusters.length - 1];
        if (last && at - last.to < room) {
            last.to = at;
            last.marks.push([at, mark]);
        } else {
            clusters.push({ from: at, to: at, marks: [[at, mark]] });
        }
    }
    return clusters;
}
