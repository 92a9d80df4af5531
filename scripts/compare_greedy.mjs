#!/usr/bin/env node
// usage: node scripts/compare_greedy.mjs [MODEL.gguf] [--set tests/demo/heldout.jsonl] [-k 20] [-n 400] [-t 1]
//             [--distill ./distill] [--json FILE]
// Asks distill and llama.cpp the same questions, spread over a problem set, and compares their greedy text token by token.
// Where they part for the first time, llama.cpp's two best logits must lie within 0.05 of each other: then the choice was
// a toss, and rounding made it. Before that, @huggingface/gguf (npm) reads the file, if it is installed: architecture,
// the tensors' types and the embedding's shape must be what `distill info` says. The model needs the R1 template.
//
// llama.cpp comes from an npm package outside this repository: see scripts/llama_peer.mjs. @huggingface/gguf beside it:
//   cd ../peer && npm install --ignore-scripts @huggingface/gguf
// Exit status 1 when a question fails; the last line is "N of K questions agree".
import {execFileSync} from "node:child_process";
import {createRequire} from "node:module";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {fileURLToPath, pathToFileURL} from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const TOSS = 0.05; // logits

function fail(message, status = 2) {
    process.stderr.write(`compare_greedy: error: ${message}\n`);
    process.exit(status);
}

function parse(argv) {
    const o = {
        model: path.join(here, "../models/demo-Q4_K_M.gguf"),
        set: path.join(here, "../tests/demo/heldout.jsonl"),
        distill: path.join(here, "../distill"),
        k: 20,
        n: 400,
        t: 1,
        json: null,
    };
    const known = {"--set": "set", "-k": "k", "-n": "n", "-t": "t", "--distill": "distill", "--json": "json"};
    for (let i = 0; i < argv.length; ++i) {
        const name = known[argv[i]];
        if (!name && !argv[i].startsWith("-")) o.model = argv[i];
        else if (!name || argv[i + 1] === undefined) fail(`unknown or incomplete option '${argv[i]}'`);
        else o[name] = ["k", "n", "t"].includes(name) ? Number(argv[++i]) : argv[++i];
    }
    return o;
}

const options = parse(process.argv.slice(2));
const run = (program, args, input = "") =>
    execFileSync(program, args, {encoding: "utf8", input, stdio: ["pipe", "pipe", "ignore"], maxBuffer: 1 << 28});
const distill = (...args) => run(options.distill, args);
const peer = (...args) => JSON.parse(run(process.execPath, [path.join(here, "llama_peer.mjs"), ...args]));

// ---- the file, read by somebody else's reader ----------------------------------------------------------------------
async function checkWithHuggingFace() {
    const roots = process.env.LLAMA_PEER_DIR
        ? [process.env.LLAMA_PEER_DIR]
        : [path.resolve(here, "../../peer"), path.join(os.tmpdir(), "peer")];
    for (const root of roots) {
        let entry;
        try {
            entry = createRequire(path.join(path.resolve(root), "package.json")).resolve("@huggingface/gguf");
        } catch {
            continue;
        }
        const {gguf, GGMLQuantizationType} = await import(pathToFileURL(entry));
        const {metadata, tensorInfos} = await gguf(options.model, {allowLocalFile: true});
        const info = JSON.parse(distill("info", options.model, "--json"));
        const types = {};
        for (const {dtype} of tensorInfos) {
            const name = GGMLQuantizationType[dtype];
            types[name] = (types[name] ?? 0) + 1;
        }
        const ours = Object.fromEntries(info.tensor_types.map((t) => [t.type, t.tensors]));
        const same = (a, b) => JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
        if (metadata["general.architecture"] !== info.architecture) fail("the architectures differ", 1);
        if (tensorInfos.length !== info.tensors || !same(types, ours)) {
            fail(`tensors: ${JSON.stringify(types)} against ${JSON.stringify(ours)}`, 1);
        }
        const embedding = tensorInfos.find((t) => t.name === "token_embd.weight");
        if (Number(embedding.shape[0]) !== info.d_model || Number(embedding.shape[1]) !== info.n_vocab) {
            fail("the embedding's shapes differ", 1);
        }
        console.log(`@huggingface/gguf: ${tensorInfos.length} tensors ${JSON.stringify(types)}, as distill says`);
        return true;
    }
    console.log("@huggingface/gguf is not installed: the file was not read with it");
    return false;
}

