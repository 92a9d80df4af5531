// Conversations on disk: one JSON file each, written whole or not at all, with a checksum over every byte. A file that
// was cut or changed is refused.
#pragma once

#include <string>
#include <vector>

#include "engine/generate.h"
#include "engine/sampler.h"
#include "tokenizer/template/chat.h"

namespace distill {

struct ChatMessage {
    std::string role, content;
    bool stopped = false;  // an answer that was broken off
};

struct SavedChat {
    std::string model_name, fingerprint;  // of the model that answered
    SamplerOptions sampler;
    int max_tokens = -1;
    int reasoning_budget = kBudgetAuto;
    std::vector<std::string> stop;
    std::vector<ChatMessage> messages;  // perhaps a system prompt, then questions and answers in turn
};

// Follows a symbolic link. Throws Error{failure} naming the path; what stood there before is then untouched.
void save_chat(const std::string& path, const SavedChat& chat);
// Throws Error{usage} naming the path for whatever is no whole saved chat.
SavedChat load_chat(const std::string& path);

// The bytes of the file.
std::string serialize_chat(const SavedChat& chat);
SavedChat parse_chat(const std::string& path, const std::string& bytes);

}  // namespace distill
