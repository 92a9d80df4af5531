// distill logits: the raw output of the network, one row of n_vocab numbers for each input token.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <memory>

#include "cli/command.h"
#include "cli/input.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/terminal.h"

namespace distill {

namespace {

struct LogitsFlags {
    ModelFlags model;
    std::optional<std::string> ids, prompt;
    std::string out;
    int batch = 64;  // rows computed, held and written together
};

std::vector<TokenId> input_ids(const LogitsFlags& flags, const Tokenizer& tokenizer) {
    if (flags.ids) {
        const std::string text = *flags.ids == "-" ? read_stdin() : *flags.ids;
        std::vector<TokenId> ids;
        for (const int id : parse_int_list(text, "--ids", 0, std::numeric_limits<int>::max())) {
            if (id >= tokenizer.n_vocab()) {
                throw Error(fmt::format("--ids: {} is no token: the vocabulary has {}", id, tokenizer.n_vocab()),
                            Status::usage);
            }
            ids.push_back(id);
        }
        return ids;
    }
    std::vector<TokenId> ids = tokenizer.encode(*flags.prompt == "-" ? read_stdin() : *flags.prompt, Specials::parse);
    if (tokenizer.add_bos() && tokenizer.bos() >= 0) ids.insert(ids.begin(), tokenizer.bos());
    return ids;
}

// The output file; "-" is stdout. Closing is checked: a full disk may show only then.
class OutputFile {
  public:
    explicit OutputFile(const std::string& path) : path_(path) {
        fd_ = path == "-" ? STDOUT_FILENO : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (fd_ < 0) {
            throw Error(path, fmt::format("cannot be written: {}", std::strerror(errno)), std::nullopt,
                        Status::failure);
        }
    }
    ~OutputFile() {
        if (fd_ > STDERR_FILENO) ::close(fd_);
    }
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    void write(std::span<const float> values) {
        static_assert(std::endian::native == std::endian::little, "the file format is little-endian");
        Output(fd_, path_).write({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
    }
    void close() {
        const int fd = std::exchange(fd_, -1);
        if (fd > STDERR_FILENO && ::close(fd) != 0) {
            throw Error(path_, fmt::format("writing failed: {}", std::strerror(errno)), std::nullopt, Status::failure);
        }
    }

  private:
    std::string path_;
    int fd_ = -1;
};

Status run(const LogitsFlags& flags) {
    if (flags.ids.has_value() == flags.prompt.has_value()) {
        throw Error("logits wants either --ids 1,2,3 or -p TEXT", Status::usage);
    }
    const Session session = load_session(flags.model);
    const std::vector<TokenId> ids = input_ids(flags, session.engine.tokenizer());
    if (ids.size() > static_cast<std::size_t>(session.n_ctx)) {
        throw Error(fmt::format("the input of {} tokens exceeds the available context size of {} tokens", ids.size(),
                                session.n_ctx),
                    Status::context);
    }
    Sequence sequence = session.sequence();
    OutputFile file(flags.out);
    Progress progress("computing logits");
    for (std::size_t done = 0; done < ids.size();) {
        const std::size_t n = std::min(static_cast<std::size_t>(flags.batch), ids.size() - done);
        file.write(sequence.forward(std::span(ids).subspan(done, n), Logits::all));
        done += n;
        progress.update(static_cast<double>(done) / static_cast<double>(ids.size()));
        if (interrupts() > 0) return Status::interrupted;
    }
    file.close();
    return Status::ok;
}

}  // namespace

void add_logits_command(const Command& program, Action& action) {
    const Command command(program, "logits", "write the logits of each input position as raw float32");
    const auto flags = std::make_shared<LogitsFlags>();
    add_model_flags(command, flags->model);
    add_context_flag(command, flags->model);
    command.value("--ids", flags->ids, "token ids, separated by commas or blanks; - = stdin").type("IDS");
    command.value("-p,--prompt", flags->prompt, "raw text instead, BOS if the file asks for it; - = stdin")
        .type("TEXT");
    command.value("-o,--out", flags->out, "output: rows x n_vocab little-endian float32; - = stdout")
        .type("FILE")
        .required();
    command.value("-b,--batch-size", flags->batch, "positions computed at once; the result is the same")
        .type("N")
        .range(1, 4096);
    command.when_chosen([flags, &action] { action = [flags] { return run(*flags); }; });
}

}  // namespace distill
