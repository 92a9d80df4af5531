// A plain conversation on a terminal: lines in, answers out, a few slash commands.
#include <fmt/format.h>

#include "cli/input.h"
#include "cli/run.h"
#include "cli/signals.h"
#include "cli/terminal.h"

namespace distill {

namespace {

constexpr std::string_view kHelp =
    "/clear         forget the conversation (the system prompt stays)\n"
    "/bye           leave; also /exit, /quit, Ctrl-D\n"
    "/help          this list; also /?\n"
    "//text         a message that begins with a slash\n"
    "Ctrl-C         stop the answer; a second one leaves\n";

class Chat {
  public:
    explicit Chat(const RunFlags& flags)
        : flags_(flags),
          opening_(opening_messages(flags)),
          messages_(opening_),
          session_(load_session(flags.model)),
          prompter_(session_.engine, flags.style),
          sampler_(sampler_options(flags.sampling, session_.engine.file(), session_.engine.tokenizer())),
          sequence_(session_.sequence()) {
        Sampler{sampler_};  // bad values are wrong usage now, not at the first answer
    }

    Status run();

  private:
    // True when the chat shall end.
    bool command(const std::string& line);
    void answer(const std::string& question);

    const RunFlags& flags_;
    const std::vector<Message> opening_;
    std::vector<Message> messages_;
    Session session_;
    Prompter prompter_;
    SamplerOptions sampler_;
    Sequence sequence_;
    Output out_ = standard_output();
    Output err_ = standard_error();
};

Status Chat::run() {
    err_.write(fmt::format(
        "{}; /help lists the commands, Ctrl-D leaves\n",
        printable(model_name(flags_.model, session_.engine.config()))));
    LineReader reader;
    std::string line;
    for (;;) {
        const int seen = interrupts();  // before the prompt is shown: any Ctrl-C after that is meant for it
        err_.write(">>> ");
        switch (reader.read(line, seen)) {
            case LineReader::Result::end:
                err_.write("\n");
                return Status::ok;
            case LineReader::Result::interrupted:
                // The handler leaves on the second one.
                err_.write("\n(Ctrl-C again leaves; so do Ctrl-D and /bye)\n");
                continue;
            case LineReader::Result::line:
                break;
        }
        reset_interrupts();
        if (line.find_first_not_of(" \t") == std::string::npos) continue;
        if (line[0] == '/' && line.substr(0, 2) != "//") {
            if (command(line)) return Status::ok;
            continue;
        }
        if (line[0] == '/') line.erase(0, 1);
        try {
            answer(line);
        } catch (const Error& e) {
            // What only this question caused must not cost the conversation.
            if (e.status() != Status::context) throw;
            print_error(e.what());
            note("/clear forgets the conversation so far");
        }
    }
}

bool Chat::command(const std::string& line) {
    const std::string word = line.substr(0, line.find_first_of(" \t"));
    if (word == "/bye" || word == "/exit" || word == "/quit") return true;
    if (word == "/clear" || word == "/reset") {
        messages_ = opening_;
        sequence_.rewind(0);
        note("the conversation is forgotten");
    } else if (word == "/help" || word == "/?") {
        err_.write(kHelp);
    } else {
        print_error(fmt::format("unknown command '{}'; /help lists them, // begins a message with a slash",
                                printable(word, 40)));
    }
    return false;
}

void Chat::answer(const std::string& question) {
    messages_.push_back({"user", question});
    const Prompt prompt = prompter_.render(messages_);
    Generation g;
    try {
        AnswerPrinter printer(out_, err_, think_show(flags_, out_), flags_.color);
        Progress progress("reading the prompt");
        GenerateEvents events;
        events.text = [&](std::string_view text, bool thinking) {
            progress.clear();
            printer.text(text, thinking);
        };
        events.thinking = [&](int tokens) { printer.thinking_tokens(tokens); };
        events.prefill = [&](int done, int total) { progress.update(static_cast<double>(done) / total); };
        events.cancelled = [] { return interrupts() > 0; };
        // generate() rewinds to what the last turns and this prompt have in common and reads only the rest.
        g = generate(session_.engine, sequence_, prompt.ids, generate_options(flags_, sampler_, prompt), events);
        progress.clear();
        printer.finish();
    } catch (...) {
        messages_.pop_back();
        throw;
    }
    ++sampler_.seed;  // the same question again deserves another answer, in a way that can be repeated
    messages_.push_back({"assistant", g.answer});
    if (g.reason == StopReason::cancelled) err_.write("\n(stopped)\n");
    const std::string incomplete = why_incomplete(g, session_.n_ctx);
    if (!incomplete.empty()) warn(incomplete);
    print_speed(flags_, session_, g);
}

}  // namespace

Status chat(const RunFlags& flags) {
    return Chat(flags).run();
}

}  // namespace distill
