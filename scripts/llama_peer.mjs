#!/usr/bin/env node
// usage: node scripts/llama_peer.mjs bench  MODEL [-p 512] [-n 64] [-d 0] [--parallel 1] [-r 1] [-t 2] [-c 2048] [--fa on|off|auto]
//                                                 [--isa ID]
//        node scripts/llama_peer.mjs first  MODEL --text TEXT|--ids 1,2,3 [-n 1] [-t 2] [-c 2048] [--fa ..] [--isa ..]
//        node scripts/llama_peer.mjs logits MODEL --text TEXT|--ids 1,2,3 [-n 0] [--top 5] [--out LAST_ROW.f32] [...]
//        node scripts/llama_peer.mjs rows   MODEL --ids 1,2,3 --out ALL_ROWS.f32 [...]
// Runs llama.cpp, the peer that distill is compared with, and prints one JSON object on stdout.
//
// llama.cpp comes prebuilt in the npm package node-llama-cpp, installed OUTSIDE this repository:
//   mkdir ../peer && cd ../peer && npm init -y && npm install --ignore-scripts node-llama-cpp
// and named by LLAMA_PEER_DIR=../peer (default: ../peer beside the repository, then `peer` in the folder for
// temporary files).
// -d: tokens that stand before those that are timed. --parallel: sequences that advance together, one token each a step; tokens
// a second then count all of them (-n is the number of steps).
// --isa takes a CPU library that the package ships (haswell is its AVX2 build); without it llama.cpp picks for itself.
//
// We talk to the package's native addon directly: llama_decode on a batch is what gets timed, with no JavaScript between
// tokens but one await. Weight repacking stays at its default (on), memory mapping too.
import {createRequire} from "node:module";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {fileURLToPath} from "node:url";

const usage = fs
    .readFileSync(fileURLToPath(import.meta.url), "utf8")
    .split("\n")
    .slice(1, 6)
    .map((l) => l.slice(3))
    .join("\n");

function fail(message, status = 2) {
    process.stderr.write(`llama_peer: error: ${message}\n`);
    process.exit(status);
}

function parse(argv) {
    const o = {mode: argv[0], model: argv[1], p: 512, n: null, d: 0, parallel: 1, r: 1, t: 2, c: 2048, fa: "auto", isa: null, top: 5};
    const known = {
        "-p": "p",
        "-n": "n",
        "-d": "d",
        "--parallel": "parallel",
        "-r": "r",
        "-t": "t",
        "-c": "c",
        "--fa": "fa",
        "--isa": "isa",
        "--ids": "ids",
        "--text": "text",
        "--top": "top",
        "--out": "out",
    };
    for (let i = 2; i < argv.length; i += 2) {
        const name = known[argv[i]];
        if (!name || argv[i + 1] === undefined) fail(`unknown or incomplete option '${argv[i]}'\n${usage}`);
        o[name] = ["fa", "isa", "ids", "text", "out"].includes(name) ? argv[i + 1] : Number(argv[i + 1]);
    }
    if (!["bench", "first", "logits", "rows"].includes(o.mode) || !o.model) fail(usage);
    o.n ??= {bench: 64, first: 1, logits: 0, rows: 0}[o.mode];
    return o;
}

// The folder of the prebuilt addon and its CPU libraries.
export function peerFolder() {
    const here = path.dirname(fileURLToPath(import.meta.url));
    const roots = process.env.LLAMA_PEER_DIR
        ? [process.env.LLAMA_PEER_DIR]
        : [path.resolve(here, "../../peer"), path.join(os.tmpdir(), "peer")];
    const name = `linux-${process.arch}`;
    for (const root of roots) {
        const bins = path.join(path.resolve(root), "node_modules/@node-llama-cpp", name, "bins", name);
        if (fs.existsSync(path.join(bins, "llama-addon.node"))) return bins;
    }
    return null;
}

const peakRssMb = () => Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync("/proc/self/status", "utf8"))[1]) / 1024;
const seconds = () => performance.now() / 1000; // since the process started

