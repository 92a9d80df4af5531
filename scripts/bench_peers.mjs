#!/usr/bin/env node
// usage: node scripts/bench_peers.mjs MODEL.gguf... [--pairs 7] [-p 512] [-n 64] [-d 0] [--parallel 1] [-t 2] [-c 2048] [--mode best|avx2]
//             [--fa on|off|best] [--tests speed,first,rss] [--distill ./distill] [--at-least RATIO] [--json FILE]
// Runs distill and llama.cpp in turn (A B A B ...) on the same file with the same threads and prints, for prefill,
// decode, the time from process start to the first token of a 30-token prompt, and peak memory, the ratio of each pair:
// median, minimum, maximum. A ratio above 1 means distill is better, in every row.
//
// --mode avx2  distill with --kernels avx2 against llama.cpp's AVX2 library (haswell); best: each picks for itself
// -d           tokens before those that are timed; --parallel: sequences that make text together (tokens/s count all)
// --fa         llama.cpp's flash attention; best: both in every pair, the better one counts, test by test
// --at-least   exit status 1 when a median ratio is below it
// llama.cpp comes from an npm package outside this repository: see scripts/llama_peer.mjs. Read bandwidth is probed
// before, between and after the runs of a pair; a pair whose probes differ by more than 10 % is "unsteady": it counts in
// `ratio` but not in `steady`.
import {spawn, execFileSync} from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {fileURLToPath} from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const usage = fs
    .readFileSync(fileURLToPath(import.meta.url), "utf8")
    .split("\n")
    .slice(1, 3)
    .map((l) => l.slice(3))
    .join("\n");

// 30 tokens of the Qwen2 vocabulary; plain words, so other vocabularies come close.
const shortPrompt =
    "The quick brown fox jumps over the lazy dog, and then it counts twelve chickens and nineteen " +
    "rabbits in the old barn near the river. How many legs";
const longPrompt = (tokens) =>
    shortPrompt
        .split(" ")
        .concat(Array(tokens).fill("dog"))
        .slice(0, tokens - 8)
        .join(" ");

function fail(message, status = 2) {
    process.stderr.write(`bench_peers: error: ${message}\n`);
    process.exit(status);
}

function parse(argv) {
    const o = {
        models: [],
        pairs: 7,
        p: 512,
        n: 64,
        d: 0,
        parallel: 1,
        t: 2,
        c: 2048,
        mode: "best",
        fa: "on",
        tests: "speed,first,rss",
        distill: path.join(here, "../distill"),
        atLeast: 0,
        json: null,
    };
    const known = {
        "--pairs": "pairs",
        "-p": "p",
        "-n": "n",
        "-d": "d",
        "--parallel": "parallel",
        "-t": "t",
        "-c": "c",
        "--mode": "mode",
        "--fa": "fa",
        "--tests": "tests",
        "--distill": "distill",
        "--at-least": "atLeast",
        "--json": "json",
    };
    for (let i = 0; i < argv.length; ++i) {
        if (!argv[i].startsWith("-")) {
            o.models.push(argv[i]);
            continue;
        }
        const name = known[argv[i]];
        if (!name || argv[i + 1] === undefined) fail(`unknown or incomplete option '${argv[i]}'\n${usage}`);
        const value = argv[++i];
        o[name] = typeof o[name] === "number" ? Number(value) : value;
        if (Number.isNaN(o[name])) fail(`${argv[i - 1]} needs a number, got '${value}'`);
    }
    o.c = Math.max(o.c, o.d + Math.max(o.p, o.n));
    if (!o.models.length) fail(usage);
    if (!["best", "avx2"].includes(o.mode) || !["on", "off", "best"].includes(o.fa)) fail(usage);
    if (!fs.existsSync(o.distill)) fail(`no ${o.distill}; run make distill first`);
    for (const m of o.models) if (!fs.existsSync(m)) fail(`no file ${m}`);
    return o;
}

// Starts a program without a shell or stdin. Resolves to its output, the seconds until the first byte on stdout and
// until its end, and its peak resident memory (polled: the kernel's high-water mark is missed by a few ms at most).
function start(program, args) {
    return new Promise((resolve, reject) => {
        const began = performance.now();
        const child = spawn(program, args, {stdio: ["ignore", "pipe", "pipe"]});
        let first = null,
            out = "",
            err = "",
            peak = 0;
        const timer = setInterval(() => {
            try {
                const found = /VmHWM:\s+(\d+)/.exec(fs.readFileSync(`/proc/${child.pid}/status`, "latin1"));
                if (found) peak = Number(found[1]) / 1024;
            } catch {
                /* just ended */
            }
        }, 10);
        child.stdout.on("data", (bytes) => {
            first ??= (performance.now() - began) / 1000;
            out += bytes;
        });
        child.stderr.on("data", (bytes) => {
            err += bytes;
        });
        child.on("error", (error) => {
            clearInterval(timer);
            reject(error);
        });
        child.on("close", (status, signal) => {
            clearInterval(timer);
            const total = (performance.now() - began) / 1000;
            if (status !== 0)
                reject(
                    new Error(`${program} ${args.join(" ")}: status ${status ?? signal}: ${err.trim().slice(-400)}`),
                );
            else resolve({out, first: first ?? total, total, peak});
        });
    });
}

