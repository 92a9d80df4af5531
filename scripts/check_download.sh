#!/bin/sh
# usage: scripts/check_download.sh          tests scripts/download_model.sh against a server on this machine's loopback
#
# Once with each of curl and wget that is installed. Needs python3 for the server.
set -u
script=$(cd "$(dirname "$0")" && pwd)/download_model.sh
work=$(mktemp -d) || exit 1
server=''
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1

# The first part of a path says how the server behaves; each request is one line of the log: method, path, range.
cat >server.py <<'PY'
import hashlib, http.server, os, re

BODY = b"GGUF" + bytes(i * 7 % 251 for i in range(300_000))

class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer(head=True)

    def do_GET(self):
        self.answer(head=False)

    def answer(self, head):
        mode = self.path.split("/")[1]
        asked = self.headers.get("Range", "")
        with open("log", "a") as log:
            log.write(f"{self.command} {self.path} {asked}\n")
        if mode == "missing" or mode == "nohead" and head:
            self.send_error(404 if mode == "missing" else 405)
            return
        if mode == "moved" and "/stored/" not in self.path:
            self.send_response(302)
            self.send_header("Location", "/moved/stored/file")
            self.send_header("X-Linked-Size", str(len(BODY)))
            self.send_header("X-Linked-ETag", f'"{hashlib.sha256(BODY).hexdigest()}"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = b"<html>log in first</html>" if mode == "page" else BODY
        begin = 0
        match = re.fullmatch(r"bytes=(\d+)-", asked)
        if match and mode != "norange":
            begin = int(match[1])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        if mode != "norange":
            self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", '"second"' if mode == "changed" else '"first"')
        self.send_header("Content-Length", str(len(body) - begin))
        self.end_headers()
        if head:
            return
        end = len(body)
        if mode == "cut":  # a third of the file at a time
            end = min(end, begin + 110_000)
        elif mode == "stuck":
            end = min(end, max(begin, 110_000))
        self.wfile.write(body[begin:end])

with open("expected", "wb") as file:
    file.write(BODY)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open("port.new", "w") as file:
    file.write(str(server.server_address[1]))
os.rename("port.new", "port")
server.serve_forever()
PY
python3 server.py &
server=$!
waited=0
until [ -f port ]; do
    waited=$((waited + 1))
    [ $waited -lt 300 ] || { echo "the test server did not start" >&2; exit 1; }
    sleep 0.1
done
base=http://127.0.0.1:$(cat port)
sha=$(sha256sum <expected | cut -d ' ' -f 1)
file=qwen2.5-0.5b-instruct-q4_k_m.gguf
# A proxy of the surroundings has no business between us and the loopback.
unset http_proxy HTTP_PROXY all_proxy ALL_PROXY HF_ENDPOINT 2>/dev/null

failed=0
# expect STATUS PATTERN MODE ARGUMENT...: runs the script against the server; PATTERN must occur in what it prints.
expect() {
    want=$1 pattern=$2 mode=$3
    shift 3
    : >log
    MODEL_ENDPOINT=$base/$mode PATH=$tools "$script" --dir got "$@" >out 2>err
    status=$?
    if [ $status != "$want" ] || ! cat out err | grep -q -e "$pattern"; then
        echo "FAILED ($tool, $mode $*): status $status, expected $want; '$pattern' expected in:" >&2
        cat out err >&2
        failed=$((failed + 1))
    fi
}
# holds DESCRIPTION COMMAND...: one more thing that must be so.
holds() {
    description=$1
    shift
    "$@" && return
    echo "FAILED ($tool): $description" >&2
    failed=$((failed + 1))
}
absent() { [ ! -e "$1" ]; }
requests() { [ "$(grep -c "^GET" log)" = "$1" ]; }

tested=0
for tool in curl wget; do
    command -v $tool >/dev/null || { echo "skipped: $tool is not installed"; continue; }
    tested=$((tested + 1))
    # A search path that holds everything but the other tool.
    tools=$work/tools-$tool
    mkdir "$tools"
    for program in sh cat tr sed awk tail head wc cut df mkdir mv rm sleep sha256sum $tool; do
        ln -s "$(command -v "$program")" "$tools/$program"
    done
    begin() { rm -rf got; mkdir got; }

    begin
    expect 0 "^got/$file\$" plain qwen2.5-0.5b
    holds "the whole file is there" cmp expected "got/$file"
    holds "nothing else is left" [ "$(ls got)" = $file ]
    expect 0 "is there already" plain qwen2.5-0.5b q4_k_m
    holds "nothing is fetched twice" requests 0
    : >"got/$file"
    expect 1 "is there already but has 0 bytes" plain qwen2.5-0.5b

    begin
    expect 0 "going on after 110000 bytes" cut qwen2.5-0.5b --sha256 "$sha"
    holds "the pieces make the file" cmp expected "got/$file"
    holds "three pieces" requests 3
    holds "the last piece alone" grep -q "bytes=220000-" log

    begin
    expect 1 "no more bytes after" stuck qwen2.5-0.5b
    holds "what came is kept" [ "$(wc -c <"got/$file.part")" = 110000 ]
    expect 0 "going on after 110000 bytes" plain qwen2.5-0.5b
    holds "a later run completes it" cmp expected "got/$file"
    holds "and fetches only the rest" grep -q "bytes=110000-" log
    holds "and leaves no part" absent "got/$file.part"

    begin
    expect 1 "no more bytes after" stuck qwen2.5-0.5b
    expect 0 "has changed since" changed qwen2.5-0.5b
    holds "another version is fetched whole" cmp expected "got/$file"

    begin
    head -c 1000 expected >"got/$file.part"
    expect 0 "$file" norange qwen2.5-0.5b
    holds "without ranges: from the start" cmp expected "got/$file"

    begin
    expect 1 "has the SHA-256 $sha, expected 0000" plain qwen2.5-0.5b --sha256 "$(printf %064d 0)"
    holds "a wrong file does not get the name" absent "got/$file"
    holds "but is kept" cmp expected "got/$file.rejected"
    holds "and not gone on with" absent "got/$file.part"
    printf '%064d  %s\n' 0 $file >"got/$file.sha256"
    expect 1 "expected 0000" plain qwen2.5-0.5b
    printf '%s  %s\n' "$sha" $file >"got/$file.sha256"
    expect 0 "^got/$file\$" plain qwen2.5-0.5b

    begin
    expect 0 "^got/$file\$" moved qwen2.5-0.5b
    holds "behind a redirection" cmp expected "got/$file"
    holds "with the checksum of the hub" [ "$(grep -c "no SHA-256" err)" = 0 ]
    echo "GGUF, but another" >"got/$file"
    expect 1 "published are 300004" moved qwen2.5-0.5b

    begin
    expect 0 "no SHA-256" nohead qwen2.5-0.5b
    holds "also from a server without HEAD" cmp expected "got/$file"

    begin
    expect 1 "not found (404)" missing qwen2.5-0.5b
    expect 1 "is no GGUF file" page qwen2.5-0.5b
    expect 2 "unknown model 'gpt'" plain gpt
    expect 2 "not published as 'Q1'" plain tinyllama q1
    expect 2 "no SHA-256" plain tinyllama --sha256 abc
    expect 0 "tinyllama-1.1b-chat-v1.0.Q8_0.gguf" plain tinyllama Q8_0
    holds "of the right repository" \
        grep -q "/plain/TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF/resolve/main/tinyllama-1.1b-chat-v1.0.Q8_0.gguf" log

    HF_ENDPOINT=$base/plain/ PATH=$tools "$script" --dir other qwen2.5-0.5b >out 2>err
    holds "HF_ENDPOINT is a mirror too" cmp expected "other/$file"
    MODEL_ENDPOINT=http://127.0.0.1:1 PATH=$tools "$script" --dir none qwen2.5-0.5b >out 2>err
    holds "no server is said" grep -q "cannot be reached; check the network" err
    rm -rf other none
    # 64 KB and then no more, where such a file system can be made.
    if mkdir full && mount -t tmpfs -o size=64k none full 2>/dev/null; then
        MODEL_ENDPOINT=$base/plain PATH=$tools "$script" --dir full qwen2.5-0.5b >out 2>err
        holds "too little room is said before" grep -q "MiB are needed" err
        MODEL_ENDPOINT=$base/nohead PATH=$tools "$script" --dir full qwen2.5-0.5b >out 2>err
        holds "a full disk is said" grep -q "disk is full" err
        umount full
    else
        echo "skipped: the full disk, because a small file system cannot be mounted here"
    fi
    rmdir full
done
# Neither tool.
tool=none tools=$work/tools-none
mkdir "$tools"
for program in sh cat tr sed mkdir; do ln -s "$(command -v $program)" "$tools/$program"; done
expect 1 "neither curl nor wget" plain qwen2.5-0.5b

[ $tested != 0 ] || { echo "neither curl nor wget is installed here"; exit 1; }
[ $failed = 0 ] || { echo "$failed checks of download_model.sh failed" >&2; exit 1; }
echo "download_model.sh passed with $tested of curl and wget"
