// Chat templates of ours, in Jinja, for files that have none and for --chat-template NAME.
#pragma once

#include <span>
#include <string_view>

namespace distill {

struct BuiltinTemplate {
    std::string_view name;
    std::string_view source;
    std::string_view bos, eos;  // the family's own texts, for where no vocabulary is at hand
};

std::span<const BuiltinTemplate> builtin_templates();

}  // namespace distill