// ---- greedy text -------------------------------------------------------------------------------------------------
// The ids that distill makes of a question, in the template of the R1 distills, which the demo model has as well.
function promptIds(question) {
    const text = `<｜begin▁of▁sentence｜><｜User｜>${question}<｜Assistant｜><think>\n`;
    return distill("tokenize", "-m", options.model, "--special", "-p", text).trim().split(" ").map(Number);
}

const textOf = (ids) => run(options.distill, ["tokenize", "-m", options.model, "--decode", "--special"], ids.join(" "));
const common = ["-n", String(options.n), "-t", String(options.t)];

// --raw reads the control tokens in the prompt.
function ask(prompt) {
    const greedy = ["--temp", "0", "--repeat-penalty", "1", "--reasoning-budget", "-1"];
    return JSON.parse(distill("-m", options.model, "--raw", ...greedy, ...common, "--json", "-p", textOf(prompt)));
}

// Text as both print it: thinking, end tag, answer; newlines next to the tags do not count.
const normal = (text) => text.replace(/\s*<\/think>\s*/, "\n</think>\n").replace(/<｜end▁of▁sentence｜>/g, "").trim();
const whole = ({thinking, answer, thinking_unfinished: cut}) => normal(cut ? thinking : `${thinking}</think>${answer}`);

const questions = fs
    .readFileSync(options.set, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line).question);
// Evenly spread; in turn from the first and the second half of each stretch, where the held-out set has two languages.
const k = Math.min(options.k, questions.length);
const place = (i) => Math.floor(((i + (i % 2 ? 0.75 : 0.25)) * questions.length) / k);
const chosen = Array.from({length: k}, (_, i) => questions[place(i)]);

const readable = await checkWithHuggingFace();
const rows = [];
for (const question of chosen) {
    const prompt = promptIds(question);
    const ours = whole(ask(prompt));
    const other = peer("first", options.model, "--ids", prompt.join(","), ...common, "--fa", "on");
    const theirs = normal(other.text);
    const row = {question, same: ours === theirs};
    if (!row.same) {
        // Walk along llama.cpp's tokens to the first one that distill's text does not begin with.
        let good = 0;
        for (let n = 1; n <= other.ids.length; ++n) {
            if (!ours.startsWith(normal(textOf(other.ids.slice(0, n))))) break;
            good = n;
        }
        const before = [...prompt, ...other.ids.slice(0, good)].join(",");
        const at = peer("logits", options.model, "--ids", before, "--top", "2", "-t", String(options.t), "--fa", "on");
        row.token = good;
        row.gap = at.top[0].logit - at.top[1].logit;
        row.top = at.top;
    }
    row.ok = row.same || row.gap <= TOSS;
    rows.push(row);
    const how = row.same ? "the same text" : `parts at token ${row.token}, two best logits ${row.gap.toFixed(4)} apart`;
    console.log(`${row.ok ? "ok  " : "FAIL"} ${how}: ${question.replace(/\s+/g, " ").slice(0, 70)}`);
}
const agree = rows.filter((r) => r.ok).length;
if (options.json) {
    const record = {model: path.basename(options.model), readable, rows};
    fs.writeFileSync(options.json, JSON.stringify(record, null, 1) + "\n");
}
console.log(`${agree} of ${rows.length} questions agree, ${rows.filter((r) => r.same).length} of them word for word`);
process.exit(agree === rows.length ? 0 : 1);
