// Published templates with conversations, and what Jinja2 made of them.
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/template_input.h"
#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/shared_files.h"
#include "tokenizer/template/chat.h"

namespace distill::test {
namespace {

using Json = nlohmann::ordered_json;

TEST_CASE("published templates render what Jinja2 renders", "[template]") {
    DISTILL_SHARED_OR_SKIP(cases, "templates/cases.jsonl");
    std::ifstream in(cases);
    int equal = 0, errors = 0;
    for (std::string line; std::getline(in, line);) {
        const Json row = Json::parse(line);
        INFO(row["name"].get<std::string>());
        jinja::Context context;
        for (const char* key : {"messages", "tools", "add_generation_prompt", "bos_token", "eos_token"}) {
            context[key] = parse_template_value(row[key].dump());
        }
        for (const auto& [key, value] : row["extra"].items()) context[key] = parse_template_value(value.dump());
        std::string text;
        const auto error = error_of([&] {
            text = jinja::Template(row["template"].get<std::string>(), "t", Status::bad_model)
                       .render(context, 1767323045)
                       .view();
        });
        CHECK(error.has_value() == row.contains("error"));
        if (row.contains("error")) {
            ++errors;
        } else {
            CHECK(text == row["expected"].get<std::string>());
            ++equal;
        }
    }
    CHECK(equal >= 100);
    CHECK(errors >= 10);
}

TEST_CASE("published templates as a chat runs them", "[template]") {
    DISTILL_SHARED_OR_SKIP(cases, "templates/cases.jsonl");
    std::ifstream in(cases);
    int seen = 0;
    for (std::string line; std::getline(in, line);) {
        const Json row = Json::parse(line);
        const auto name = row["name"].get<std::string>();
        INFO(name);
        const bool thinker = name.find("DeepSeek-R1") != std::string::npos || name.starts_with("Qwen-QwQ") ||
                             name.starts_with("llama-cpp-deepseek-r1/") || name.starts_with("Qwen-Qwen3");
        if (!row.contains("expected") || !row["tools"].is_null() || !(thinker || name.starts_with("Qwen-Qwen2.5")))
            continue;
        const auto chat = ChatTemplate::from_source(row["template"].get<std::string>(), "t", Status::bad_model);
        std::vector<Message> messages;
        for (const auto& message : row["messages"]) {
            messages.push_back({message["role"].get<std::string>(), message["content"].get<std::string>()});
        }
        RenderOptions options;
        options.add_generation_prompt = row["add_generation_prompt"].get<bool>();
        for (const auto& [key, value] : row["extra"].items()) options.kwargs[key] = parse_template_value(value.dump());
        const RenderedPrompt prompt = chat->render(messages, options);
        auto expected = row["expected"].get<std::string>();
        // Copies that close the tag again unless a variable says otherwise: thinking is on unless it is switched off.
        if (!options.kwargs.contains("enable_thinking") && expected.ends_with("<think>\n</think>")) {
            expected.erase(expected.size() - 8);
        }
        CHECK(prompt.text() == expected);
        CHECK(prompt.thinking_open == expected.ends_with("<think>\n"));
        CHECK(chat->thinks() == thinker);
        for (const Piece& piece : prompt.pieces) {
            for (const Message& message : messages) {
                // Whatever the user or the model wrote is quoted.
                if (message.content.size() > 3 && piece.text.find(message.content) != std::string::npos) {
                    CHECK(piece.specials == Specials::as_text);
                }
            }
        }
        ++seen;
    }
    CHECK(seen >= 40);
}

}  // namespace
}  // namespace distill::test
