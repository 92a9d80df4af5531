// What filters, tests and methods share: arguments, attribute paths, and the string operations that come as both.
#include "tokenizer/template/builtins.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>

#include "engine/error.h"
#include "tokenizer/template/characters.h"
#include "tokenizer/template/format.h"
#include "tokenizer/template/interpreter.h"
#include "tokenizer/template/operators.h"

namespace distill::jinja {

Bound::Bound(std::string_view function, Arguments&& arguments, std::initializer_list<std::string_view> names,
             std::size_t required)
    : function_(function), values_(names.size()) {
    if (arguments.positional.size() > names.size()) {
        throw Fault(fmt::format("{}() takes at most {} arguments ({} given)", function, names.size(),
                                arguments.positional.size()));
    }
    for (std::size_t i = 0; i < arguments.positional.size(); ++i) values_[i] = std::move(arguments.positional[i]);
    for (auto& [key, value] : arguments.named) {
        const auto* at = std::find(names.begin(), names.end(), key);
        if (at == names.end() || at->empty()) {
            throw Fault(fmt::format("{}() got an unexpected keyword argument '{}'", function, printable(key, 40)));
        }
        auto& slot = values_[static_cast<std::size_t>(at - names.begin())];
        if (slot) throw Fault(fmt::format("{}() got multiple values for argument '{}'", function, key));
        slot = std::move(value);
    }
    for (std::size_t i = 0; i < required; ++i) {
        if (!values_[i]) throw Fault(fmt::format("{}() misses an argument", function));
    }
}

std::int64_t Bound::integer(std::size_t i, std::int64_t fallback) const {
    if (!has(i)) return fallback;
    const Value& v = *values_[i];
    if (v.is_undefined()) throw Fault(v.why_undefined());
    if (!v.is_int())
        throw Fault(fmt::format("{}(): '{}' object cannot be interpreted as an integer", function_, type_name(v)));
    return v.integer();
}

bool Bound::truth(Interpreter& in, std::size_t i, bool fallback) const {
    return has(i) ? jinja::truth(in, *values_[i]) : fallback;
}

AttributePath::AttributePath(Interpreter& in, const Value& attribute) {
    if (attribute.is_none()) return;
    if (!attribute.is_string()) {
        parts_.push_back(attribute);
        return;
    }
    const std::string_view text = attribute.view();
    in.budget().bytes(text.size() * 8);
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find('.', at), text.size());
        const std::string_view part = text.substr(at, end - at);
        std::int64_t index = 0;
        const auto [stop, error] = std::from_chars(part.data(), part.data() + part.size(), index);
        const bool number =
            !part.empty() && part[0] != '-' && error == std::errc() && stop == part.data() + part.size();
        parts_.push_back(number ? Value(index) : Value(attribute.text().substr(at, end - at)));
        at = end + 1;
    }
}

Value AttributePath::of(Interpreter& in, Value value, const Value* fallback) const {
    for (const Value& part : parts_) {
        value = in.item(value, part);
        if (fallback != nullptr && value.is_undefined()) value = *fallback;
    }
    return value;
}

Value without_case(Interpreter& in, const Value& v) {
    return v.is_string() ? mapped_case(in, v, false) : v;
}

Value mapped_case(Interpreter& in, const Value& v, bool upper) {
    const Text& text = v.text();
    in.budget().bytes(text.size());
    Text out;
    std::string mapped;
    std::size_t run = 0;  // mapped bytes since here have one origin
    for (std::size_t at = 0; at < text.size();) {
        const Char c = decode_char(text.view(), at);
        if (at > 0 && text.origin_at(at) != text.origin_at(at - 1)) {
            out.append(std::string_view(mapped).substr(run), text.origin_at(at - 1));
            run = mapped.size();
        }
        if (c.code == kBadChar) {
            mapped.append(text.view().substr(at, c.size));
        } else {
            // A sigma that ends a word has a form of its own.
            const bool is_final =
                c.code == 0x3A3 && !upper && at > 0 &&
                (at + c.size >= text.size() || !is_alpha(decode_char(text.view(), at + c.size).code)) &&
                (static_cast<unsigned char>(text.view()[at - 1]) >= 0x80 ||
                 is_alpha(static_cast<unsigned char>(text.view()[at - 1])));
            if (is_final)
                append_utf8(mapped, 0x3C2);
            else
                append_case(mapped, c.code, upper ? Case::upper : Case::lower);
        }
        at += c.size;
    }
    if (!text.empty()) out.append(std::string_view(mapped).substr(run), text.origin_at(text.size() - 1));
    return make_text(in.budget(), std::move(out), v.is_markup());
}

Value capitalized(Interpreter& in, const Value& v) {
    if (v.view().empty()) return v;
    const Char first = decode_char(v.view(), 0);
    Text out;
    std::string head;
    if (first.code == kBadChar)
        head.append(v.view().substr(0, first.size));
    else
        append_case(head, first.code, Case::title);
    out.append(head, v.text().origin_at(0));
    out.append(mapped_case(in, Value(v.text().substr(first.size, v.view().size())), false).text());
    return make_text(in.budget(), std::move(out), v.is_markup());
}

