#!/bin/sh
# usage: scripts/download_model.sh [--dir DIR] [--sha256 HEX] NAME [QUANT]
#        scripts/download_model.sh --list
#
# Fetches a published model into DIR (default: models) and prints its path, so that
#     ./distill -m "$(scripts/download_model.sh r1-1.5b)"
# works. What was fetched before is not fetched again: a download that was cut goes on where it stopped, and the file has
# its name only once it is whole. Its SHA-256 is compared with --sha256, else with FILE.sha256 in DIR, else with what the
# server says. MODEL_ENDPOINT (or HF_ENDPOINT) names a mirror instead of https://huggingface.co.
# Exit statuses: 0 the file is there, 1 it is not, 2 wrong usage.
set -u

endpoint=${MODEL_ENDPOINT:-${HF_ENDPOINT:-https://huggingface.co}}
endpoint=${endpoint%/}
dir=models
wanted_sha=''
tries=3  # in a row that brought nothing new

fail() {
    echo "download_model: $1" >&2
    exit "${2:-1}"
}

# describe NAME: sets repo, the file's name around the quantisation, how that is spelt, the default one and the others.
describe() {
    case $1 in
        r1-1.5b)
            repo=bartowski/DeepSeek-R1-Distill-Qwen-1.5B-GGUF prefix=DeepSeek-R1-Distill-Qwen-1.5B- spelling=upper
            default=Q4_K_M others="Q4_0 Q5_K_M Q6_K Q8_0" ;;
        qwen2.5-0.5b)
            repo=Qwen/Qwen2.5-0.5B-Instruct-GGUF prefix=qwen2.5-0.5b-instruct- spelling=lower
            default=Q4_K_M others="Q4_0 Q5_K_M Q6_K Q8_0" ;;
        tinyllama)
            repo=TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF prefix=tinyllama-1.1b-chat-v1.0. spelling=upper
            default=Q4_K_M others="Q4_0 Q5_K_M Q6_K Q8_0" ;;
        phi-3-mini)
            repo=microsoft/Phi-3-mini-4k-instruct-gguf prefix=Phi-3-mini-4k-instruct- spelling=lower
            default=Q4 others="FP16" ;;
        *) return 1 ;;
    esac
}
names="r1-1.5b qwen2.5-0.5b tinyllama phi-3-mini"

list() {
    for name in $names; do
        describe "$name"
        printf '%-14s %-46s %s (default) %s\n' "$name" "$repo" "$default" "$others"
    done
}

usage() {
    sed -n '2,/^set -u/{/^#/s/^# \{0,1\}//p;}' "$0"
    echo
    list
}

# ---- the command line ----------------------------------------------------------------------------------------------
name=''
quant=''
while [ $# -gt 0 ]; do
    case $1 in
        --list) list; exit 0 ;;
        -h | --help) usage; exit 0 ;;
        --dir | --sha256)
            [ $# -ge 2 ] || fail "$1 needs a value" 2
            if [ "$1" = --dir ]; then dir=$2; else wanted_sha=$2; fi
            shift ;;
        --dir=*) dir=${1#*=} ;;
        --sha256=*) wanted_sha=${1#*=} ;;
        -*) fail "unknown option $1; --help lists them" 2 ;;
        *)
            if [ -z "$name" ]; then name=$1
            elif [ -z "$quant" ]; then quant=$1
            else fail "one model at a time: '$1' is too much" 2
            fi ;;
    esac
    shift
done
[ -n "$name" ] || { usage >&2; exit 2; }
describe "$name" || fail "unknown model '$name'; known: $names" 2
quant=$(printf %s "${quant:-$default}" | tr '[:lower:]' '[:upper:]')
case " $default $others " in
    *" $quant "*) ;;
    *) fail "$name is not published as '$quant'; there is: $default $others" 2 ;;