// The bandwidth probe, built once for this run. Without a compiler there is none, and no pair is called unsteady.
function makeProbe(threads) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bench_peers_"));
    process.on("exit", () => fs.rmSync(folder, {recursive: true, force: true}));
    const program = path.join(folder, "probe");
    try {
        execFileSync("g++", [
            "-O3",
            "-march=native",
            "-pthread",
            path.join(here, "bandwidth_probe.cpp"),
            "-o",
            program,
        ]);
    } catch {
        process.stderr.write("bench_peers: no g++, so no bandwidth probe\n");
        return async () => null;
    }
    return async () => Number((await start(program, [String(threads)])).out);
}

const sorted = (xs) => [...xs].sort((a, b) => a - b);
function median(xs) {
    const s = sorted(xs),
        middle = Math.floor(s.length / 2);
    return s.length % 2 ? s[middle] : (s[middle - 1] + s[middle]) / 2;
}
const tokensPerSecond = (list, test) => list.find((r) => r.test === test)?.tps;

const o = parse(process.argv.slice(2));
const tests = o.tests.split(",");
const probe = makeProbe(o.t);
const kernelFlags = o.mode === "avx2" ? ["--kernels", "avx2"] : [];
const isaFlags = o.mode === "avx2" ? ["--isa", "haswell"] : [];
const peerScript = path.join(here, "llama_peer.mjs");
const peer = async (mode, model, args) =>
    JSON.parse(
        (
            await start(process.execPath, [
                peerScript,
                mode,
                model,
                "-t",
                String(o.t),
                "-c",
                String(o.c),
                ...isaFlags,
                ...args,
            ])
        ).out,
    );
const flash = o.fa === "best" ? ["on", "off"] : [o.fa];
const report = {machine: os.cpus()[0].model, date: new Date().toISOString(), options: o, models: []};

// One pair of the speed test: {pp: [ours, theirs], tg: [ours, theirs], ...}.
async function speedPair(model, info) {
    const ours = JSON.parse(
        (
            await start(o.distill, [
                "bench",
                "-m",
                model,
                "-p",
                String(o.p),
                "-n",
                String(o.n),
                "-d",
                String(o.d),
                "--parallel",
                String(o.parallel),
                "-t",
                String(o.t),
                "-r",
                "1",
                "-o",
                "json",
                ...kernelFlags,
            ])
        ).out,
    );
    const between = await probe();
    info.isa = ours[0].isa;
    const theirs = {};
    for (const fa of flash) {
        const result = await peer("bench", model, [
            ...["-p", o.p, "-n", o.n, "-d", o.d, "--parallel", o.parallel].map(String),
            "--fa",
            fa,
        ]);
        info.peer = `llama.cpp ${result.build} ${result.isa}`;
        for (const {test, tps} of result.tests) theirs[test] = Math.max(theirs[test] ?? 0, ...tps);
    }
    const rows = {};
    for (const test of Object.keys(theirs)) rows[test] = {ours: tokensPerSecond(ours, test), theirs: theirs[test]};
    return {rows, between};
}

// Greedy text of ours, the prompt as it is.
const generate = (model, args) =>
    start(o.distill, [
        "-m",
        model,
        "--raw",
        "-t",
        String(o.t),
        "-c",
        String(o.c),
        "--temp",
        "0",
        "--no-cache",
        ...args,
        ...kernelFlags,
    ]);

async function firstPair(model, info) {
    const ours = await generate(model, ["-p", shortPrompt, "-n", "1"]);
    const between = await probe();
    const theirs = await peer("first", model, ["--text", shortPrompt, "-n", "1", "--fa", flash[0]]);
    info.peer = `llama.cpp ${theirs.build} ${theirs.isa}`;
    info.promptTokens = theirs.prompt_tokens;
    // Against llama.cpp without node's own start: the stricter comparison.
    return {rows: {"first token, s": {ours: ours.first, theirs: theirs.own_first_token_s, less: true}}, between};
}

