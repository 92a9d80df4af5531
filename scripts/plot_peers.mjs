#!/usr/bin/env node
// usage: node scripts/plot_peers.mjs REPORT.json... > docs/speed.svg
// Draws what `scripts/bench_peers.mjs --json REPORT.json` measured: a row for each model and test, the median of the pairs'
// ratios as a bar and their spread as a line. Right of the line at 1 distill is faster. Lost rows are drawn like the others.
import fs from "node:fs";

const files = process.argv.slice(2);
if (!files.length) {
    process.stderr.write("usage: node scripts/plot_peers.mjs REPORT.json... > docs/speed.svg\n");
    process.exit(2);
}
const rows = [];
for (const file of files) {
    const report = JSON.parse(fs.readFileSync(file, "utf8"));
    for (const model of report.models) {
        for (const [test, row] of Object.entries(model.rows)) {
            const name = model.model.replace(/\.gguf$/, "") + (report.options.mode === "avx2" ? ", AVX2" : "");
            rows.push({model: name, test: test.replace(", s", ""), ...row});
        }
    }
}
rows.sort((a, b) => a.test.localeCompare(b.test, "en", {numeric: true}) || a.model.localeCompare(b.model));

const left = 300,
    width = 760,
    height = 18,
    top = 46;
const most = Math.ceil(Math.max(...rows.map((r) => r.max)));
const x = (ratio) => left + (ratio / most) * (width - left - 60);
const y = (i) => top + i * height;
const bottom = y(rows.length);
const text = (s) => s.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + 24}" font-family="sans-serif" font-size="11">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="8" y="18" font-size="13">distill beside llama.cpp, two threads, same files: how many times faster</text>`,
    `<text x="8" y="34" fill="#666">bar: median of the pairs' ratios; line: smallest to largest</text>`,
];
for (let ratio = 0; ratio <= most; ++ratio) {
    const colour = ratio === 1 ? "#333" : "#ddd";
    parts.push(`<line x1="${x(ratio)}" x2="${x(ratio)}" y1="${top}" y2="${bottom}" stroke="${colour}"/>`);
    parts.push(`<text x="${x(ratio)}" y="${bottom + 14}" text-anchor="middle" fill="#666">${ratio}</text>`);
}
rows.forEach((r, i) => {
    const middle = y(i) + height / 2;
    const colour = r.ratio >= 1 ? "#4a7fb5" : "#b5564a";
    parts.push(`<text x="8" y="${middle + 4}">${text(r.test)}</text>`);
    parts.push(`<text x="${left - 8}" y="${middle + 4}" text-anchor="end">${text(r.model)}</text>`);
    parts.push(`<rect x="${left}" y="${y(i) + 3}" width="${x(r.ratio) - left}" height="${height - 6}" fill="${colour}"/>`);
    parts.push(`<line x1="${x(r.min)}" x2="${x(r.max)}" y1="${middle}" y2="${middle}" stroke="#222" stroke-width="1.5"/>`);
    parts.push(`<text x="${x(r.max) + 4}" y="${middle + 4}">${r.ratio.toFixed(2)}</text>`);
});
parts.push("</svg>");
process.stdout.write(parts.join("\n") + "\n");