esac
# 64 hex digits in lower case, or a complaint that names their origin.
checked_sha() {
    sha=$(printf %s "$1" | tr '[:upper:]' '[:lower:]')
    case $sha in *[!0-9a-f]*) sha= ;; esac
    [ ${#sha} = 64 ] || fail "$2 is no SHA-256: expected 64 hex digits" 2
    printf %s "$sha"
}
[ -z "$wanted_sha" ] || wanted_sha=$(checked_sha "$wanted_sha" --sha256) || exit

[ "$spelling" = upper ] || quant=$(printf %s "$quant" | tr '[:upper:]' '[:lower:]')
file=$prefix$quant.gguf
url=$endpoint/$repo/resolve/main/$file
path=$dir/$file
part=$path.part
mkdir -p "$dir" 2>/dev/null
[ -w "$dir/." ] || fail "$dir: cannot write there; choose another folder with --dir"
if [ -z "$wanted_sha" ] && [ -f "$path.sha256" ]; then
    read -r wanted_sha _ <"$path.sha256" || :
    wanted_sha=$(checked_sha "$wanted_sha" "$path.sha256") || exit
fi

if command -v curl >/dev/null 2>&1; then tool=curl
elif command -v wget >/dev/null 2>&1; then tool=wget
else fail "neither curl nor wget is installed; install one of them, or fetch $url by other means"
fi

# ---- what the server says ------------------------------------------------------------------------------------------
# The headers of all answers on the way, redirections included, one a line without indentation.
headers() {
    if [ $tool = curl ]; then curl -sIL --connect-timeout 20 "$url" 2>/dev/null
    else wget -S --spider --timeout=20 --tries=1 "$url" 2>&1
    fi | tr -d '\r' | sed 's/^[[:space:]]*//'
}
answer=$(headers)
# field NAME: the last one wins, which is the answer at the end of the redirections.
field() {
    printf '%s\n' "$answer" | awk -v name="$1:" 'tolower($1) == name { $1 = ""; sub(/^ */, ""); last = $0 } END { print last }'
}
code=$(printf '%s\n' "$answer" | awk '/^HTTP\// { code = $2 } END { print code }')
# A hub that keeps large files elsewhere names the size and the SHA-256 of what it links to.
size=$(field x-linked-size)
[ -n "$size" ] || size=$(field content-length)
case $size in '' | *[!0-9]*) size= ;; esac
[ "${code:-000}" = 200 ] || size=
tag=$(field x-linked-etag | tr -d '"')
published_sha=''
case $tag in *[!0-9a-f]* | '') tag=$(field etag) ;; *) [ ${#tag} != 64 ] || published_sha=$tag ;; esac
[ -z "$published_sha" ] || [ -n "$wanted_sha" ] || wanted_sha=$published_sha

case ${code:-000} in
    200) ;;
    401 | 403) fail "$url: access refused ($code); the publisher may want a login, or a proxy stands in between" ;;
    404) fail "$url: not found (404); check the mirror ($endpoint), or see --list for what else there is" ;;
    *) ;;  # a server that answers no HEAD, or no server: the download itself will tell
esac

# ---- checks --------------------------------------------------------------------------------------------------------
bytes_of() { if [ -f "$1" ]; then wc -c <"$1" | tr -d ' '; else echo 0; fi; }
sha_of() {
    if command -v sha256sum >/dev/null 2>&1; then sha256sum <"$1"
    elif command -v shasum >/dev/null 2>&1; then shasum -a 256 <"$1"
    elif command -v openssl >/dev/null 2>&1; then openssl dgst -sha256 -r <"$1"
    fi | cut -d ' ' -f 1
}
# problem_of FILE: prints what is wrong with a whole file, nothing if it is right.
problem_of() {
    if [ -n "$size" ] && [ "$(bytes_of "$1")" != "$size" ]; then
        echo "has $(bytes_of "$1") bytes, published are $size"
    elif [ -n "$wanted_sha" ]; then
        sha=$(sha_of "$1")
        if [ -z "$sha" ]; then echo "cannot be checked: none of sha256sum, shasum, openssl is installed"
        elif [ "$sha" != "$wanted_sha" ]; then echo "has the SHA-256 $sha, expected $wanted_sha"
        fi
    elif [ "$(head -c 4 "$1")" != GGUF ]; then
        # A proxy's page of excuses, most often.
        echo "is no GGUF file"
    fi
}