// Peak memory with the context filled: a long prompt and 16 tokens of answer.
async function memory(model) {
    const text = longPrompt(o.c - 32),
        file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "bench_peers_")), "prompt");
    fs.writeFileSync(file, text);
    try {
        const ours = await generate(model, ["-f", file, "-n", "16"]);
        const theirs = await peer("first", model, ["--text", text, "-n", "16", "--fa", flash[0]]);
        return {ours: ours.peak, theirs: theirs.peak_rss_mb - theirs.node_rss_mb, tokens: theirs.prompt_tokens + 16};
    } finally {
        fs.rmSync(path.dirname(file), {recursive: true});
    }
}

// Both engines suffer from company, but not equally (threads that wait by spinning suffer most): such ratios are void.
const load = os.loadavg()[0],
    busy = load > 0.5 * os.cpus().length;
if (busy)
    process.stderr.write(
        `bench_peers: load average ${load.toFixed(1)} on ${os.cpus().length} cores before the start: other programs run, so these ratios prove nothing\n`,
    );
report.loadBefore = load;

let belowBound = false;
for (const model of o.models) {
    const info = {model: path.basename(model), fileMb: fs.statSync(model).size / 1024 / 1024, rows: {}, probes: []};
    const pairs = [];
    for (const kind of ["speed", "first"].filter((k) => tests.includes(k))) {
        let before = await probe();
        for (let k = 0; k < o.pairs; ++k) {
            const {rows, between} = await (kind === "speed" ? speedPair : firstPair)(model, info);
            const after = await probe();
            const probes = [before, between, after].filter((x) => x !== null);
            const steady = !probes.length || Math.max(...probes) <= 1.1 * Math.min(...probes);
            info.probes.push(...probes);
            before = after;
            for (const [test, {ours, theirs, less}] of Object.entries(rows)) {
                if (ours === undefined) fail(`distill bench printed no row '${test}'`, 1);
                pairs.push({test, ours, theirs, ratio: less ? theirs / ours : ours / theirs, steady});
            }
            process.stderr.write(
                `${info.model} ${kind} pair ${k + 1}/${o.pairs}: ` +
                    Object.entries(rows)
                        .map(([test, r]) => `${test} ${r.ours.toFixed(2)} / ${r.theirs.toFixed(2)}`)
                        .join(", ") +
                    (steady ? "\n" : "  (unsteady)\n"),
            );
        }
    }
    info.pairs = pairs;

    console.log(
        `\n${info.model} (${info.fileMb.toFixed(0)} MiB), ${o.t} threads: distill ${info.isa ?? ""} against ` +
            `${info.peer ?? "llama.cpp"}, flash attention ${o.fa}` +
            (busy ? `; MACHINE BUSY, load ${load.toFixed(1)}` : "") +
            (info.probes.length
                ? `; read bandwidth ${median(info.probes)} GB/s (${Math.min(...info.probes)} to ${Math.max(...info.probes)})`
                : ""),
    );
    console.log("| test | distill | llama.cpp | ratio | min | max | steady (pairs) |\n|---|---|---|---|---|---|---|");
    for (const test of new Set(pairs.map((x) => x.test))) {
        const all = pairs.filter((x) => x.test === test),
            steady = all.filter((x) => x.steady).map((x) => x.ratio);
        const ratios = all.map((x) => x.ratio),
            digits = test.startsWith("first") ? 3 : 2;
        const row = {
            ours: median(all.map((x) => x.ours)),
            theirs: median(all.map((x) => x.theirs)),
            ratio: median(ratios),
            min: Math.min(...ratios),
            max: Math.max(...ratios),
            steady: steady.length ? median(steady) : null,
            steadyPairs: steady.length,
        };
        info.rows[test] = row;
        belowBound ||= row.ratio < o.atLeast;
        console.log(
            `| ${test} | ${row.ours.toFixed(digits)} | ${row.theirs.toFixed(digits)} | ${row.ratio.toFixed(2)} | ` +
                `${row.min.toFixed(2)} | ${row.max.toFixed(2)} | ${row.steady === null ? "-" : row.steady.toFixed(2)} (${steady.length}/${all.length}) |`,
        );
    }
    if (tests.includes("rss")) {
        const m = (info.memory = await memory(model));
        console.log(
            `| peak RSS at ${m.tokens} tokens, MiB | ${m.ours.toFixed(0)} (file ${signed(m.ours - info.fileMb)}) | ` +
                `${m.theirs.toFixed(0)} (file ${signed(m.theirs - info.fileMb)}) | ${(m.theirs / m.ours).toFixed(2)} | | | |`,
        );
    }
    report.models.push(info);
}
if (o.json) fs.writeFileSync(o.json, JSON.stringify(report, null, 1) + "\n");
process.exitCode = belowBound ? 1 : 0;

function signed(x) {
    return (x < 0 ? "- " : "+ ") + Math.abs(x).toFixed(0);
}
