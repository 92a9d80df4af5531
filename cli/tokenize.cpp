// See the header. --jsonl works line by line, so that a long file needs no memory.
#include "cli/tokenize.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <vector>

#include "cli/builtin_model.h"
#include "cli/command.h"
#include "cli/json_input.h"
#include "engine/error.h"
#include "engine/gguf.h"
#include "tokenizer/tokenizer.h"

namespace distill {

namespace {

using Json = nlohmann::json;

[[noreturn]] void write_failed() {
    const int why = errno;
    if (why == EPIPE) throw Error("the reader of the output went away", Status::reader_gone);
    throw Error(fmt::format("writing the output failed: {}", std::generic_category().message(why)), Status::failure);
}

void write(std::FILE* out, std::string_view bytes) {
    errno = 0;
    if (std::fwrite(bytes.data(), 1, bytes.size(), out) != bytes.size()) write_failed();
}

void flush(std::FILE* out) {
    errno = 0;
    if (std::fflush(out) != 0) write_failed();
}

std::string read_all(std::istream& in) {
    std::string text;
    std::array<char, 16384> chunk;
    while (in.read(chunk.data(), chunk.size()), in.gcount() > 0) {
        text.append(chunk.data(), static_cast<std::size_t>(in.gcount()));
    }
    if (in.bad()) throw Error("reading the input failed", Status::failure);
    return text;
}

std::string join(const std::vector<TokenId>& ids, char separator) {
    std::string line;
    line.reserve(ids.size() * 6);
    for (const TokenId id : ids) {
        if (!line.empty()) line += separator;
        fmt::format_to(std::back_inserter(line), "{}", id);
    }
    return line;
}

// Ids apart by blanks, commas or brackets, so that our own output and a JSON list both fit.
std::vector<TokenId> parse_ids(std::string_view text, std::int32_t n_vocab) {
    constexpr std::string_view separators = " \t\r\n,[]";
    std::vector<TokenId> ids;
    for (std::size_t at = text.find_first_not_of(separators); at != std::string_view::npos;
         at = text.find_first_not_of(separators, at)) {
        const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
        const std::string_view word = text.substr(at, end - at);
        TokenId id = -1;
        const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), id);
        if (error != std::errc() || stop != word.data() + word.size() || id < 0 || id >= n_vocab) {
            throw Error(
                fmt::format("'{}' at byte {} is no token id; expected 0 to {}", printable(word, 40), at, n_vocab - 1),
                Status::usage);
        }
        ids.push_back(id);
        at = end;
    }
    return ids;
}

std::vector<TokenId> encode(const Tokenizer& tokenizer, std::string_view text, const TokenizeOptions& options) {
    std::vector<TokenId> ids = tokenizer.encode(text, options.special ? Specials::parse : Specials::as_text);
    if (options.bos) ids.insert(ids.begin(), tokenizer.bos());
    return ids;
}

// The value of "text" in one line; throws Error with what is wrong.
std::string text_of_line(std::string_view line) {
    const Json row = parse_json(line);
    if (!row.is_object()) throw Error("expected an object", Status::usage);
    const auto text = row.find("text");
    if (text == row.end() || !text->is_string()) throw Error("expected a string under \"text\"", Status::usage);
    return text->get<std::string>();
}

int encode_lines(const Tokenizer& tokenizer, const TokenizeOptions& options, std::istream& in, std::FILE* out) {
    int status = static_cast<int>(Status::ok);
    std::string line;
    for (std::uint64_t number = 1; std::getline(in, line); ++number) {
        if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
        try {
            const std::vector<TokenId> ids = encode(tokenizer, text_of_line(line), options);
            write(out, fmt::format("{{\"ids\":[{}]}}\n", join(ids, ',')));
        } catch (const Error& error) {
            if (error.status() != Status::usage) throw;
            // The rows behind a bad one keep their places.
            write(out, Json{{"error", fmt::format("line {}: {}", number, error.problem())}}.dump() + '\n');
            status = static_cast<int>(Status::usage);
        }
    }
    if (in.bad()) throw Error("reading the input failed", Status::failure);
    return status;
}

}  // namespace

int run_tokenize(const TokenizeOptions& options, std::istream& in, std::FILE* out) {
    if (options.jsonl && options.decode) throw Error("--jsonl and --decode do not go together", Status::usage);
    // A tensor type that we cannot run is no reason to refuse the vocabulary.
    const Gguf file = open_model(options.model, UnsupportedTypes::keep);
    const Tokenizer tokenizer = Tokenizer::from_gguf(file);
    if (options.bos && tokenizer.bos() < 0) throw Error("--bos: this vocabulary has no BOS token", Status::usage);

    int status = static_cast<int>(Status::ok);
    if (options.jsonl) {
        status = encode_lines(tokenizer, options, in, out);
    } else {
        const std::string text = options.prompt ? *options.prompt : read_all(in);
        if (options.decode) {
            write(out, tokenizer.decode(parse_ids(text, tokenizer.n_vocab()), options.special));
        } else {
            write(out, join(encode(tokenizer, text, options), ' ') + '\n');
        }
    }
    flush(out);
    return status;
}

void add_tokenize_command(const Command& program, Action& action) {
    const auto flags = std::make_shared<TokenizeOptions>();
    const Command command(program, "tokenize", "text to token ids, or back");
    command.value("-m,--model", flags->model, "the GGUF file; none = the built-in demo model").type("FILE");
    command.value("-p,--prompt", flags->prompt, "the text (default: stdin)").type("TEXT");
    command.flag("--bos", flags->bos, "put the vocabulary's BOS in front");
    command.flag("--special", flags->special, "read control tokens in the text; with --decode: write them");
    command.flag("--jsonl", flags->jsonl, "one {\"text\":...} a line in, one {\"ids\":[...]} a line out");
    command.flag("--decode", flags->decode, "ids in, the bytes they stand for out");
    command.when_chosen(
        [flags, &action] { action = [flags] { return static_cast<Status>(run_tokenize(*flags, std::cin, stdout)); }; });
}

}  // namespace distill
