#include "cli/saved_chat.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/atomic_file.h"
#include "cli/input.h"
#include "cli/json_input.h"
#include "cli/session.h"
#include "engine/error.h"

namespace distill {

namespace {

using Json = nlohmann::json;

constexpr std::string_view kFormat = "distill chat";
constexpr int kVersion = 1;
constexpr int kMaxLinks = 8;  // one to the next
constexpr std::string_view kChecksumKey = "\"checksum\": \"";
constexpr std::string_view kNoChecksum = "0000000000000000";

// FNV-1a: each step is one-to-one, so no single changed byte goes unseen. It guards against accidents, not against
// forgery; what a file says is checked as if from a stranger all the same.
std::string checksum_of(std::string_view bytes) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return fmt::format("{:016x}", hash);
}

[[noreturn]] void refuse(const std::string& path, std::string_view what) {
    throw Error(path, what, std::nullopt, Status::usage);
}

// A field that must be there.
template <class Value>
Value field(const std::string& path, const Json& object, const char* key) {
    try {
        return object.at(key).get<Value>();
    } catch (const Json::exception&) {
        refuse(path, fmt::format("'{}' is missing or of the wrong kind: this is no chat that distill saved", key));
    }
}

// The turns as a chat makes them; templates rely on it.
void check_order(const std::string& path, const std::vector<ChatMessage>& messages) {
    const std::size_t first = !messages.empty() && messages.front().role == "system" ? 1 : 0;
    for (std::size_t i = first; i < messages.size(); ++i) {
        if (messages[i].role != ((i - first) % 2 == 0 ? "user" : "assistant")) {
            refuse(path,
                   fmt::format("message {} is out of turn: its role is '{}'", i + 1, printable(messages[i].role, 40)));
        }
    }
    if ((messages.size() - first) % 2 != 0) refuse(path, "the last question has no answer");
}

}  // namespace

std::string serialize_chat(const SavedChat& chat) {
    nlohmann::ordered_json file;
    file["format"] = kFormat;
    file["version"] = kVersion;
    file["model"] = {{"name", chat.model_name}, {"fingerprint", chat.fingerprint}};
    nlohmann::ordered_json settings = sampling_record(chat.sampler);
    settings["seed"] = chat.sampler.seed;
    settings["max_tokens"] = chat.max_tokens;
    settings["reasoning_budget"] = chat.reasoning_budget;
    settings["stop"] = chat.stop;
    file["settings"] = std::move(settings);
    file["messages"] = nlohmann::ordered_json::array();
    for (const ChatMessage& message : chat.messages) {
        nlohmann::ordered_json entry = {{"role", message.role}, {"content", message.content}};
        if (message.stopped) entry["stopped"] = true;
        file["messages"].push_back(std::move(entry));
    }
    file["checksum"] = kNoChecksum;
    // Names from a model file may be bad UTF-8.
    std::string bytes = file.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
    const std::string checksum = checksum_of(bytes);
    bytes.replace(bytes.rfind(kChecksumKey) + kChecksumKey.size(), checksum.size(), checksum);
    return bytes;
}

SavedChat parse_chat(const std::string& path, const std::string& bytes) {
    const std::size_t key = bytes.rfind(kChecksumKey);
    const std::size_t digits = key + kChecksumKey.size();
    if (key == std::string::npos || bytes.size() - digits < kNoChecksum.size()) {
        refuse(path, "this is no chat that distill saved, or its end is missing");
    }
    std::string blank = bytes;
    blank.replace(digits, kNoChecksum.size(), kNoChecksum);
    if (checksum_of(blank) != std::string_view(bytes).substr(digits, kNoChecksum.size())) {
        refuse(path, "the checksum does not fit: the file was cut or changed since it was saved");
    }
    const Json file = [&] {
        try {
            return parse_json(bytes);
        } catch (const Error& e) {
            refuse(path, e.problem());
        }
    }();
    if (!file.is_object() || field<std::string>(path, file, "format") != kFormat) refuse(path, "this is no saved chat");
    const int version = field<int>(path, file, "version");
    if (version != kVersion) {
        refuse(path, fmt::format("format version {}, but this program reads version {}", version, kVersion));
    }
    SavedChat chat;
    const Json model = field<Json>(path, file, "model");
    chat.model_name = field<std::string>(path, model, "name");
    chat.fingerprint = field<std::string>(path, model, "fingerprint");
    const Json settings = field<Json>(path, file, "settings");
    chat.sampler.temperature = field<float>(path, settings, "temperature");
    chat.sampler.top_k = field<int>(path, settings, "top_k");
    chat.sampler.top_p = field<float>(path, settings, "top_p");
    chat.sampler.min_p = field<float>(path, settings, "min_p");
    chat.sampler.repeat_penalty = field<float>(path, settings, "repeat_penalty");
    chat.sampler.repeat_last_n = field<int>(path, settings, "repeat_last_n");
    chat.sampler.presence_penalty = field<float>(path, settings, "presence_penalty");
    chat.sampler.frequency_penalty = field<float>(path, settings, "frequency_penalty");
    chat.sampler.seed = field<std::uint64_t>(path, settings, "seed");
    try {
        Sampler{chat.sampler};
    } catch (const Error& e) {
        refuse(path, e.problem());
    }
    chat.max_tokens = std::max(field<int>(path, settings, "max_tokens"), -1);
    chat.reasoning_budget = std::max(field<int>(path, settings, "reasoning_budget"), kBudgetAuto);
    chat.stop = field<std::vector<std::string>>(path, settings, "stop");
    for (const Json& entry : field<std::vector<Json>>(path, file, "messages")) {
        ChatMessage message;
        message.role = field<std::string>(path, entry, "role");
        message.content = field<std::string>(path, entry, "content");
        message.stopped = entry.contains("stopped") && field<bool>(path, entry, "stopped");
        chat.messages.push_back(std::move(message));
    }
    check_order(path, chat.messages);
    return chat;
}

void save_chat(const std::string& path, const SavedChat& chat) {
    std::error_code ignored;
    std::filesystem::path target = path;
    // Whoever keeps a link there wants the file behind it written, even one that is not there yet.
    for (int i = 0; i < kMaxLinks && std::filesystem::is_symlink(target, ignored); ++i) {
        target = target.parent_path() / std::filesystem::read_symlink(target, ignored);
    }
    const std::string bytes = serialize_chat(chat);
    const std::array<std::string_view, 1> parts = {bytes};
    write_file_atomically(target.string(), parts);
}

SavedChat load_chat(const std::string& path) {
    return parse_chat(path, read_text_file(path));
}

}  // namespace distill
