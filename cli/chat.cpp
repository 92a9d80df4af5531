#include "cli/chat.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "cli/answer.h"
#include "cli/chat_commands.h"
#include "cli/markdown_style.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "cli/text_width.h"

namespace distill {

namespace {

// Shown at the end of an answer that was broken off, to the model as well: it would take it for whole otherwise.
constexpr std::string_view kBrokenOff = "…";
constexpr std::string_view kWideSlash = "／";
// Far more than any context holds.
constexpr std::size_t kMaxAttachedBytes = std::size_t{16} << 20;

// A question in one short line.
std::string excerpt(std::string_view text) {
    const std::size_t newline = std::min(text.find('\n'), text.size());
    std::size_t end = 0;
    for (int n = 0; end < newline && n < 60; ++n) end += cluster_at(text, end).size;
    return safe_for_terminal(text.substr(0, end)) + (end < text.size() ? "…" : "");
}

// As Chinese keyboards type it.
std::string with_plain_slashes(std::string text) {
    for (std::size_t i = 0; i < 2 && text.substr(i, kWideSlash.size()) == kWideSlash; ++i) {
        text.replace(i, kWideSlash.size(), "/");
    }
    return text;
}

std::string opening_system(const RunFlags& flags) {
    const std::vector<Message> messages = opening_messages(flags);
    return messages.empty() ? std::string() : messages.front().content;
}

Session load_unless_interrupted(const ModelFlags& flags) {
    Session session = load_session(flags);
    // There is no answer yet that Ctrl-C could mean.
    if (interrupts() > 0) throw Error("interrupted", Status::interrupted);
    return session;
}

}  // namespace

Chat::Chat(const RunFlags& flags, const UserEnvironment& environment)
    : flags_(flags),
      environment_(environment),
      session_(load_unless_interrupted(flags.model)),
      prompter_(session_.engine, flags.style),
      sampler_(sampler_options(flags.sampling, session_.engine.file(), session_.engine.tokenizer())),
      sequence_(session_.sequence()),
      system_(opening_system(flags)),
      input_(environment, !flags.no_history,
             [home = environment.home](std::string_view text) { return complete_command(text, home); }) {
    Sampler{sampler_};  // bad values are wrong usage now, not at the first answer
}

Status Chat::run() {
    say(Text::greeting, printable(model_name(flags_.model, session_.engine.config())));
    std::string text;
    for (;;) {
        switch (input_.read(text)) {
            case ChatInput::Result::end:
                return Status::ok;
            case ChatInput::Result::interrupted:
                say(Text::again_leaves);
                continue;
            case ChatInput::Result::message:
                break;
        }
        text = with_plain_slashes(std::move(text));
        if (text.find_first_not_of(" \t\n") == std::string::npos && attached_.empty()) continue;
        try {
            if (text.starts_with('/') && !text.starts_with("//")) {
                if (!run_command(*this, text)) return Status::ok;
            } else {
                ask(text.starts_with('/') ? text.substr(1) : text);
            }
        } catch (const Error& e) {
            // What one line caused must not cost the conversation; what is wrong with the model or the streams does.
            if (e.status() != Status::context && e.status() != Status::usage && !text.starts_with('/')) throw;
            if (e.status() == Status::reader_gone || e.status() == Status::interrupted) throw;
            print_error(e.what());
            if (e.status() == Status::context) say(Text::forget_hint);
        }
    }
}

void Chat::ask(const std::string& question) {
    turns_.push_back({"user", attached_ + question, false});
    try {
        if (answer()) {
            attached_.clear();
            return;
        }
    } catch (...) {
        turns_.pop_back();
        throw;
    }
    turns_.pop_back();
    say(Text::taken_back);
}

bool Chat::answer() {
    const Prompt prompt = prompter_.render(conversation());
    Generation g;
    {
        AnswerPrinter printer(out_, err_, think_show(flags_, out_), flags_.color);
        MarkdownStyle markdown;
        if (use_color(flags_.color, out_)) printer.set_style(&markdown);
        Progress progress(words(Text::reading));
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
    }
    const bool stopped = g.reason == StopReason::cancelled;
    if (stopped && g.answer.empty()) return false;
    ++sampler_.seed;  // the same question again deserves another answer, in a way that can be repeated
    turns_.push_back({"assistant", g.answer, stopped});
    count(g);
    if (stopped) say(Text::stopped);
    const std::string incomplete = why_incomplete(g, session_.n_ctx);
    if (!incomplete.empty()) warn(incomplete);
    if (show_speed_) print_speed(flags_, session_, g);
    return true;
}

std::vector<Message> Chat::conversation() const {
    std::vector<Message> messages;
    if (!system_.empty()) messages.push_back({"system", system_});
    for (const ChatMessage& turn : turns_) {
        messages.push_back({turn.role, turn.stopped ? turn.content + std::string(kBrokenOff) : turn.content});
    }
    return messages;
}

void Chat::count(const Generation& g) {
    ++totals_.answers;
    totals_.prompt_tokens += g.prompt_tokens;
    totals_.cached_tokens += g.cached_tokens;
    totals_.text_tokens += g.generated_tokens;
    totals_.thinking_tokens += g.thinking_tokens;
    totals_.decoded_tokens += g.decoded_tokens;
    totals_.prompt_seconds += g.prompt_seconds;
    totals_.text_seconds += g.text_seconds;
    last_speed_ = speed_line(session_, g);
}

void Chat::clear() {
    turns_.clear();
    attached_.clear();
    sequence_.rewind(0);
    say(Text::cleared);
}

void Chat::regenerate() {
    if (turns_.empty()) throw Error(words(Text::nothing_to_regenerate), Status::usage);
    ChatMessage old = std::move(turns_.back());
    turns_.pop_back();
    try {
        if (answer()) return;
    } catch (...) {
        turns_.push_back(std::move(old));
        throw;
    }
    turns_.push_back(std::move(old));
    say(Text::stopped);
}

void Chat::undo() {
    if (turns_.empty()) throw Error(words(Text::nothing_to_undo), Status::usage);
    turns_.pop_back();
    say(Text::undone, excerpt(turns_.back().content));
    turns_.pop_back();
}

void Chat::forget_oldest() {
    if (turns_.empty()) throw Error(words(Text::nothing_to_undo), Status::usage);
    say(Text::forgot_oldest, excerpt(turns_.front().content));
    turns_.erase(turns_.begin(), turns_.begin() + 2);
}

const std::string& Chat::fingerprint() {
    if (fingerprint_.empty()) fingerprint_ = model_fingerprint(session_.engine.file());
    return fingerprint_;
}

void Chat::save(const std::string& path) {
    SavedChat chat;
    chat.model_name = model_name(flags_.model, session_.engine.config());
    chat.fingerprint = fingerprint();
    chat.sampler = sampler_;
    chat.max_tokens = flags_.max_tokens;
    chat.reasoning_budget = flags_.reasoning_budget;
    chat.stop = flags_.stop;
    if (!system_.empty()) chat.messages.push_back({"system", system_, false});
    chat.messages.insert(chat.messages.end(), turns_.begin(), turns_.end());
    save_chat(path, chat);
    say(Text::saved, printable(path), chat.messages.size());
}

void Chat::load(const std::string& path) {
    SavedChat chat = load_chat(path);
    const bool other_model = chat.fingerprint != fingerprint();
    const std::size_t n_messages = chat.messages.size();
    // From here on nothing can fail any more.
    system_.clear();
    if (n_messages > 0 && chat.messages.front().role == "system") {
        system_ = std::move(chat.messages.front().content);
        chat.messages.erase(chat.messages.begin());
    }
    turns_ = std::move(chat.messages);
    attached_.clear();
    sampler_ = chat.sampler;
    flags_.max_tokens = chat.max_tokens;
    flags_.reasoning_budget = chat.reasoning_budget;
    flags_.stop = std::move(chat.stop);
    if (other_model) warn(words(Text::other_model, printable(path), printable(chat.model_name)));
    say(Text::loaded, printable(path), n_messages);
}

void Chat::read_file(const std::string& path) {
    const std::string bytes = read_text_file(path);
    const std::string text = clean_text(bytes);
    // U+FFFD in the place of what is no UTF-8 makes it another text; other control characters are no loss.
    if (bytes.find('\0') != std::string::npos ||
        (text.find("\xef\xbf\xbd") != std::string::npos && bytes.find("\xef\xbf\xbd") == std::string::npos)) {
        throw Error(path, words(Text::not_text), std::nullopt, Status::usage);
    }
    if (attached_.size() + text.size() > kMaxAttachedBytes) {
        throw Error(path, fmt::format("{} bytes are more than a message takes", text.size()), std::nullopt,
                    Status::usage);
    }
    // The markers that DeepSeek-R1 was shown files with; plain enough for any other model.
    const std::string name = clean_text(std::filesystem::path(path).filename().string());
    attached_ += fmt::format("[file name]: {}\n[file content begin]\n{}\n[file content end]\n", name,
                             without_last_newline(text));
    say(Text::file_added, printable(path), text.size());
}

void Chat::set_system(const std::string& text) {
    system_ = text;
    say(text.empty() ? Text::system_none : Text::system_set);
}

bool Chat::thinks() const {
    return prompter_.render(conversation()).split_thinking;
}

void Chat::set_thinking(bool on) {
    flags_.style.reasoning =
        on ? Reasoning::automatic : Reasoning::off;  // off: thoughts opened all the same are closed
    prompter_.set_reasoning(flags_.style.reasoning);
    say(!thinks() ? Text::not_thinking_model : on ? Text::think_on : Text::think_off);
}

void Chat::resize(int n_ctx) {
    Sequence sequence(session_.engine, *session_.pool, n_ctx, session_.kv_types);
    sequence_ = std::move(sequence);
    session_.n_ctx = n_ctx;
}

void Chat::set_sampler(const SamplerOptions& sampler) {
    Sampler{sampler};
    sampler_ = sampler;
}

std::string Chat::prompt_text() const {
    std::string text;
    for (const TokenId id : prompter_.render(conversation()).ids) {
        session_.engine.tokenizer().append_bytes(text, id, true);
    }
    return text;
}

std::string Chat::sequence_text() const {
    std::string text;
    for (const TokenId id : sequence_.tokens()) session_.engine.tokenizer().append_bytes(text, id, true);
    return text;
}

std::string Chat::stats() const {
    if (totals_.answers == 0) return words(Text::no_answer_yet);
    const auto rate = [](int tokens, double seconds) { return seconds > 0 ? tokens / seconds : 0.0; };
    return words(Text::stats_last, last_speed_) + "\n" +
           words(Text::stats_all, totals_.answers, totals_.prompt_tokens, totals_.cached_tokens,
                 rate(totals_.prompt_tokens - totals_.cached_tokens, totals_.prompt_seconds), totals_.text_tokens,
                 totals_.thinking_tokens, rate(totals_.decoded_tokens, totals_.text_seconds));
}

std::string Chat::context_use() const {
    const int used = sequence_.length(), all = session_.n_ctx;
    return words(Text::context_use, used, all, 100.0 * used / all) + "\n" +
           words(Text::context_messages, turns_.size() + (system_.empty() ? 0 : 1),
                 prompter_.render(conversation()).ids.size());
}

void Chat::say(std::string_view line) {
    err_.write(fmt::format("{}\n", safe_for_terminal(line)));
}

Status chat(const RunFlags& flags, const UserEnvironment& environment) {
    return Chat(flags, environment).run();
}

}  // namespace distill
