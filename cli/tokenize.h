// `distill tokenize`: text to ids and back, with the vocabulary of a model file and nothing else of it.
#pragma once

#include <cstdio>
#include <istream>
#include <optional>
#include <string>

namespace distill {

struct TokenizeOptions {
    std::string model;                  // path; "" = the built-in one
    std::optional<std::string> prompt;  // else `in` is read whole
    bool bos = false;                   // put BOS in front
    bool special = false;               // read control tokens in the text; with decode: write them
    bool jsonl = false;                 // {"text":...} a line in, {"ids":[...]} a line out
    bool decode = false;                // ids in, raw bytes out
};

// The exit status. A line of --jsonl that cannot be read gives {"error":...} in its place, and status 2 at the end.
int run_tokenize(const TokenizeOptions& options, std::istream& in, std::FILE* out);

}  // namespace distill
