// {{ value|filter }}.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "engine/error.h"
#include "tokenizer/template/builtins.h"
#include "tokenizer/template/characters.h"
#include "tokenizer/template/format.h"
#include "tokenizer/template/interpreter.h"
#include "tokenizer/template/key_set.h"
#include "tokenizer/template/operators.h"

namespace distill::jinja {

namespace {

// What most string filters begin with: the value as a string, markup as it is.
Value as_text(Interpreter& in, const Value& v) {
    return v.is_string() ? v : Value(str(in, v));
}

void no_arguments(std::string_view name, Arguments&& arguments) {
    Bound(name, std::move(arguments), {});
}

// ---- text ----------------------------------------------------------------------------------------------------------

Value filter_upper(Interpreter& in, const Value& v, Arguments&& a) {
    no_arguments("upper", std::move(a));
    return mapped_case(in, as_text(in, v), true);
}

Value filter_lower(Interpreter& in, const Value& v, Arguments&& a) {
    no_arguments("lower", std::move(a));
    return mapped_case(in, as_text(in, v), false);
}

Value filter_capitalize(Interpreter& in, const Value& v, Arguments&& a) {
    no_arguments("capitalize", std::move(a));
    return capitalized(in, as_text(in, v));
}

// Words begin after blanks, hyphens and opening brackets; apostrophes do not end them.
Value filter_title(Interpreter& in, const Value& v, Arguments&& a) {
    no_arguments("title", std::move(a));
    const Value text = as_text(in, v);
    in.budget().bytes(text.view().size() * 2);
    Text out;
    bool begins = true;
    for (std::size_t at = 0; at < text.view().size();) {
        const Char c = decode_char(text.view(), at);
        const bool breaks =
            is_space(c.code) || c.code == '-' || c.code == '(' || c.code == '{' || c.code == '[' || c.code == '<';
        std::string mapped;
        if (c.code == kBadChar)
            mapped = text.view().substr(at, c.size);
        else
            append_case(mapped, c.code, begins ? Case::upper : Case::lower);
        out.append(mapped, text.text().origin_at(at));
        begins = breaks;
        at += c.size;
    }
    return make_text(in.budget(), std::move(out));
}

Value filter_trim(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("trim", std::move(a), {"chars"});
    return stripped(in, as_text(in, v), bound.has(0) ? &bound[0] : nullptr, true, true);
}

Value filter_string(Interpreter& in, const Value& v, Arguments&& a) {
    no_arguments("string", std::move(a));
    return as_text(in, v);
}

Value filter_safe(Interpreter& in, const Value& v, Arguments&& a) {
    no_arguments("safe", std::move(a));
    return make_text(in.budget(), str(in, v), true);
}

Value filter_escape(Interpreter& in, const Value& v, Arguments&& a) {
    no_arguments("escape", std::move(a));
    return v.is_markup() ? v : make_text(in.budget(), escaped_html(str(in, v)), true);
}

Value filter_forceescape(Interpreter& in, const Value& v, Arguments&& a) {
    no_arguments("forceescape", std::move(a));
    return make_text(in.budget(), escaped_html(str(in, v)), true);
}

Value filter_replace(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("replace", std::move(a), {"old", "new", "count"}, 2);
    const std::int64_t count = bound.has(2) && bound[2].is_none() ? -1 : bound.integer(2, -1);
    return replaced(in, Value(str(in, v)), Value(str(in, bound[0])), Value(str(in, bound[1])), count, false);
}

Value filter_format(Interpreter& in, const Value& v, Arguments&& a) {
    if (!a.positional.empty() && !a.named.empty()) {
        throw Fault("can't handle positional and keyword arguments at the same time");
    }
    Value values = make_list(in.budget(), std::move(a.positional), ListKind::tuple);
    if (!a.named.empty()) {
        std::vector<std::pair<Value, Value>> entries;
        for (auto& [key, value] : a.named) entries.emplace_back(Value::text(key), std::move(value));
        values = make_dict(in.budget(), std::move(entries));
    }
    return percent_format(in, as_text(in, v), values);
}

Value filter_center(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("center", std::move(a), {"width"});
    return centered(in, as_text(in, v), bound.integer(0, 80), Text(" "), '^');
}

Value filter_indent(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("indent", std::move(a), {"width", "first", "blank"});
    if (!v.is_string()) throw Fault(fmt::format("indent wants a string, not {}", type_name(v)));
    Text indention;
    if (bound.has(0) && bound[0].is_string()) {
        indention = bound[0].text();
    } else {
        const std::int64_t width = std::max<std::int64_t>(bound.integer(0, 4), 0);
        Budget::check_text(static_cast<std::size_t>(width));
        indention = Text(std::string(static_cast<std::size_t>(width), ' '));
    }
    const bool blank = bound.truth(in, 2, false);
    Text source = v.text();
    source.append("\n", Origin::trusted);
    Text out;
    if (bound.truth(in, 1, false)) out.append(indention);
    bool first = true;
    for (const Text& line : lines_of(in, source)) {
        if (!first) {
            out.append("\n", Origin::trusted);
            if (blank || !line.empty()) out.append(indention);
            in.budget().bytes(indention.size());
        }
        out.append(line);
        Budget::check_text(out.size());
        first = false;
    }
    return make_text(in.budget(), std::move(out), v.is_markup());
}

Value filter_truncate(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("truncate", std::move(a), {"length", "killwords", "end", "leeway"});
    const std::int64_t length = bound.integer(0, 255);
    const Value end = bound.value(2, Value::text("..."));
    const std::int64_t leeway = bound.has(3) && bound[3].is_none() ? 5 : bound.integer(3, 5);
    if (!end.is_string()) throw Fault("truncate: end wants a string");
    const auto end_length = static_cast<std::int64_t>(count_chars(end.view()));
    if (length < end_length) throw Fault(fmt::format("expected length >= {}, got {}", end_length, length));
    if (leeway < 0) throw Fault(fmt::format("expected leeway >= 0, got {}", leeway));
    if (!v.is_string()) {
        const Value n = in.filter("length", v, {});
        if (n.integer() > length && n.integer() - length > leeway) throw Fault("truncate wants a string");
        return v;
    }
    in.budget().bytes(v.view().size());
    const auto have = static_cast<std::int64_t>(count_chars(v.view()));
    if (have <= length || have - length <= leeway) return v;
    const Value head = slice(in, v, Value::none(), Value(length - end_length), Value::none());
    Text out = head.text();
    if (!bound.truth(in, 1, false)) {
        const std::size_t blank = out.view().rfind(' ');
        if (blank != std::string_view::npos) out = out.substr(0, blank);
    }
    out.append(end.text());
    return make_text(in.budget(), std::move(out), v.is_markup());
}

Value filter_wordcount(Interpreter& in, const Value& v, Arguments&& a) {
    no_arguments("wordcount", std::move(a));
    const Value text = as_text(in, v);
    in.budget().bytes(text.view().size());
    std::int64_t n = 0;
    bool in_word = false;
    for (std::size_t at = 0; at < text.view().size();) {
        const Char c = decode_char(text.view(), at);
        at += c.size;
        const bool word = c.code == '_' || is_alnum(c.code);
        n += word && !in_word ? 1 : 0;
        in_word = word;
    }
    return n;
}

// Lines of at most `width` characters, cut at blanks; words longer than that are cut as well unless told otherwise.
Value filter_wordwrap(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("wordwrap", std::move(a), {"width", "break_long_words", "wrapstring", "break_on_hyphens"});
    const std::int64_t width = bound.integer(0, 79);
    if (width <= 0) throw Fault(fmt::format("invalid width {} (must be > 0)", width));
    if (!v.is_string()) throw Fault("wordwrap wants a string");
    const bool break_long = bound.truth(in, 1, true);
    const bool break_hyphens = bound.truth(in, 3, true);
    const Value wrap = bound.has(2) && !bound[2].is_none() ? bound[2] : Value::text("\n");
    if (!wrap.is_string()) throw Fault("wordwrap: wrapstring wants a string");
    Text out;
    bool first_line = true;
    for (const Text& line : lines_of(in, v.text())) {
        // Chunks: runs of blanks, and words cut behind hyphens between letters.
        struct Chunk {
            std::size_t begin, end;
            std::int64_t chars;
            bool blank;
        };
        std::vector<Chunk> chunks;
        const std::string_view text = line.view();
        const auto is_blank = [&](std::size_t at) {
            return std::string_view(" \t\n\x0b\x0c\r").find(text[at]) != std::string_view::npos;
        };
        const auto is_letter = [&](std::size_t at) {
            if (at >= text.size()) return false;
            const char32_t c = decode_char(text, at).code;
            return is_alpha(c) || c == '_';
        };
        in.budget().bytes(text.size() * sizeof(Chunk));
        bool letter_before = false, letter_two_before = false;
        for (std::size_t at = 0; at < text.size();) {
            const Char c = decode_char(text, at);
            const bool blank = is_blank(at);
            const bool starts =
                chunks.empty() || chunks.back().blank != blank || chunks.back().end != at || chunks.back().chars < 0;
            if (starts) chunks.push_back({at, at, 0, blank});
            at += c.size;
            chunks.back().end = at;
            ++chunks.back().chars;
            if (break_hyphens && c.code == '-' && letter_before && letter_two_before && is_letter(at) &&
                at < text.size() && is_letter(at + decode_char(text, at).size)) {
                chunks.push_back({at, at, 0, false});
            }
            letter_two_before = letter_before;
            letter_before = !blank && (is_alpha(c.code) || c.code == '_');
        }
        std::vector<Text> wrapped;
        std::size_t next = 0;
        while (next < chunks.size()) {
            if (chunks[next].blank && !wrapped.empty() && ++next == chunks.size()) break;
            Text current;
            std::int64_t used = 0;
            const std::size_t begin = next;
            std::size_t last_blank = 0;  // bytes of a run of blanks at the end
            while (next < chunks.size() && used + chunks[next].chars <= width) {
                const Chunk& chunk = chunks[next++];
                current.append(line, chunk.begin, chunk.end - chunk.begin);
                used += chunk.chars;
                last_blank = chunk.blank ? chunk.end - chunk.begin : 0;
            }
            if (next < chunks.size() && chunks[next].chars > width) {
                const std::int64_t room = std::max<std::int64_t>(width - used, 1);
                Chunk& chunk = chunks[next];
                if (break_long) {
                    std::size_t cut = chunk.begin;
                    for (std::int64_t i = 0; i < room && (i < width - used || begin == next); ++i)
                        cut += decode_char(text, cut).size;
                    current.append(line, chunk.begin, cut - chunk.begin);
                    if (cut > chunk.begin) last_blank = 0;
                    chunk.chars -= static_cast<std::int64_t>(count_chars(text.substr(chunk.begin, cut - chunk.begin)));
                    chunk.begin = cut;
                } else if (begin == next) {
                    current.append(line, chunk.begin, chunk.end - chunk.begin);
                    ++next;
                }
            }
            in.budget().step();
            in.budget().bytes(sizeof(Text));
            if (last_blank > 0) current = current.substr(0, current.size() - last_blank);
            if (!current.empty()) wrapped.push_back(std::move(current));
        }
        if (!first_line) out.append(wrap.text());
        first_line = false;
        for (std::size_t i = 0; i < wrapped.size(); ++i) {
            if (i > 0) out.append(wrap.text());
            in.budget().bytes(wrap.view().size());
            out.append(wrapped[i]);
            Budget::check_text(out.size());
        }
    }
    return make_text(in.budget(), std::move(out));
}

Value filter_striptags(Interpreter& in, const Value& v, Arguments&& a) {
    no_arguments("striptags", std::move(a));
    const Text source = str(in, v);
    Text text;
    // Comments and tags go; one that is not closed stays.
    for (std::size_t at = 0; at < source.size();) {
        const std::size_t open = std::min(source.view().find('<', at), source.size());
        text.append(source, at, open - at);
        const bool comment = source.view().substr(std::min(open, source.size())).starts_with("<!--");
        const std::size_t end = open == source.size() ? std::string_view::npos
                                : comment             ? source.view().find("-->", open)
                                                      : source.view().find('>', open);
        if (end == std::string_view::npos) {
            text.append(source, open, source.size() - open);
            break;
        }
        at = end + (comment ? 3 : 1);
    }
    Text out;
    bool blank = false;
    for (std::size_t at = 0; at < text.size();) {
        const Char c = decode_char(text.view(), at);
        if (is_space(c.code)) {
            blank = true;
        } else {
            if (blank && !out.empty()) out.append(" ", Origin::input);
            blank = false;
            // The five that escaping makes come back as what they stand for.
            static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kNames = {
                {{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&#39;", "'"}, {"&#34;", "\""}, {"&quot;", "\""}}};
            const auto name = std::find_if(kNames.begin(), kNames.end(),
                                           [&](const auto& n) { return text.view().substr(at).starts_with(n.first); });
            if (name != kNames.end()) {
                out.append(name->second, text.origin_at(at));
                at += name->first.size();
                continue;
            }
            out.append(text, at, c.size);
        }
        at += c.size;
    }
    return make_text(in.budget(), std::move(out));
}

Text url_quoted(Interpreter& in, const Value& v, bool in_query) {
    const Text text = str(in, v);
    in.budget().bytes(text.size() * 3);
    Text out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text.view()[i];
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           std::string_view("_.-~").find(c) != std::string_view::npos || (c == '/' && !in_query);
        if (plain)
            out.append(text, i, 1);
        else if (c == ' ' && in_query)
            out.append("+", text.origin_at(i));
        else
            out.append(fmt::format("%{:02X}", static_cast<unsigned char>(c)), text.origin_at(i));
    }
    return out;
}

Value filter_urlencode(Interpreter& in, const Value& v, Arguments&& a) {
    no_arguments("urlencode", std::move(a));
    if (v.is_string() || !is_iterable(in, v)) return make_text(in.budget(), url_quoted(in, v, false));
    std::vector<Value> pairs = to_vector(in, v.is_dict() ? in.filter("items", v, {}) : v);
    Text out;
    for (const Value& pair : pairs) {
        const std::vector<Value> parts = to_vector(in, pair);
        if (parts.size() != 2) throw Fault("urlencode wants pairs");
        if (!out.empty()) out.append("&", Origin::input);
        out.append(url_quoted(in, parts[0], true));
        out.append("=", Origin::input);
        out.append(url_quoted(in, parts[1], true));
        Budget::check_text(out.size());
    }
    return make_text(in.budget(), std::move(out));
}

Value filter_xmlattr(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("xmlattr", std::move(a), {"autospace"});
    if (!v.is_dict()) throw Fault("xmlattr wants a mapping");
    Text out;
    for (const auto& [key, value] : v.dict().entries) {
        if (value.is_none() || value.is_undefined()) continue;
        if (!key.is_string() || key.view().find_first_of(" \t\n\r\f\v/>=") != std::string_view::npos) {
            throw Fault("invalid character in attribute name");
        }
        if (!out.empty()) out.append(" ", Origin::input);
        out.append(escaped_html(key.text()));
        out.append("=\"", Origin::input);
        out.append(value.is_markup() ? value.text() : escaped_html(str(in, value)));
        out.append("\"", Origin::input);
        Budget::check_text(out.size());
    }
    Text spaced;
    if (bound.truth(in, 0, true) && !out.empty()) spaced.append(" ", Origin::input);
    spaced.append(out);
    return make_text(in.budget(), std::move(spaced));
}

Value filter_tojson(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("tojson", std::move(a), {"ensure_ascii", "indent", "separators", "sort_keys"});
    JsonStyle style;
    style.ensure_ascii = bound.truth(in, 0, false);
    style.sort_keys = bound.truth(in, 3, false);
    style.multiline = bound.has(1) && !bound[1].is_none();
    if (style.multiline) {
        if (bound[1].is_string()) {
            style.indent = bound[1].text();
        } else {
            const std::int64_t width = std::max<std::int64_t>(bound.integer(1, 0), 0);
            Budget::check_text(static_cast<std::size_t>(width));
            style.indent = Text(std::string(static_cast<std::size_t>(width), ' '), Origin::input);
        }
    }
    style.item_separator = Text(style.multiline ? "," : ", ", Origin::input);
    style.key_separator = Text(": ", Origin::input);
    if (bound.has(2) && !bound[2].is_none()) {
        const std::vector<Value> separators = to_vector(in, bound[2]);
        if (separators.size() != 2 || !separators[0].is_string() || !separators[1].is_string()) {
            throw Fault("tojson: separators wants two strings");
        }
        style.item_separator = separators[0].text();
        style.key_separator = separators[1].text();
    }
    return make_text(in.budget(), to_json(in, v, style));
}

// One line, as Python prints what fits one; it would break longer ones.
Value filter_pprint(Interpreter& in, const Value& v, Arguments&& a) {
    no_arguments("pprint", std::move(a));
    Text out;
    if (v.is_dict()) {
        std::vector<Value> keys;
        std::vector<std::pair<Value, Value>> entries;
        std::vector<Value> items;
        for (const auto& [key, value] : v.dict().entries) {
            keys.push_back(key);
            items.push_back(make_list(in.budget(), {key, value}, ListKind::tuple));
        }
        for (const Value& item : sorted(in, items, keys, false))
            entries.emplace_back(item.list().items[0], item.list().items[1]);
        append_repr(in, out, make_dict(in.budget(), std::move(entries)));
    } else {
        append_repr(in, out, v);
    }
    if (count_chars(out.view()) > 80)
        throw Fault("pprint of values longer than a line is not supported; use tojson(indent=2)");
    return make_text(in.budget(), std::move(out));
}

// ---- numbers -------------------------------------------------------------------------------------------------------

// int(text, base), as far as 64 bits go.
std::optional<std::int64_t> parse_integer(std::string_view text, std::int64_t base) {
    if (base != 0 && (base < 2 || base > 36)) return std::nullopt;
    const bool minus = text.starts_with('-');
    if (minus || text.starts_with('+')) text.remove_prefix(1);
    const auto prefix = [&](char letter) { return text.size() > 2 && text[0] == '0' && (text[1] | 0x20) == letter; };
    for (const auto& [letter, its_base] : {std::pair{'x', 16}, std::pair{'o', 8}, std::pair{'b', 2}}) {
        if (!prefix(letter) || (base != 0 && base != its_base)) continue;
        base = its_base;
        text.remove_prefix(2);
        if (text.starts_with('_')) text.remove_prefix(1);
        break;
    }
    if (base == 0) {
        base = 10;
        if (text.size() > 1 && text[0] == '0' && text.find_first_not_of("0_") != std::string_view::npos)
            return std::nullopt;
    }
    std::string digits = minus ? "-" : "";
    bool after_digit = false;
    for (const char c : text) {
        if (c == '_' && after_digit) {
            after_digit = false;
            continue;
        }
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'z' ? c - 'a' + 10
                          : c >= 'A' && c <= 'Z' ? c - 'A' + 10
                                                 : 99;
        if (digit >= base) return std::nullopt;
        digits += c;
        after_digit = true;
    }
    if (!after_digit) return std::nullopt;
    std::int64_t value = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value, static_cast<int>(base));
    if (result.ec == std::errc::result_out_of_range) throw Fault("the number does not fit a 64-bit integer");
    return value;
}

std::string_view without_blanks(std::string_view text) {
    std::size_t begin = 0;
    while (begin < text.size() && is_space(decode_char(text, begin).code)) begin += decode_char(text, begin).size;
    std::size_t end = begin;
    for (std::size_t at = begin; at < text.size();) {
        const Char c = decode_char(text, at);
        at += c.size;
        if (!is_space(c.code)) end = at;
    }
    return text.substr(begin, end - begin);
}

// float(text)
std::optional<double> parse_real(std::string_view text) {
    text = without_blanks(text);
    std::string clean;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto digit = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
        if (text[i] == '_') {
            if (i == 0 || !digit(i - 1) || !digit(i + 1)) return std::nullopt;
            continue;
        }
        clean += text[i];
    }
    std::string_view rest = clean;
    const bool minus = rest.starts_with('-');
    if (minus || rest.starts_with('+')) rest.remove_prefix(1);
    std::string lower(rest);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    double value = 0;
    if (lower == "inf" || lower == "infinity")
        value = HUGE_VAL;
    else if (lower == "nan")
        value = std::nan("");
    else {
        if (lower.empty() || lower.find_first_not_of("0123456789.e+-") != std::string::npos || lower[0] == '+' ||
            lower[0] == '-') {
            return std::nullopt;
        }
        const auto [end, error] = std::from_chars(lower.data(), lower.data() + lower.size(), value);
        if (end != lower.data() + lower.size()) return std::nullopt;
        if (error == std::errc::result_out_of_range) {
            const std::size_t e = lower.find("e-");
            value = e != std::string::npos || lower.starts_with("0.") ? 0.0 : HUGE_VAL;
        } else if (error != std::errc()) {
            return std::nullopt;
        }
    }
    return minus ? -value : value;
}

Value filter_int(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("int", std::move(a), {"default", "base"});
    const Value fallback = bound.value(0, Value(std::int64_t{0}));
    if (v.is_undefined()) throw Fault(v.why_undefined());
    if (v.is_int()) return v.integer();
    double real = 0;
    if (v.is_string()) {
        in.budget().bytes(v.view().size() * 2);
        if (const auto value = parse_integer(without_blanks(v.view()), bound.integer(1, 10))) return *value;
        const auto parsed = parse_real(v.view());
        if (!parsed) return fallback;
        real = *parsed;
    } else if (v.is_real()) {
        real = v.real();
        if (std::isinf(real)) throw Fault("cannot convert float infinity to integer");
    } else {
        return fallback;
    }
    if (std::isnan(real) || std::isinf(real)) return fallback;
    return to_integer(real);
}

Value filter_float(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("float", std::move(a), {"default"});
    if (v.is_undefined()) throw Fault(v.why_undefined());
    if (v.is_number()) return v.real();
    if (v.is_string()) {
        in.budget().bytes(v.view().size() * 2);
        if (const auto parsed = parse_real(v.view())) return *parsed;
    }
    return bound.value(0, Value(0.0));
}

Value filter_abs(Interpreter&, const Value& v, Arguments&& a) {
    no_arguments("abs", std::move(a));
    if (v.is_undefined()) throw Fault(v.why_undefined());
    if (!v.is_number()) throw Fault(fmt::format("bad operand type for abs(): '{}'", type_name(v)));
    if (v.is_real()) return std::fabs(v.real());
    return v.integer() < 0 ? negative(v) : Value(v.integer());
}

// Nearest multiple of 10^-digits, halves to even, decided on the exact value.
double rounded(double value, std::int64_t digits) {
    if (!std::isfinite(value) || digits > 330) return value;
    if (digits >= 0) {
        const std::string text = fmt::format("{:.{}f}", value, digits);
        double result = value;
        std::from_chars(text.data(), text.data() + text.size(), result);
        return result;
    }
    if (digits < -310) return std::copysign(0.0, value);
    const double scale = std::pow(10.0, static_cast<double>(-digits));
    return std::nearbyint(value / scale) * scale;
}

Value filter_round(Interpreter&, const Value& v, Arguments&& a) {
    const Bound bound("round", std::move(a), {"precision", "method"});
    const Value method = bound.value(1, Value::text("common"));
    const std::string_view how = method.is_string() ? method.view() : "";
    if (how != "common" && how != "ceil" && how != "floor") throw Fault("method must be common, ceil or floor");
    if (v.is_undefined()) throw Fault(v.why_undefined());
    if (!v.is_number()) throw Fault(fmt::format("type {} doesn't define __round__ method", type_name(v)));
    if (how == "common") {
        if (bound.has(0) && bound[0].is_none())
            return v.is_int() ? Value(v.integer()) : Value(to_integer(std::nearbyint(v.real())));
        const std::int64_t digits = bound.integer(0, 0);
        if (v.is_real()) return rounded(v.real(), digits);
        if (digits >= 0) return v.integer();
        if (digits < -18) return std::int64_t{0};
        std::int64_t scale = 1;
        for (std::int64_t i = digits; i < 0; ++i) scale *= 10;
        const std::int64_t rest = ((v.integer() % scale) + scale) % scale;
        std::int64_t nearest = 0;
        bool fits = !__builtin_sub_overflow(v.integer(), rest, &nearest);
        // Halves go to the even neighbour. Compared without doubling, which could overflow.
        const bool up = rest > scale - rest || (rest == scale - rest && (nearest / scale) % 2 != 0);
        if (fits && up) fits = !__builtin_add_overflow(nearest, scale, &nearest);
        if (!fits) throw Fault("the result does not fit a 64-bit integer");
        return nearest;
    }
    const std::int64_t digits = bound.integer(0, 0);
    const double scale = std::pow(10.0, static_cast<double>(digits));
    const double scaled = v.real() * scale;
    const double whole = how == "ceil" ? std::ceil(scaled) : std::floor(scaled);
    if (!std::isfinite(whole)) throw Fault("cannot convert float infinity or NaN to integer");
    return whole / scale;
}

Value filter_filesizeformat(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("filesizeformat", std::move(a), {"binary"});
    const bool binary = bound.truth(in, 0, false);
    std::optional<double> bytes;
    if (v.is_undefined()) throw Fault(v.why_undefined());
    if (v.is_number()) bytes = v.real();
    if (v.is_string()) bytes = parse_real(v.view());
    if (!bytes) throw Fault("filesizeformat wants a number");
    const double base = binary ? 1024 : 1000;
    if (*bytes == 1) return Value::text("1 Byte");
    if (*bytes < base) return Value::text(fmt::format("{} Bytes", to_integer(*bytes)));
    double unit = base * base;
    std::string_view letters = "KMGTPEZY";
    std::size_t i = 0;
    for (; i + 1 < letters.size() && *bytes >= unit; ++i) unit *= base;
    return Value::text(fmt::format("{:.1f} {}{}B", base * *bytes / unit,
                                   binary   ? letters[i]
                                   : i == 0 ? 'k'
                                            : letters[i],
                                   binary ? "i" : ""));
}

// ---- sequences -----------------------------------------------------------------------------------------------------

Value filter_length(Interpreter& in, const Value& v, Arguments&& a) {
    no_arguments("length", std::move(a));
    switch (v.kind()) {
        case Value::Kind::undefined:
            return std::int64_t{0};
        case Value::Kind::string:
            in.budget().bytes(v.view().size());
            return static_cast<std::int64_t>(count_chars(v.view()));
        case Value::Kind::list:
            return static_cast<std::int64_t>(v.list().items.size());
        case Value::Kind::dict:
            return static_cast<std::int64_t>(v.dict().entries.size());
        case Value::Kind::object:
            if (const auto n = v.object().length(in)) return *n;
            [[fallthrough]];
        default:
            throw Fault(fmt::format("object of type '{}' has no len()", type_name(v)));
    }
}

Value filter_default(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("default", std::move(a), {"default_value", "boolean"});
    const bool replace = v.is_undefined() || (bound.truth(in, 1, false) && !truth(in, v));
    return replace ? bound.value(0, Value::text("")) : v;
}

Value filter_first(Interpreter& in, const Value& v, Arguments&& a) {
    no_arguments("first", std::move(a));
    if (std::optional<Value> first = iterate(in, v)->next(in)) return *std::move(first);
    return Value::undefined("No first item, sequence was empty.");
}

Value reversed(Interpreter& in, const Value& v, std::string_view type) {
    const auto n = static_cast<std::size_t>(filter_length(in, v, {}).integer());
    auto next = [v, i = n](Interpreter& run) mutable -> std::optional<Value> {
        if (i == 0) return std::nullopt;
        --i;
        if (v.is_list()) return v.list().items[i];
        if (v.is_dict()) return v.dict().entries[i].first;
        if (const auto view = v.object_as<DictView>()) return view->entry(run, i);
        return v.object().item(run, static_cast<std::int64_t>(i));
    };
    return make_object<Generator>(make_iterator(std::move(next)), v.depth(), type);
}

// What Python can walk backwards.
bool is_reversible(const Value& v) {
    return v.is_list() || v.is_dict() || v.object_as<DictView>() || v.object_as<Range>();
}

Value filter_last(Interpreter& in, const Value& v, Arguments&& a) {
    no_arguments("last", std::move(a));
    std::optional<Value> last;
    if (v.is_undefined()) {
        // an empty sequence
    } else if (v.is_string()) {
        if (!v.view().empty()) last = subscript(in, v, Value(std::int64_t{-1}));
    } else if (is_reversible(v)) {
        last = iterate(in, reversed(in, v, "reversed"))->next(in);
    } else {
        throw Fault(fmt::format("'{}' object is not reversible", type_name(v)));
    }
    return last ? *std::move(last) : Value::undefined("No last item, sequence was empty.");
}

Value filter_reverse(Interpreter& in, const Value& v, Arguments&& a) {
    no_arguments("reverse", std::move(a));
    if (v.is_string()) return slice(in, v, Value::none(), Value::none(), Value(std::int64_t{-1}));
    if (is_reversible(v)) return reversed(in, v, "reversed");
    if (v.is_undefined()) return make_object<Generator>(iterate(in, v), 0u, "reversed");
    if (!is_iterable(in, v)) throw Fault("argument must be iterable");
    std::vector<Value> items = to_vector(in, v);
    std::reverse(items.begin(), items.end());
    return make_list(in.budget(), std::move(items));
}

Value filter_list(Interpreter& in, const Value& v, Arguments&& a) {
    no_arguments("list", std::move(a));
    return make_list(in.budget(), to_vector(in, v));
}

Value filter_join(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("join", std::move(a), {"d", "attribute"});
    const Text separator = bound.has(0) ? str(in, bound[0]) : Text();
    const AttributePath path = bound.has(1) ? AttributePath(in, bound[1]) : AttributePath();
    const auto iterator = iterate(in, v);
    Text out;
    bool first = true;
    while (std::optional<Value> item = iterator->next(in)) {
        if (!first) out.append(separator);
        first = false;
        in.budget().bytes(separator.size());
        append_str(in, out, path.of(in, *std::move(item)));
        Budget::check_text(out.size());
    }
    return make_text(in.budget(), std::move(out));
}

Value filter_items(Interpreter&, const Value& v, Arguments&& a) {
    no_arguments("items", std::move(a));
    auto next = [v, view = std::shared_ptr<DictView>(),
                 i = std::size_t{0}](Interpreter& in) mutable -> std::optional<Value> {
        if (v.is_undefined()) return std::nullopt;
        if (!v.is_dict()) throw Fault("Can only get item pairs from a mapping.");
        if (!view) view = std::make_shared<DictView>(v, DictView::What::items);
        if (i == v.dict().entries.size()) return std::nullopt;
        return view->entry(in, i++);
    };
    return make_object<Generator>(make_iterator(std::move(next)), v.depth());
}

Value filter_dictsort(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("dictsort", std::move(a), {"case_sensitive", "by", "reverse"});
    const Value by = bound.value(1, Value::text("key"));
    if (!by.is_string() || (by.view() != "key" && by.view() != "value")) {
        throw Fault("You can only sort by either \"key\" or \"value\"");
    }
    if (v.is_undefined()) throw Fault(v.why_undefined());
    if (!v.is_dict()) throw Fault(fmt::format("'{}' object has no attribute 'items'", type_name(v)));
    const bool case_sensitive = bound.truth(in, 0, false);
    std::vector<Value> items, keys;
    for (const auto& [key, value] : v.dict().entries) {
        items.push_back(make_list(in.budget(), {key, value}, ListKind::tuple));
        const Value& sort_key = by.view() == "key" ? key : value;
        keys.push_back(case_sensitive ? sort_key : without_case(in, sort_key));
    }
    return make_list(in.budget(), sorted(in, std::move(items), keys, bound.truth(in, 2, false)));
}

Value filter_sort(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("sort", std::move(a), {"reverse", "case_sensitive", "attribute"});
    const bool case_sensitive = bound.truth(in, 1, false);
    // "a,b" sorts by a, then b.
    std::vector<AttributePath> paths;
    if (bound.has(2) && bound[2].is_string()) {
        const Text& text = bound[2].text();
        for (std::size_t at = 0; at <= text.size();) {
            const std::size_t end = std::min(text.view().find(',', at), text.size());
            paths.emplace_back(in, Value(text.substr(at, end - at)));
            at = end + 1;
        }
    } else {
        paths.push_back(bound.has(2) ? AttributePath(in, bound[2]) : AttributePath());
    }
    std::vector<Value> items = to_vector(in, v), keys;
    for (const Value& item : items) {
        std::vector<Value> parts;
        for (const AttributePath& path : paths) {
            const Value part = path.of(in, item);
            parts.push_back(case_sensitive ? part : without_case(in, part));
        }
        keys.push_back(make_list(in.budget(), std::move(parts)));
    }
    return make_list(in.budget(), sorted(in, std::move(items), keys, bound.truth(in, 0, false)));
}

Value filter_unique(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("unique", std::move(a), {"case_sensitive", "attribute"});
    const AttributePath path = bound.has(1) ? AttributePath(in, bound[1]) : AttributePath();
    struct State {
        std::unique_ptr<Iterator> source;
        KeySet seen;
    };
    auto next = [v, path, state = std::make_shared<State>(),
                 case_sensitive = bound.truth(in, 0, false)](Interpreter& run) -> std::optional<Value> {
        if (!state->source) state->source = iterate(run, v);
        while (std::optional<Value> item = state->source->next(run)) {
            const Value key = path.of(run, *item);
            if (state->seen.insert(run.budget(), case_sensitive ? key : without_case(run, key))) return item;
        }
        return std::nullopt;
    };
    return make_object<Generator>(make_iterator(std::move(next)), v.depth());
}

template <bool want_max>
Value extreme(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound(want_max ? "max" : "min", std::move(a), {"case_sensitive", "attribute"});
    const AttributePath path = bound.has(1) ? AttributePath(in, bound[1]) : AttributePath();
    const bool case_sensitive = bound.truth(in, 0, false);
    const auto iterator = iterate(in, v);
    std::optional<Value> best, best_key;
    while (std::optional<Value> item = iterator->next(in)) {
        Value key = path.of(in, *item);
        if (!case_sensitive) key = without_case(in, key);
        const bool better =
            !best || compare(in, key, *best_key, want_max ? ">" : "<") == (want_max ? Order::greater : Order::less);
        if (better) {
            best = std::move(item);
            best_key = std::move(key);
        }
    }
    return best ? *best : Value::undefined("No aggregated item, sequence was empty.");
}

Value filter_sum(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("sum", std::move(a), {"attribute", "start"});
    const AttributePath path = bound.has(0) ? AttributePath(in, bound[0]) : AttributePath();
    Value total = bound.value(1, Value(std::int64_t{0}));
    if (total.is_string()) throw Fault("sum() can't sum strings [use ''.join(seq) instead]");
    const auto iterator = iterate(in, v);
    while (std::optional<Value> item = iterator->next(in)) {
        total = arithmetic(in, Operator::add, total, path.of(in, *std::move(item)));
    }
    return total;
}

Value filter_batch(Interpreter&, const Value& v, Arguments&& a) {
    const Bound bound("batch", std::move(a), {"linecount", "fill_with"}, 1);
    const Value count = bound[0];
    const Value fill = bound.value(1, Value::none());
    if (!count.is_number()) throw Fault("batch wants a number");
    const std::int64_t size = count.is_int() ? count.integer() : to_integer(count.real());
    auto source = std::make_shared<std::unique_ptr<Iterator>>();
    auto ahead = std::make_shared<std::optional<Value>>();
    auto next = [v, size, fill, source, ahead](Interpreter& run) -> std::optional<Value> {
        if (!*source) *source = iterate(run, v);
        std::vector<Value> row;
        if (*ahead) row.push_back(*std::exchange(*ahead, std::nullopt));
        while (std::optional<Value> item = (*source)->next(run)) {
            if (!row.empty() && static_cast<std::int64_t>(row.size()) == size) {
                *ahead = std::move(item);
                return make_list(run.budget(), std::move(row));
            }
            row.push_back(std::move(*item));
        }
        if (row.empty()) return std::nullopt;
        if (!fill.is_none() && static_cast<std::int64_t>(row.size()) < size) {
            const auto missing = static_cast<std::uint64_t>(size) - row.size();
            run.budget().step(missing);
            row.insert(row.end(), missing, fill);
        }
        return make_list(run.budget(), std::move(row));
    };
    return make_object<Generator>(make_iterator(std::move(next)), std::max(v.depth(), fill.depth()));
}

Value filter_slice(Interpreter&, const Value& v, Arguments&& a) {
    const Bound bound("slice", std::move(a), {"slices", "fill_with"}, 1);
    const std::int64_t slices = bound.integer(0, 0);
    const Value fill = bound.value(1, Value::none());
    auto items = std::make_shared<std::optional<std::vector<Value>>>();
    auto next = [v, slices, fill, items, number = std::int64_t{0}](Interpreter& run) mutable -> std::optional<Value> {
        if (!*items) {
            *items = to_vector(run, v);
            if (slices == 0) throw Fault("division by zero");
        }
        if (number >= slices) return std::nullopt;
        const auto n = static_cast<std::int64_t>((*items)->size());
        const std::int64_t each = n / slices, extra = n % slices;
        const std::int64_t begin = number * each + std::min(number, extra);
        const std::int64_t end = begin + each + (number < extra ? 1 : 0);
        std::vector<Value> part((*items)->begin() + begin, (*items)->begin() + end);
        if (!fill.is_none() && number >= extra) part.push_back(fill);
        ++number;
        return make_list(run.budget(), std::move(part));
    };
    return make_object<Generator>(make_iterator(std::move(next)), std::max(v.depth(), fill.depth()));
}

Value filter_groupby(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("groupby", std::move(a), {"attribute", "default", "case_sensitive"}, 1);
    const AttributePath path(in, bound[0]);
    const Value* fallback = bound.has(1) && !bound[1].is_none() ? &bound[1] : nullptr;
    const bool case_sensitive = bound.truth(in, 2, false);
    std::vector<Value> items = to_vector(in, v), keys, pairs;
    for (const Value& item : items) {
        const Value key = path.of(in, item, fallback);
        keys.push_back(case_sensitive ? key : without_case(in, key));
        pairs.push_back(make_list(in.budget(), {keys.back(), item}, ListKind::tuple));
    }
    std::vector<Value> groups, members;
    std::optional<Value> key;
    const auto close = [&] {
        if (!key) return;
        const Value label = case_sensitive ? *key : path.of(in, members[0], fallback);
        groups.push_back(make_list(in.budget(), {label, make_list(in.budget(), std::move(members))}, ListKind::group));
        members.clear();
    };
    for (const Value& pair : sorted(in, std::move(pairs), keys, false)) {
        const Value& its_key = pair.list().items[0];
        if (!key || !equal(in, *key, its_key)) {
            close();
            key = its_key;
        }
        members.push_back(pair.list().items[1]);
    }
    close();
    return make_list(in.budget(), std::move(groups));
}

unsigned depth_of(const Value& v, const Arguments& arguments) {
    unsigned depth = v.depth();
    for (const Value& value : arguments.positional) depth = std::max(depth, value.depth());
    for (const auto& [name, value] : arguments.named) depth = std::max(depth, value.depth());
    return depth;
}

Value filter_map(Interpreter&, const Value& v, Arguments&& a) {
    const unsigned depth = depth_of(v, a);
    // Everything happens when the first value is asked for, mistakes in the arguments as well.
    struct State {
        Arguments arguments;
        std::unique_ptr<Iterator> source;
        std::string filter;
        AttributePath path;
        std::optional<Value> fallback;
    };
    const auto state = std::make_shared<State>(State{std::move(a), nullptr, "", {}, {}});
    auto next = [v, state](Interpreter& in) -> std::optional<Value> {
        if (!state->source) {
            if (!truth(in, v)) return std::nullopt;
            Arguments& arguments = state->arguments;
            if (arguments.positional.empty() && arguments.find("attribute") != nullptr) {
                Bound bound("map", std::move(arguments), {"attribute", "default"});
                state->path = AttributePath(in, bound[0]);
                if (bound.has(1) && !bound[1].is_none()) state->fallback = bound[1];
            } else {
                if (arguments.positional.empty()) throw Fault("map requires a filter argument");
                if (!arguments.positional[0].is_string()) throw Fault("map wants the name of a filter");
                state->filter = arguments.positional[0].view();
                arguments.positional.erase(arguments.positional.begin());
            }
            state->source = iterate(in, v);
        }
        std::optional<Value> item = state->source->next(in);
        if (!item) return item;
        if (state->filter.empty())
            return state->path.of(in, *std::move(item), state->fallback ? &*state->fallback : nullptr);
        return in.filter(state->filter, *item, Arguments(state->arguments));
    };
    return make_object<Generator>(make_iterator(std::move(next)), depth);
}

template <bool keep, bool by_attribute>
Value choose(Interpreter&, const Value& v, Arguments&& a) {
    const unsigned depth = depth_of(v, a);
    struct State {
        Arguments arguments;
        std::unique_ptr<Iterator> source;
        std::string test;
        AttributePath path;
    };
    const auto state = std::make_shared<State>(State{std::move(a), nullptr, "", {}});
    auto next = [v, state](Interpreter& in) -> std::optional<Value> {
        auto& positional = state->arguments.positional;
        if (!state->source) {
            if (!truth(in, v)) return std::nullopt;
            if (by_attribute) {
                if (positional.empty()) throw Fault("Missing parameter for attribute name");
                state->path = AttributePath(in, positional[0]);
                positional.erase(positional.begin());
            }
            if (!positional.empty()) {
                if (!positional[0].is_string()) throw Fault("select wants the name of a test");
                state->test = positional[0].view();
                positional.erase(positional.begin());
            }
            state->source = iterate(in, v);
        }
        while (std::optional<Value> item = state->source->next(in)) {
            const Value subject = state->path.of(in, *item);
            const bool holds =
                state->test.empty() ? truth(in, subject) : in.test(state->test, subject, Arguments(state->arguments));
            if (holds == keep) return item;
        }
        return std::nullopt;
    };
    return make_object<Generator>(make_iterator(std::move(next)), depth);
}

Value filter_attr(Interpreter& in, const Value& v, Arguments&& a) {
    const Bound bound("attr", std::move(a), {"name"}, 1);
    if (!bound[0].is_string()) throw Fault("attribute name must be string");
    if (v.is_undefined()) throw Fault(v.why_undefined());
    const std::string_view name = bound[0].view();
    if (std::optional<Value> method = find_method(in, v, name)) return *std::move(method);
    if (v.is_object() && !name.starts_with('_')) {
        if (std::optional<Value> value = v.object().attribute(in, name)) return *std::move(value);
    }
    return Value::undefined(fmt::format("'{} object' has no attribute '{}'", type_name(v), printable(name, 60)));
}

struct Entry {
    std::string_view name;
    Filter filter;
};

constexpr std::array kFilters = std::to_array<Entry>({
    {"abs", filter_abs},
    {"attr", filter_attr},
    {"batch", filter_batch},
    {"capitalize", filter_capitalize},
    {"center", filter_center},
    {"count", filter_length},
    {"d", filter_default},
    {"default", filter_default},
    {"dictsort", filter_dictsort},
    {"e", filter_escape},
    {"escape", filter_escape},
    {"filesizeformat", filter_filesizeformat},
    {"first", filter_first},
    {"float", filter_float},
    {"forceescape", filter_forceescape},
    {"format", filter_format},
    {"groupby", filter_groupby},
    {"indent", filter_indent},
    {"int", filter_int},
    {"items", filter_items},
    {"join", filter_join},
    {"last", filter_last},
    {"length", filter_length},
    {"list", filter_list},
    {"lower", filter_lower},
    {"map", filter_map},
    {"max", extreme<true>},
    {"min", extreme<false>},
    {"pprint", filter_pprint},
    {"reject", choose<false, false>},
    {"rejectattr", choose<false, true>},
    {"replace", filter_replace},
    {"reverse", filter_reverse},
    {"round", filter_round},
    {"safe", filter_safe},
    {"select", choose<true, false>},
    {"selectattr", choose<true, true>},
    {"slice", filter_slice},
    {"sort", filter_sort},
    {"string", filter_string},
    {"striptags", filter_striptags},
    {"sum", filter_sum},
    {"title", filter_title},
    {"tojson", filter_tojson},
    {"trim", filter_trim},
    {"truncate", filter_truncate},
    {"unique", filter_unique},
    {"upper", filter_upper},
    {"urlencode", filter_urlencode},
    {"wordcount", filter_wordcount},
    {"wordwrap", filter_wordwrap},
    {"xmlattr", filter_xmlattr},
});

}  // namespace

Filter find_filter(std::string_view name) {
    const auto at =
        std::find_if(kFilters.begin(), kFilters.end(), [&](const Entry& entry) { return entry.name == name; });
    return at == kFilters.end() ? nullptr : at->filter;
}

}  // namespace distill::jinja
