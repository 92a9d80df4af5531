#include "tokenizer/template/builtin.h"

#include <array>

namespace distill {

namespace {

// The last system message in front, bare; earlier answers without their thinking; the answer starts inside <think>.
constexpr std::string_view kR1 =
    R"jinja({%- set ns = namespace(system='') -%}
{%- for message in messages -%}
    {%- if message.role == 'system' -%}
        {%- set ns.system = message.content -%}
    {%- endif -%}
{%- endfor -%}
{{- bos_token -}}
{{- ns.system -}}
{%- for message in messages -%}
    {%- if message.role == 'user' -%}
        {{- '<｜User｜>' -}}
        {{- message.content -}}
    {%- elif message.role == 'assistant' -%}
        {{- '<｜Assistant｜>' -}}
        {{- message.content.split('</think>')[-1] -}}
        {{- '<｜end▁of▁sentence｜>' -}}
    {%- elif message.role != 'system' -%}
        {{- raise_exception("a message has the role '" ~ message.role ~ "'; deepseek-r1 knows system, user and assistant") -}}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<｜Assistant｜><think>\n' -}}
    {%- if enable_thinking is defined and not enable_thinking -%}
        {{- '\n</think>\n\n' -}}
    {%- endif -%}
{%- endif -%})jinja";

constexpr std::string_view kChatMl =
    R"jinja({%- for message in messages -%}
    {%- if message.role not in ['system', 'user', 'assistant'] -%}
        {{- raise_exception("a message has the role '" ~ message.role ~ "'; chatml knows system, user and assistant") -}}
    {%- endif -%}
    {{- '<|im_start|>' ~ message.role ~ '\n' ~ message.content ~ '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|im_start|>assistant\n' -}}
{%- endif -%})jinja";

// The system message stands inside the first user turn; each exchange begins with BOS and ends with EOS.
constexpr std::string_view kLlama2 =
    R"jinja({%- set ns = namespace(system='') -%}
{%- for message in messages -%}
    {%- if message.role == 'system' and loop.first -%}
        {%- set ns.system = '<<SYS>>\n' ~ message.content ~ '\n<</SYS>>\n\n' -%}
    {%- elif message.role == 'user' -%}
        {{- bos_token ~ '[INST] ' ~ ns.system ~ message.content.strip() ~ ' [/INST]' -}}
        {%- set ns.system = '' -%}
    {%- elif message.role == 'assistant' -%}
        {{- ' ' ~ message.content.strip() ~ ' ' ~ eos_token -}}
    {%- else -%}
        {{- raise_exception("a message has the role '" ~ message.role ~ "'; llama-2 knows user and assistant, and system in front") -}}
    {%- endif -%}
{%- endfor -%})jinja";

constexpr std::string_view kLlama3 =
    R"jinja({{- bos_token -}}
{%- for message in messages -%}
    {%- if message.role not in ['system', 'user', 'assistant'] -%}
        {{- raise_exception("a message has the role '" ~ message.role ~ "'; llama-3 knows system, user and assistant") -}}
    {%- endif -%}
    {{- '<|start_header_id|>' ~ message.role ~ '<|end_header_id|>\n\n' ~ message.content.strip() ~ '<|eot_id|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}
{%- endif -%})jinja";

constexpr std::string_view kZephyr =
    R"jinja({%- for message in messages -%}
    {%- if message.role not in ['system', 'user', 'assistant'] -%}
        {{- raise_exception("a message has the role '" ~ message.role ~ "'; zephyr knows system, user and assistant") -}}
    {%- endif -%}
    {{- '<|' ~ message.role ~ '|>\n' ~ message.content ~ eos_token ~ '\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|assistant|>\n' -}}
{%- endif -%})jinja";

constexpr std::string_view kPhi3 =
    R"jinja({%- for message in messages -%}
    {%- if message.role not in ['system', 'user', 'assistant'] -%}
        {{- raise_exception("a message has the role '" ~ message.role ~ "'; phi-3 knows system, user and assistant") -}}
    {%- endif -%}
    {{- '<|' ~ message.role ~ '|>\n' ~ message.content ~ '<|end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|assistant|>\n' -}}
{%- endif -%})jinja";

constexpr std::array<BuiltinTemplate, 6> kBuiltins = {{
    {"llama-2", kLlama2, "<s>", "</s>"},
    {"llama-3", kLlama3, "<|begin_of_text|>", "<|eot_id|>"},
    {"phi-3", kPhi3, "<s>", "<|end|>"},
    {"zephyr", kZephyr, "<s>", "</s>"},
    {"deepseek-r1", kR1, "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"},
    {"chatml", kChatMl, "", "<|im_end|>"},
}};

}  // namespace

std::span<const BuiltinTemplate> builtin_templates() {
    return kBuiltins;
}

}  // namespace distill