if [ -f "$path" ]; then
    problem=$(problem_of "$path")
    [ -z "$problem" ] || fail "$path is there already but $problem; remove it or choose another folder with --dir"
    echo "download_model: $path is there already" >&2
    printf '%s\n' "$path"
    exit 0
fi

# Pieces of two versions make no file: what was begun counts only for the version it was begun with.
if [ -f "$part" ] && [ -f "$part.tag" ] && [ -n "$tag" ] && [ "$(cat "$part.tag")" != "$tag" ]; then
    echo "download_model: the published file has changed since the download began: starting again" >&2
    rm -f "$part"
fi
# Nor is a part of any use where nobody says how long the whole is.
if [ -z "$size" ] || [ "$(bytes_of "$part")" -gt "$size" ]; then rm -f "$part"; fi
if [ -n "$size" ]; then
    needed=$(((size - $(bytes_of "$part")) / 1024))
    free=$(df -Pk "$dir" 2>/dev/null | awk 'NR == 2 { print $4 }')
    case $free in '' | *[!0-9]*) free=$needed ;; esac
    [ "$free" -ge "$needed" ] || fail "$dir: $((needed / 1024)) MiB are needed, $((free / 1024)) MiB are free; make room or choose another folder with --dir"
fi
printf '%s\n' "$tag" >"$part.tag" || fail "$part.tag: cannot write; is the disk full?"

# ---- the download --------------------------------------------------------------------------------------------------
# Appends what is missing to $part; the tool's own exit status.
fetch() {
    if [ $tool = curl ]; then
        if [ -t 2 ]; then curl -fL --connect-timeout 20 --progress-bar -C - -o "$part" "$url"
        else curl -fsSL --connect-timeout 20 -C - -o "$part" "$url"
        fi
    elif [ -t 2 ]; then wget --timeout=60 --tries=1 -c -O "$part" "$url"
    else wget -q --timeout=60 --tries=1 -c -O "$part" "$url"
    fi
}
# Full disk: the tool could not write (curl 23, wget 3), or nothing is left.
disk_full() {
    case $tool$1 in curl23 | wget3) return 0 ;; esac
    [ "$(df -Pk "$dir" 2>/dev/null | awk 'NR == 2 { print $4 }')" = 0 ]
}

echo "download_model: $url -> $path${size:+, $((size / 1048576)) MiB}" >&2
failures=0
while [ -z "$size" ] || [ "$(bytes_of "$part")" -lt "$size" ]; do
    before=$(bytes_of "$part")
    [ "$before" = 0 ] || echo "download_model: going on after $before bytes" >&2
    fetch
    status=$?
    after=$(bytes_of "$part")
    [ $status != 0 ] || [ -n "$size" ] || break
    # A tool that says all is well although bytes are missing has been cut off too.
    [ $status != 0 ] || [ "$after" -lt "$size" ] || break
    disk_full $status && fail "$part: the disk is full or refuses writing; make room and run this again, it goes on where it stopped"
    case $tool$status in
        curl6 | curl7 | curl28 | wget4) [ "${code:-}" ] || fail "$endpoint cannot be reached; check the network, or name a mirror in MODEL_ENDPOINT" ;;
        curl33)  # no ranges here
            echo "download_model: the server cannot go on in the middle: starting again" >&2
            rm -f "$part" ;;
        curl22 | wget8) fail "$url: the server refuses; check the mirror ($endpoint) and try again later" ;;
    esac
    if [ "$after" -gt "$before" ]; then failures=0; else failures=$((failures + 1)); fi
    [ $failures -lt $tries ] || fail "$url: no more bytes after $tries tries ($after so far); run this again, it goes on where it stopped"
    sleep $failures
done

problem=$(problem_of "$part")
if [ -n "$problem" ]; then
    mv -f "$part" "$path.rejected"
    rm -f "$part.tag"
    fail "$file $problem; kept as $path.rejected: remove it and try again, or rename it if the expectation was wrong"
fi
mv -f "$part" "$path" || fail "$part: cannot be renamed to $path"
rm -f "$part.tag"
[ -n "$wanted_sha" ] || echo "download_model: no SHA-256 was given or published, only the size is checked" >&2
printf '%s\n' "$path"