Value stripped(Interpreter& in, const Value& v, const Value* chars, bool left, bool right) {
    const std::string_view text = v.view();
    const bool blanks = chars == nullptr || chars->is_none();
    if (!blanks && !chars->is_string())
        throw Fault(fmt::format("strip arg must be None or str, not {}", type_name(*chars)));
    in.budget().bytes(text.size());
    std::vector<char32_t> set;
    if (!blanks) {
        in.budget().bytes(chars->view().size() * 4);
        for (std::size_t at = 0; at < chars->view().size();) {
            const Char c = decode_char(chars->view(), at);
            set.push_back(c.code);
            at += c.size;
        }
        std::sort(set.begin(), set.end());
    }
    const auto goes = [&](char32_t c) { return blanks ? is_space(c) : std::binary_search(set.begin(), set.end(), c); };
    std::size_t begin = 0;
    while (left && begin < text.size()) {
        const Char c = decode_char(text, begin);
        if (!goes(c.code)) break;
        begin += c.size;
    }
    std::size_t end = right ? begin : text.size();
    for (std::size_t at = begin; right && at < text.size();) {
        const Char c = decode_char(text, at);
        at += c.size;
        if (!goes(c.code)) end = at;
    }
    return make_text(in.budget(), v.text().substr(begin, end - begin), v.is_markup());
}

Value replaced(Interpreter& in, const Value& v, const Value& old, const Value& with, std::int64_t count, bool markup) {
    const std::string_view text = v.view(), part = old.view();
    in.budget().bytes(text.size());
    Text out;
    std::size_t at = 0;
    const auto grow = [&] {
        in.budget().step();
        in.budget().bytes(with.view().size());
        Budget::check_text(out.size());
    };
    if (part.empty()) {
        // Before each character, and at the end.
        for (; count != 0; --count) {
            grow();
            out.append(with.text());
            if (at == text.size()) break;
            const std::size_t size = decode_char(text, at).size;
            out.append(v.text(), at, size);
            at += size;
        }
    }
    while (count != 0 && !part.empty()) {
        const std::size_t found = find_text(text, part, at);
        if (found == std::string_view::npos) break;
        if (part.size() > 32) in.budget().bytes(part.size() * 4);
        grow();
        out.append(v.text(), at, found - at);
        out.append(with.text());
        at = found + part.size();
        --count;
    }
    out.append(v.text(), at, text.size() - at);
    return make_text(in.budget(), std::move(out), markup);
}

Value centered(Interpreter& in, const Value& v, std::int64_t width, const Text& fill, char align) {
    in.budget().bytes(v.view().size());
    const auto have = static_cast<std::int64_t>(count_chars(v.view()));
    if (width <= have) return v;
    const std::int64_t missing = width - have;
    Budget::check_text(static_cast<std::size_t>(missing));
    in.budget().bytes(static_cast<std::uint64_t>(missing) * fill.size());
    // Where the blanks are odd, str.center puts the extra one left if the width is odd as well.
    const std::int64_t left = align == '<' ? 0 : align == '>' ? missing : missing / 2 + (missing & width & 1);
    Text out;
    for (std::int64_t i = 0; i < left; ++i) out.append(fill);
    out.append(v.text());
    for (std::int64_t i = left; i < missing; ++i) out.append(fill);
    return make_text(in.budget(), std::move(out), v.is_markup());
}

std::vector<Text> lines_of(Interpreter& in, const Text& text, bool keep_ends) {
    in.budget().bytes(text.size());
    std::vector<Text> lines;
    const std::string_view bytes = text.view();
    std::size_t begin = 0;
    for (std::size_t at = 0; at < bytes.size();) {
        const Char c = decode_char(bytes, at);
        const std::size_t end = at;
        at += c.size;
        const bool breaks = (c.code >= 0x0A && c.code <= 0x0D) || (c.code >= 0x1C && c.code <= 0x1E) ||
                            c.code == 0x85 || c.code == 0x2028 || c.code == 0x2029;
        if (!breaks) continue;
        if (c.code == '\r' && at < bytes.size() && bytes[at] == '\n') ++at;
        in.budget().bytes(sizeof(Text));
        lines.push_back(text.substr(begin, (keep_ends ? at : end) - begin));
        begin = at;
    }
    if (begin < bytes.size()) lines.push_back(text.substr(begin, bytes.size() - begin));
    return lines;
}

std::vector<Value> sorted(Interpreter& in, std::vector<Value> items, const std::vector<Value>& keys, bool reverse) {
    std::vector<std::size_t> order(items.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    // Values that cannot be compared are an error wherever they stand.
    for (std::size_t i = 1; i < keys.size(); ++i) compare(in, keys[i], keys[i - 1], "<");
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return reverse ? compare(in, keys[b], keys[a], "<") == Order::less
                       : compare(in, keys[a], keys[b], "<") == Order::less;
    });
    std::vector<Value> out;
    for (const std::size_t i : order) out.push_back(items[i]);
    return out;
}

}  // namespace distill::jinja