function loadAddon(isa) {
    const bins = peerFolder();
    if (!bins) fail("no node-llama-cpp found; set LLAMA_PEER_DIR (see the head of this file)", 1);
    const addon = createRequire(import.meta.url)(path.join(bins, "llama-addon.node"));
    addon.setLogger(() => {});
    addon.setLoggerLogLevel(1); // errors only
    addon.markLoaded();
    let folder = bins,
        made = null;
    if (isa) {
        // llama.cpp takes the best library of the folder it is given: give it one that holds just the one wanted.
        const library = path.join(bins, `libggml-cpu-${isa}.so`);
        if (!fs.existsSync(library)) {
            const names = fs
                .readdirSync(bins)
                .map((f) => /^libggml-cpu-(.*)\.so$/.exec(f)?.[1])
                .filter(Boolean);
            fail(`no CPU library '${isa}'; there are: ${names.join(" ")}`);
        }
        folder = made = fs.mkdtempSync(path.join(os.tmpdir(), "llama_peer_"));
        fs.symlinkSync(library, path.join(folder, path.basename(library)));
    }
    addon.loadBackends(folder);
    if (made) fs.rmSync(made, {recursive: true});
    const loaded = /libggml-cpu-?(\S*)\.so/.exec(fs.readFileSync("/proc/self/maps", "utf8"));
    if (!loaded) fail("llama.cpp found no CPU library that runs here", 1);
    if (isa && loaded[1] !== isa) fail(`asked for '${isa}', llama.cpp loaded '${loaded[1]}'`, 1);
    return {
        addon,
        isa: loaded[1],
        build: JSON.parse(fs.readFileSync(path.join(bins, "_nlcBuildMetadata.json"), "utf8")).buildOptions.llamaCpp
            .release,
    };
}

const options = parse(process.argv.slice(2));
const nodeRssMb = peakRssMb(),
    nodeStart = seconds(); // what node itself took before llama.cpp came in
const {addon, isa, build} = loadAddon(options.isa);
await addon.init();
const model = new addon.AddonModel(options.model, {addonExports: addon, gpuLayers: 0, useMmap: true});
if (!(await model.init())) fail(`cannot load ${options.model}`, 3);

const ids = options.ids
    ? options.ids.split(",").map(Number)
    : options.text !== undefined
      ? [...model.tokenize(options.text, false)]
      : null;
if (!ids && options.mode !== "bench") fail(`${options.mode} needs --text or --ids`);
// One batch holds the whole prompt, up to llama.cpp's usual 512 tokens; more comes in several (rows: one logit row a token).
const batchSize = Math.max(1, Math.min(512, options.mode === "bench" ? options.p : ids.length));
const context = new addon.AddonContext(model, {
    contextSize: options.c * options.parallel, // llama.cpp shares it out
    batchSize: Math.max(batchSize, options.parallel),
    sequences: options.parallel,
    threads: options.t,
    flashAttention: {on: true, off: false, auto: "auto"}[options.fa],
});
if (!(await context.init())) fail("cannot make a context", 1);
const loadedAt = seconds();

const sampler = new addon.AddonSampler(model);
sampler.applyConfig({temperature: 0});

// Appends tokens at position `at`; the last one's logits are kept. Returns their index in the batch.
async function decode(tokens, at, sequence = 0) {
    let index = -1;
    for (let i = 0; i < tokens.length; i += batchSize) {
        const part = Uint32Array.from(tokens.slice(i, i + batchSize));
        const last = i + part.length === tokens.length;
        context.initBatch(part.length);
        index = context.addToBatch(sequence, at + i, part, last ? Uint32Array.of(part.length - 1) : new Uint32Array(0))[0];
        await context.decodeBatch();
    }
    return index;
}
// One token for each sequence in a single batch, logits for all.
async function decodeTogether(token, at) {
    context.initBatch(options.parallel);
    for (let k = 0; k < options.parallel; ++k) context.addToBatch(k, at, Uint32Array.of(token), Uint32Array.of(0));
    await context.decodeBatch();
}
const forget = (sequence = 0) => context.disposeSequence(sequence);

