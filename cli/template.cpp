#include "cli/template.h"

#include <fmt/format.h>

#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/builtin_model.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/template_input.h"
#include "cli/terminal.h"
#include "engine/gguf.h"
#include "tokenizer/template/chat.h"

namespace distill {

namespace {

using JinjaValue = jinja::Value;

// The fields of a row.
class Row {
  public:
    explicit Row(std::string_view json) : value_(parse_template_value(json)) {
        if (!value_.is_dict()) throw Error("expected an object", Status::usage);
    }
    // Null where it is absent.
    const JinjaValue* find(std::string_view name) const {
        jinja::Budget budget;
        return value_.dict().find(budget, name);
    }
    JinjaValue value(std::string_view name, JinjaValue fallback) const {
        const JinjaValue* found = find(name);
        return found != nullptr ? *found : std::move(fallback);
    }
    JinjaValue messages() const {
        JinjaValue list = value("messages", JinjaValue::none());
        if (!list.is_list()) throw Error("expected a list under \"messages\"", Status::usage);
        return list;
    }
    // "extra", and in one-object mode what users of chat APIs call it.
    jinja::Context extra() const {
        jinja::Context context;
        for (const std::string_view name : {"chat_template_kwargs", "extra"}) {
            const JinjaValue* found = find(name);
            if (found == nullptr || found->is_none()) continue;
            if (!found->is_dict()) throw Error(fmt::format("expected an object under \"{}\"", name), Status::usage);
            for (const auto& [key, entry] : found->dict().entries) context[std::string(key.view())] = entry;
        }
        return context;
    }

  private:
    JinjaValue value_;
};

// As the template's authors run it: nothing is defined but what the row has.
std::string render_plain(const jinja::Template& source, const Row& row) {
    jinja::Context context = row.extra();
    context["messages"] = row.messages();
    context["tools"] = row.value("tools", JinjaValue::none());
    context["add_generation_prompt"] = row.value("add_generation_prompt", JinjaValue(false));
    for (const std::string_view token : {"bos_token", "eos_token"}) {
        if (const JinjaValue* text = row.find(token)) context[std::string(token)] = *text;
    }
    return std::string(source.render(context, template_clock()).view());
}

// As a chat with the model renders it.
std::string render_with_model(const std::string& model, const Row& row) {
    const Gguf file = open_model(model, UnsupportedTypes::keep);
    const Tokenizer tokenizer = Tokenizer::from_gguf(file);
    std::string text;
    const auto chat = ChatTemplate::from_gguf(file, tokenizer, text);
    if (!text.empty()) note(text);
    if (!chat) {
        throw Error(file.path(), "has no chat template and its family is unknown; give one with --template FILE",
                    std::nullopt, Status::bad_model);
    }
    RenderOptions options;
    options.tools = row.value("tools", JinjaValue::none());
    options.kwargs = row.extra();
    options.now = template_clock();
    const JinjaValue generate = row.value("add_generation_prompt", JinjaValue(false));
    options.add_generation_prompt = generate.is_bool() && generate.boolean();
    return chat->render(row.messages(), options).text();
}

std::string render_row(const std::string& line) {
    nlohmann::ordered_json result;
    try {
        const Row row(line);
        const JinjaValue* source = row.find("template");
        if (source == nullptr || !source->is_string())
            throw Error("expected a string under \"template\"", Status::usage);
        result["text"] = render_plain(jinja::Template(source->view(), "template", Status::usage), row);
    } catch (const Error& error) {
        result = {{"error", error.what()}};
    }
    return result.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

Status run_template(const TemplateOptions& options, std::istream& in) {
    Output out = standard_output();
    if (options.jsonl) {
        if (!options.template_file.empty() || !options.model.empty()) {
            throw Error("--jsonl reads each row's own template: leave out -m and --template", Status::usage);
        }
        std::string line;
        while (std::getline(in, line)) {
            if (line.find_first_not_of(" \t\r") != std::string::npos) out.write(render_row(line));
        }
    } else {
        const std::string json(std::istreambuf_iterator<char>(in), {});
        const Row row(json);
        if (options.template_file.empty()) {
            out.write(render_with_model(options.model, row));
        } else {
            const std::string source = read_text_file(options.template_file);
            out.write(render_plain(jinja::Template(source, options.template_file, Status::usage), row));
        }
    }
    if (in.bad()) throw Error("reading the input failed", Status::failure);
    return Status::ok;
}

void add_template_command(const Command& program, Action& action) {
    const auto flags = std::make_shared<TemplateOptions>();
    const Command command(program, "template", "a chat (JSON on stdin) as the text that the model gets");
    command.value("-m,--model", flags->model, "the GGUF file; none = the built-in demo model").type("FILE");
    command.value("--template", flags->template_file, "a Jinja template instead of the model's").type("FILE");
    command.flag("--jsonl", flags->jsonl, "rows with their own \"template\" in, {\"text\":...} or {\"error\":...} out");
    command.when_chosen([flags, &action] { action = [flags] { return run_template(*flags, std::cin); }; });
}

}  // namespace distill