// The logits of a batch row, in order of id.
async function row(index) {
    const [, , , pairs] = await context.sampleToken(index, sampler, false, false, true);
    const out = new Float32Array(pairs.length / 2);
    for (let i = 0; i < pairs.length; i += 2) out[pairs[i]] = pairs[i + 1];
    return out;
}

const result = {
    engine: "llama.cpp",
    build,
    isa,
    system: addon.systemInfo().trim(),
    model: path.basename(options.model),
    threads: context.getThreads(),
    fa: options.fa,
    context: options.c,
};

if (options.mode === "bench") {
    // Any valid ids do: speed does not depend on the values. Low ids exist in every vocabulary.
    const id = (i) => 100 + ((i * 7919) % 150);
    const prompt = Array.from({length: options.p}, (_, i) => id(i));
    await decode(prompt.slice(0, 16), 0);
    forget(); // first touch of weights and scratch
    await decode([id(0)], 0);
    forget();
    const before = Array.from({length: options.d}, (_, i) => id(i + 3));
    const pp = [],
        tg = [];
    for (let k = 0; k < options.r; ++k) {
        if (options.p > 0) {
            if (before.length) await decode(before, 0);
            const start = seconds();
            await decode(prompt, options.d);
            pp.push(options.p / (seconds() - start));
            forget();
        }
        if (options.n > 0) {
            for (let s = 0; s < options.parallel && before.length; ++s) await decode(before, 0, s);
            const start = seconds();
            for (let i = 0; i < options.n; ++i) {
                if (options.parallel > 1) await decodeTogether(id(i), options.d + i);
                else await decode([id(i)], options.d + i);
            }
            tg.push((options.parallel * options.n) / (seconds() - start));
            for (let s = 0; s < options.parallel; ++s) forget(s);
        }
    }
    const suffix = options.d > 0 ? ` @ d${options.d}` : "";
    result.tests = [
        {test: `pp${options.p}${suffix}`, tps: pp},
        {test: `tg${options.n}${suffix}${options.parallel > 1 ? ` x${options.parallel}` : ""}`, tps: tg},
    ].filter((t) => t.tps.length);
} else if (options.mode === "rows") {
    // One token at a time: the addon keeps a single logit row apart from embeddings, and the rows are the same.
    const rows = [];
    for (let i = 0; i < ids.length; ++i) rows.push(await row(await decode([ids[i]], i)));
    fs.writeFileSync(options.out, Buffer.concat(rows.map((r) => Buffer.from(r.buffer))));
    Object.assign(result, {rows: rows.length, n_vocab: rows[0].length, out: options.out});
} else {
    let index = await decode(ids, 0);
    if (options.mode === "logits") {
        const logits = await row(index);
        if (options.out) fs.writeFileSync(options.out, Buffer.from(logits.buffer));
        result.top = [...logits.keys()]
            .sort((a, b) => logits[b] - logits[a])
            .slice(0, options.top)
            .map((i) => ({id: i, logit: logits[i]}));
    }
    const made = [];
    let text = "";
    for (let i = 0; i < options.n; ++i) {
        if (i > 0) index = await decode([made[i - 1]], ids.length + i - 1);
        made.push(await context.sampleToken(index, sampler));
        if (i === 0) {
            text = model.detokenize(Uint32Array.from(made)); // a user waits for text, so turning it into text counts
            result.first_token_s = seconds();
        }
        if (model.isEogToken(made[i])) break;
    }
    Object.assign(result, {prompt_tokens: ids.length, ids: made, first_text: text});
    result.text = made.length ? model.detokenize(Uint32Array.from(made)) : "";
}
// From process start; "own" leaves out what node and the script took before llama.cpp was touched.
result.loaded_s = loadedAt;
result.node_start_s = nodeStart;
if (result.first_token_s !== undefined) result.own_first_token_s = result.first_token_s - nodeStart;
result.peak_rss_mb = peakRssMb();
result.node_rss_mb = nodeRssMb;
// Straight out: tearing the model down is nobody's measurement.
process.stdout.write(JSON.stringify(result) + "\n", () => process.exit(0));
