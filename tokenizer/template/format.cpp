#include "tokenizer/template/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "tokenizer/template/characters.h"
#include "tokenizer/template/interpreter.h"
#include "tokenizer/template/objects.h"
#include "tokenizer/template/operators.h"

namespace distill::jinja {

namespace {

// What is made up around input: brackets, quotes, escapes.
constexpr Origin kMadeUp = Origin::input;

void check_growth(Interpreter& in, const Text& out) {
    in.budget().step();
    Budget::check_text(out.size());
}

std::string hex_escape(char32_t code) {
    const auto n = static_cast<unsigned>(code);
    return n < 0x100     ? fmt::format("\\x{:02x}", n)
           : n < 0x10000 ? fmt::format("\\u{:04x}", n)
                         : fmt::format("\\U{:08x}", n);
}

void append_quoted(Interpreter& in, Text& out, const Text& text, bool ascii_only) {
    const std::string_view bytes = text.view();
    in.budget().bytes(bytes.size());
    const char quote =
        bytes.find('\'') != std::string_view::npos && bytes.find('"') == std::string_view::npos ? '"' : '\'';
    const std::string_view mark(&quote, 1);
    out.append(mark, kMadeUp);
    for (std::size_t at = 0; at < bytes.size();) {
        const Char c = decode_char(bytes, at);
        const Origin origin = text.origin_at(at);
        if (c.code == static_cast<unsigned char>(quote) || c.code == '\\') {
            out.append("\\", origin);
            out.append(text, at, c.size);
        } else if (c.code == '\n' || c.code == '\r' || c.code == '\t') {
            out.append(c.code == '\n' ? "\\n" : c.code == '\r' ? "\\r" : "\\t", origin);
        } else if (c.code == kBadChar) {
            for (std::size_t i = 0; i < c.size; ++i) {
                out.append(fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes[at + i])), origin);
            }
        } else if (!is_printable(c.code) || (ascii_only && c.code >= 0x80)) {
            out.append(hex_escape(c.code), origin);
        } else {
            out.append(text, at, c.size);
        }
        at += c.size;
        if (out.size() > kMaxOutput) Budget::check_text(out.size());
    }
    out.append(mark, kMadeUp);
}

void append_json_text(Interpreter& in, Text& out, const Text& text, bool ensure_ascii) {
    const std::string_view bytes = text.view();
    in.budget().bytes(bytes.size());
    out.append("\"", kMadeUp);
    std::size_t plain = 0;  // since here nothing needed an escape
    for (std::size_t at = 0; at < bytes.size();) {
        const Char c = decode_char(bytes, at);
        std::string escape;
        switch (c.code) {
            case '"':
                escape = "\\\"";
                break;
            case '\\':
                escape = "\\\\";
                break;
            case '\n':
                escape = "\\n";
                break;
            case '\r':
                escape = "\\r";
                break;
            case '\t':
                escape = "\\t";
                break;
            case '\f':
                escape = "\\f";
                break;
            case '\b':
                escape = "\\b";
                break;
            default:
                if (c.code < 0x20) {
                    escape = fmt::format("\\u{:04x}", static_cast<unsigned>(c.code));
                } else if (ensure_ascii && c.code != kBadChar && c.code >= 0x10000) {
                    const auto n = static_cast<unsigned>(c.code - 0x10000);
                    escape = fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (n >> 10), 0xDC00 + (n & 0x3FF));
                } else if (ensure_ascii && c.code >= 0x7F && c.code != kBadChar && c.code != 0x7F) {
                    escape = fmt::format("\\u{:04x}", static_cast<unsigned>(c.code));
                }
        }
        if (!escape.empty()) {
            out.append(text, plain, at - plain);
            out.append(escape, text.origin_at(at));
            plain = at + c.size;
        }
        at += c.size;
    }
    out.append(text, plain, bytes.size() - plain);
    out.append("\"", kMadeUp);
}

std::string json_number(const Value& v) {
    if (v.is_bool()) return v.boolean() ? "true" : "false";
    if (v.is_int()) return fmt::format("{}", v.integer());
    const double d = v.real();
    if (std::isnan(d)) return "NaN";
    if (std::isinf(d)) return d > 0 ? "Infinity" : "-Infinity";
    return float_text(d);
}

class JsonWriter {
  public:
    JsonWriter(Interpreter& in, const JsonStyle& style) : in_(in), style_(style) {}
    Text take() { return std::move(out_); }

    void write(const Value& v) {
        check_growth(in_, out_);
        switch (v.kind()) {
            case Value::Kind::none:
                out_.append("null", kMadeUp);
                return;
            case Value::Kind::boolean:
            case Value::Kind::integer:
            case Value::Kind::real:
                out_.append(json_number(v), kMadeUp);
                return;
            case Value::Kind::string:
                append_json_text(in_, out_, v.text(), style_.ensure_ascii);
                return;
            case Value::Kind::list:
                write_list(v.list());
                return;
            case Value::Kind::dict:
                write_dict(v.dict());
                return;
            default:
                throw Fault(fmt::format("Object of type {} is not JSON serializable", type_name(v)));
        }
    }

  private:
    void write_list(const List& list) {
        if (list.items.empty()) {
            out_.append("[]", kMadeUp);
            return;
        }
        open("[");
        for (std::size_t i = 0; i < list.items.size(); ++i) {
            if (i > 0) separate();
            write(list.items[i]);
        }
        close("]");
    }
    void write_dict(const Dict& dict) {
        if (dict.entries.empty()) {
            out_.append("{}", kMadeUp);
            return;
        }
        std::vector<const std::pair<Value, Value>*> entries;
        for (const auto& entry : dict.entries) entries.push_back(&entry);
        if (style_.sort_keys) {
            in_.budget().step(entries.size());
            for (const auto* entry : entries) compare(in_, entry->first, entries[0]->first, "<");  // all of one kind
            std::stable_sort(entries.begin(), entries.end(), [&](const auto* a, const auto* b) {
                return compare(in_, a->first, b->first, "<") == Order::less;
            });
        }
        open("{");
        for (std::size_t i = 0; i < entries.size(); ++i) {
            if (i > 0) separate();
            write_key(entries[i]->first);
            out_.append(style_.key_separator);
            write(entries[i]->second);
        }
        close("}");
    }
    void write_key(const Value& key) {
        if (key.is_string()) {
            append_json_text(in_, out_, key.text(), style_.ensure_ascii);
        } else if (key.is_number() || key.is_none()) {
            out_.append("\"" + (key.is_none() ? "null" : json_number(key)) + "\"", kMadeUp);
        } else {
            throw Fault(fmt::format("keys must be str, int, float, bool or None, not {}", type_name(key)));
        }
    }
    void open(std::string_view bracket) {
        out_.append(bracket, kMadeUp);
        ++level_;
        new_line();
    }
    void close(std::string_view bracket) {
        --level_;
        new_line();
        out_.append(bracket, kMadeUp);
    }
    void separate() {
        out_.append(style_.item_separator);
        new_line();
    }
    void new_line() {
        if (!style_.multiline) return;
        Budget::check_text(out_.size() + level_ * style_.indent.size());
        in_.budget().bytes(level_ * style_.indent.size());
        out_.append("\n", kMadeUp);
        for (std::size_t i = 0; i < level_; ++i) out_.append(style_.indent);
    }

    Interpreter& in_;
    const JsonStyle& style_;
    Text out_;
    std::size_t level_ = 0;
};

// ---- numbers and strings in a given form ---------------------------------------------------------------------------

struct NumberForm {
    char type = '\0';  // of the mini-language; \0: none given
    int precision = -1;
    char sign = '-';  // '+' and ' ' as well
    bool alternate = false;
    char grouping = '\0';  // ',' or '_'
};

constexpr int kMaxPrecision = 5000;

// Sign and digits apart, so that zeros can be put between.
struct Digits {
    std::string sign, body;
};

void group(std::string& body, char separator, std::size_t every) {
    std::size_t whole = 0;
    while (whole < body.size() && std::isxdigit(static_cast<unsigned char>(body[whole])) != 0) ++whole;
    for (std::size_t at = whole; at > every;) {
        at -= every;
        body.insert(at, 1, separator);
    }
}

Digits real_digits(double d, const NumberForm& form) {
    Digits digits;
    digits.sign = std::signbit(d) && !std::isnan(d) ? "-" : form.sign == '-' ? "" : std::string(1, form.sign);
    d = std::fabs(d);
    const char type = form.type;
    const bool upper = type == 'E' || type == 'F' || type == 'G';
    if (std::isnan(d) || std::isinf(d)) {
        digits.body = std::isnan(d) ? (upper ? "NAN" : "nan") : (upper ? "INF" : "inf");
        if (type == '%') digits.body += '%';
        return digits;
    }
    if (form.precision > kMaxPrecision) throw Fault("precision too big");
    const int precision = form.precision < 0 ? 6 : form.precision;
    switch (type) {
        case 'e':
        case 'E':
        case 'f':
        case 'F':
        case 'g':
        case 'G':
        case 'n': {
            const char kind = type == 'n' ? 'g' : static_cast<char>(type | 0x20);
            const int p = kind == 'g' && precision == 0 ? 1 : precision;
            if (kind == 'e')
                digits.body = form.alternate ? fmt::format("{:#.{}e}", d, p) : fmt::format("{:.{}e}", d, p);
            if (kind == 'f')
                digits.body = form.alternate ? fmt::format("{:#.{}f}", d, p) : fmt::format("{:.{}f}", d, p);
            if (kind == 'g')
                digits.body = form.alternate ? fmt::format("{:#.{}g}", d, p) : fmt::format("{:.{}g}", d, p);
            break;
        }
        case '%':
            digits.body = fmt::format("{:.{}f}%", d * 100, precision);
            break;
        default:  // none: as repr; with a precision like g, but a float still looks like one
            if (form.precision < 0) {
                digits.body = float_text(d);
            } else {
                digits.body = fmt::format("{:.{}g}", d, std::max(precision, 1));
                if (digits.body.find_first_of(".e") == std::string::npos) digits.body += ".0";
            }
    }
    if (upper)
        std::transform(digits.body.begin(), digits.body.end(), digits.body.begin(),
                       [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c; });
    if (form.grouping != '\0') group(digits.body, form.grouping, 3);
    return digits;
}

Digits integer_digits(std::int64_t i, const NumberForm& form) {
    Digits digits;
    digits.sign = i < 0 ? "-" : form.sign == '-' ? "" : std::string(1, form.sign);
    const std::uint64_t n = i < 0 ? ~static_cast<std::uint64_t>(i) + 1 : static_cast<std::uint64_t>(i);
    switch (form.type) {
        case 'b':
            digits.body = fmt::format("{:b}", n);
            break;
        case 'o':
            digits.body = fmt::format("{:o}", n);
            break;
        case 'x':
            digits.body = fmt::format("{:x}", n);
            break;
        case 'X':
            digits.body = fmt::format("{:X}", n);
            break;
        default:
            digits.body = fmt::format("{}", n);
            break;
    }
    if (form.precision > kMaxPrecision) throw Fault("precision too big");
    if (static_cast<int>(digits.body.size()) < form.precision) {
        digits.body.insert(0, static_cast<std::size_t>(form.precision) - digits.body.size(), '0');
    }
    if (form.grouping != '\0') group(digits.body, form.grouping, form.type == 'd' || form.type == '\0' ? 3 : 4);
    if (form.alternate && (form.type == 'b' || form.type == 'o' || form.type == 'x' || form.type == 'X')) {
        digits.sign += fmt::format("0{}", form.type);
    }
    return digits;
}

std::string utf8(std::int64_t code) {
    if (code < 0 || code > 0x10FFFF) throw Fault("%c arg not in range(0x110000)");
    if (code >= 0xD800 && code <= 0xDFFF) throw Fault("a surrogate is no character");
    std::string out;
    append_utf8(out, static_cast<char32_t>(code));
    return out;
}

// `fill` repeated to make `text` `width` characters wide; align is one of < > ^.
Text padded(Interpreter& in, Text text, std::int64_t width, char align, const Text& fill) {
    const auto have = static_cast<std::int64_t>(count_chars(text.view()));
    if (width <= have) return text;
    const std::int64_t missing = width - have;
    Budget::check_text(static_cast<std::size_t>(missing));
    in.budget().bytes(static_cast<std::uint64_t>(missing) * fill.size());
    const std::int64_t left = align == '<' ? 0 : align == '>' ? missing : missing / 2;
    Text out;
    for (std::int64_t i = 0; i < left; ++i) out.append(fill);
    out.append(text);
    for (std::int64_t i = left; i < missing; ++i) out.append(fill);
    return out;
}

Text first_chars(const Text& text, std::int64_t n) {
    std::size_t at = 0;
    for (; n > 0 && at < text.size(); --n) at += decode_char(text.view(), at).size;
    return text.substr(0, at);
}

// A number with zeros between its sign and digits, or anything with blanks around it.
Text padded_number(Interpreter& in, const Digits& digits, std::int64_t width, char align, bool zeros,
                   const Text& fill) {
    Text sign(digits.sign), body(digits.body);
    if (zeros || align == '=') {
        const Text& with = zeros && align == '=' ? fill : Text("0");
        body = padded(in, body, width - static_cast<std::int64_t>(digits.sign.size()), '>', with);
        sign.append(body);
        return sign;
    }
    sign.append(body);
    return padded(in, sign, width, align, fill);
}

// A number that a template gave, as width or precision.
std::int64_t small_number(std::int64_t n) {
    const auto most = static_cast<std::int64_t>(kMaxOutput);
    if (n > most || n < -most) throw Fault("a width or precision is too big");
    return n;
}

// ---- % -------------------------------------------------------------------------------------------------------------

class PercentFormatter {
  public:
    PercentFormatter(Interpreter& in, const Value& format, const Value& values)
        : in_(in), markup_(format.is_markup()), format_(format.text()), text_(format.view()), values_(values) {
        is_tuple_ = values.is_list() && values.list().kind != ListKind::list;
        is_mapping_ = !is_tuple_ && !values.is_string() &&
                      (values.is_dict() || values.is_list() || values.is_undefined() ||
                       (values.is_object() && values.object().indexable()));
    }

    Value run() {
        in_.budget().bytes(text_.size());
        for (std::size_t at = 0; at < text_.size();) {
            const std::size_t percent = std::min(text_.find('%', at), text_.size());
            out_.append(format_, at, percent - at);
            if (percent == text_.size()) break;
            at = percent + 1;
            conversion(at);
            check_growth(in_, out_);
        }
        if (!is_mapping_ && (is_tuple_ ? used_ < values_.list().items.size() : !used_single_)) {
            throw Fault("not all arguments converted during string formatting");
        }
        return make_text(in_.budget(), std::move(out_), markup_);
    }

  private:
    char at(std::size_t i) const {
        if (i >= text_.size()) throw Fault("incomplete format");
        return text_[i];
    }
    Value next() {
        if (is_tuple_) {
            if (used_ >= values_.list().items.size()) throw Fault("not enough arguments for format string");
            return values_.list().items[used_++];
        }
        if (used_single_) throw Fault("not enough arguments for format string");
        used_single_ = true;
        return values_;
    }
    std::int64_t number(std::size_t& i) {
        if (at(i) == '*') {
            ++i;
            const Value v = next();
            if (!v.is_int()) throw Fault("* wants int");
            return small_number(v.integer());
        }
        std::int64_t n = 0;
        for (; at(i) >= '0' && at(i) <= '9'; ++i) n = small_number(n * 10 + (text_[i] - '0'));
        return n;
    }

    void conversion(std::size_t& i) {
        std::optional<Value> keyed;
        if (at(i) == '(') {
            if (!is_mapping_) throw Fault("format requires a mapping");
            const std::size_t begin = ++i;
            for (int open = 1; open > 0; ++i) open += at(i) == '(' ? 1 : at(i) == ')' ? -1 : 0;
            const Value key(format_.substr(begin, i - 1 - begin));
            if (values_.is_undefined()) throw Fault(values_.why_undefined());
            const Value* found = values_.is_dict() ? values_.dict().find(in_.budget(), key) : nullptr;
            if (found == nullptr) throw Fault(fmt::format("no key '{}' to format", key.view()));
            keyed = *found;
        }
        NumberForm form;
        bool left = false, zeros = false;
        for (;; ++i) {
            const char c = at(i);
            if (c == '-')
                left = true;
            else if (c == '0')
                zeros = true;
            else if (c == '+')
                form.sign = '+';
            else if (c == ' ')
                form.sign = form.sign == '+' ? '+' : ' ';
            else if (c == '#')
                form.alternate = true;
            else
                break;
        }
        std::int64_t width = number(i);
        if (width < 0) {
            left = true;
            width = -width;
        }
        if (at(i) == '.') {
            ++i;
            form.precision = static_cast<int>(std::max<std::int64_t>(number(i), 0));
        }
        if (at(i) == 'h' || at(i) == 'l' || at(i) == 'L') ++i;
        form.type = at(i++);
        const char align = left ? '<' : '>';
        if (form.type == '%') {
            out_.append("%", Origin::trusted);
            return;
        }
        const Value v = keyed ? *keyed : next();
        const auto number_text = [&](const Digits& digits) {
            out_.append(padded_number(in_, digits, width, align, zeros && !left, Text(zeros && !left ? "0" : " ")));
        };
        switch (form.type) {
            case 's':
            case 'r':
            case 'a': {
                Text text;
                if (form.type == 's')
                    append_str(in_, text, v);
                else if (form.type == 'r' || !v.is_string())
                    append_repr(in_, text, v);
                else
                    append_quoted(in_, text, v.text(), true);
                if (form.precision >= 0) text = first_chars(text, form.precision);
                if (markup_ && !v.is_markup()) text = escaped_html(text);
                out_.append(padded(in_, std::move(text), width, align, Text(" ")));
                return;
            }
            case 'd':
            case 'i':
            case 'u':
                if (v.is_undefined()) throw Fault(v.why_undefined());
                if (!v.is_number()) {
                    throw Fault(fmt::format("%{} format: a real number is required, not {}", form.type, type_name(v)));
                }
                form.type = 'd';
                number_text(integer_digits(v.is_real() ? to_integer(v.real()) : v.integer(), form));
                return;
            case 'x':
            case 'X':
            case 'o':
                if (!v.is_int())
                    throw Fault(fmt::format("%{} format: an integer is required, not {}", form.type, type_name(v)));
                number_text(integer_digits(v.integer(), form));
                return;
            case 'e':
            case 'E':
            case 'f':
            case 'F':
            case 'g':
            case 'G':
                if (v.is_undefined()) throw Fault(v.why_undefined());
                if (!v.is_number()) throw Fault(fmt::format("must be real number, not {}", type_name(v)));
                number_text(real_digits(v.real(), form));
                return;
            case 'c': {
                Text text;
                if (v.is_int()) {
                    text.append(utf8(v.integer()), kMadeUp);
                } else if (v.is_string() && count_chars(v.view()) == 1) {
                    text = v.text();
                } else {
                    throw Fault("%c requires int or char");
                }
                out_.append(padded(in_, std::move(text), width, align, Text(" ")));
                return;
            }
            default:
                throw Fault(fmt::format("unsupported format character '{}'", form.type));
        }
    }

    Interpreter& in_;
    bool markup_;
    const Text& format_;
    std::string_view text_;
    const Value& values_;
    bool is_tuple_ = false, is_mapping_ = false;
    std::size_t used_ = 0;
    bool used_single_ = false;
    Text out_;
};

// ---- str.format ----------------------------------------------------------------------------------------------------

class BraceFormatter {
  public:
    BraceFormatter(Interpreter& in, const Arguments& arguments, bool markup)
        : in_(in), arguments_(arguments), markup_(markup) {}

    Text run(const Text& format, int depth) {
        if (depth == 0) throw Fault("Max string recursion exceeded");
        const std::string_view text = format.view();
        in_.budget().bytes(text.size());
        Text out;
        for (std::size_t i = 0; i < text.size();) {
            check_growth(in_, out);
            const std::size_t brace = std::min(text.find_first_of("{}", i), text.size());
            out.append(format, i, brace - i);
            if (brace == text.size()) break;
            i = brace + 1;
            if (i < text.size() && text[i] == text[brace]) {
                out.append(format, i++, 1);
                continue;
            }
            if (text[brace] == '}') throw Fault("Single '}' encountered in format string");
            const std::size_t begin = i;
            for (int open = 1; open > 0; ++i) {
                if (i >= text.size()) throw Fault("expected '}' before end of string");
                open += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
            }
            field(out, format.substr(begin, i - 1 - begin), depth);
        }
        return out;
    }

  private:
    void field(Text& out, const Text& field, int depth) {
        const std::string_view text = field.view();
        std::size_t name_end = 0;
        for (bool in_brackets = false; name_end < text.size(); ++name_end) {
            const char c = text[name_end];
            if (c == '[') in_brackets = true;
            if (c == ']') in_brackets = false;
            if (!in_brackets && (c == '!' || c == ':')) break;
        }
        Value v = lookup(text.substr(0, name_end));
        std::size_t at = name_end;
        if (at < text.size() && text[at] == '!') {
            const char conversion = at + 1 < text.size() ? text[at + 1] : '\0';
            Text converted;
            if (conversion == 's')
                append_str(in_, converted, v);
            else if (conversion == 'r')
                append_repr(in_, converted, v);
            else if (conversion == 'a' && v.is_string())
                append_quoted(in_, converted, v.text(), true);
            else if (conversion == 'a')
                append_repr(in_, converted, v);
            else
                throw Fault("Unknown conversion specifier in format string");
            v = Value(std::move(converted));
            at += 2;
            if (at < text.size() && text[at] != ':') throw Fault("expected ':' after conversion specifier");
        }
        const Text spec = at < text.size() ? run(field.substr(at + 1, text.size()), depth - 1) : Text();
        Text formatted = format_value(in_, v, spec);
        if (markup_ && !v.is_markup()) formatted = escaped_html(formatted);
        out.append(formatted);
    }

    Value lookup(std::string_view name) {
        const std::size_t first_end = std::min(name.find_first_of(".["), name.size());
        const std::string_view first = name.substr(0, first_end);
        Value v;
        const bool is_index = !first.empty() && first.find_first_not_of("0123456789") == std::string_view::npos;
        if (first.empty() || is_index) {
            std::size_t index = 0;
            if (first.empty()) {
                if (next_ < 0)
                    throw Fault("cannot switch from manual field specification to automatic field numbering");
                index = static_cast<std::size_t>(next_++);
            } else {
                if (next_ > 0)
                    throw Fault("cannot switch from automatic field numbering to manual field specification");
                next_ = -1;
                std::from_chars(first.data(), first.data() + first.size(), index);
            }
            if (index >= arguments_.positional.size())
                throw Fault("Replacement index out of range for positional args tuple");
            v = arguments_.positional[index];
        } else {
            const Value* found = arguments_.find(first);
            if (found == nullptr) throw Fault(fmt::format("no argument '{}' to format", first));
            v = *found;
        }
        for (std::size_t at = first_end; at < name.size();) {
            if (name[at] == '.') {
                const std::size_t end = std::min(name.find_first_of(".[", at + 1), name.size());
                v = in_.attribute(v, name.substr(at + 1, end - at - 1));
                at = end;
            } else if (name[at] == '[') {
                const std::size_t end = name.find(']', at);
                if (end == std::string_view::npos) throw Fault("Missing ']' in format string");
                const std::string_view key = name.substr(at + 1, end - at - 1);
                std::int64_t index = 0;
                const auto [stop, error] = std::from_chars(key.data(), key.data() + key.size(), index);
                const bool number = error == std::errc() && stop == key.data() + key.size() && !key.starts_with('-');
                v = in_.item(v, number ? Value(index) : Value::text(key));
                at = end + 1;
            } else {
                throw Fault("Only '.' or '[' may follow ']' in format field specifier");
            }
        }
        return v;
    }

    Interpreter& in_;
    const Arguments& arguments_;
    bool markup_;
    int next_ = 0;  // of {}; -1 once a number was given
};

}  // namespace

std::string float_text(double value) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    std::array<char, 64> buffer;
    const auto end =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific).ptr;
    const std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
    const std::size_t e = text.find('e');
    int exponent = 0;
    const char* digits = text.data() + e + 1;
    std::from_chars(*digits == '+' ? digits + 1 : digits, end, exponent);
    if (exponent < -4 || exponent >= 16) return std::string(text);
    const auto fixed_end =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed).ptr;
    std::string fixed(buffer.data(), fixed_end);
    if (fixed.find('.') == std::string::npos) fixed += ".0";
    return fixed;
}

void append_str(Interpreter& in, Text& out, const Value& v) {
    switch (v.kind()) {
        case Value::Kind::undefined:
            return;
        case Value::Kind::string:
            in.budget().bytes(v.view().size());
            out.append(v.text());
            Budget::check_text(out.size());
            return;
        default:
            append_repr(in, out, v);
    }
}

void append_repr(Interpreter& in, Text& out, const Value& v) {
    check_growth(in, out);
    // Lists alone are never that deep, but a namespace in a list may hold the list.
    const Level level(in.repr_depth(), static_cast<int>(kMaxValueDepth) + 1, "values are nested too deep");
    switch (v.kind()) {
        case Value::Kind::undefined:
            out.append("Undefined", Origin::trusted);
            return;
        case Value::Kind::none:
            out.append("None", Origin::trusted);
            return;
        case Value::Kind::boolean:
            out.append(v.boolean() ? "True" : "False", Origin::trusted);
            return;
        case Value::Kind::integer:
            out.append(fmt::format("{}", v.integer()), Origin::trusted);
            return;
        case Value::Kind::real:
            out.append(float_text(v.real()), Origin::trusted);
            return;
        case Value::Kind::string:
            if (v.is_markup()) out.append("Markup(", kMadeUp);
            append_quoted(in, out, v.text(), false);
            if (v.is_markup()) out.append(")", kMadeUp);
            return;
        case Value::Kind::list: {
            const bool tuple = v.list().kind != ListKind::list;
            out.append(tuple ? "(" : "[", kMadeUp);
            for (std::size_t i = 0; i < v.list().items.size(); ++i) {
                if (i > 0) out.append(", ", kMadeUp);
                append_repr(in, out, v.list().items[i]);
            }
            if (tuple && v.list().items.size() == 1) out.append(",", kMadeUp);
            out.append(tuple ? ")" : "]", kMadeUp);
            return;
        }
        case Value::Kind::dict:
            out.append("{", kMadeUp);
            for (std::size_t i = 0; i < v.dict().entries.size(); ++i) {
                if (i > 0) out.append(", ", kMadeUp);
                append_repr(in, out, v.dict().entries[i].first);
                out.append(": ", kMadeUp);
                append_repr(in, out, v.dict().entries[i].second);
            }
            out.append("}", kMadeUp);
            return;
        case Value::Kind::object:
            v.object().repr(in, out);
            return;
    }
}

Text str(Interpreter& in, const Value& v) {
    if (v.is_string()) {
        in.budget().bytes(v.view().size());
        return v.text();
    }
    Text out;
    append_str(in, out, v);
    return out;
}

Text to_json(Interpreter& in, const Value& v, const JsonStyle& style) {
    JsonWriter writer(in, style);
    writer.write(v);
    return writer.take();
}

Value percent_format(Interpreter& in, const Value& format, const Value& values) {
    return PercentFormatter(in, format, values).run();
}

Value brace_format(Interpreter& in, const Value& format, const Arguments& arguments) {
    return make_text(in.budget(), BraceFormatter(in, arguments, format.is_markup()).run(format.text(), 2),
                     format.is_markup());
}

Text format_value(Interpreter& in, const Value& v, const Text& spec) {
    const std::string_view text = spec.view();
    if (text.empty()) return str(in, v);
    if (!v.is_string() && !v.is_number()) {
        throw Fault(fmt::format("unsupported format string passed to {}.__format__", type_name(v)));
    }
    NumberForm form;
    Text fill(" ");
    char align = '\0';
    std::size_t i = 0;
    const auto is_align = [&](std::size_t at) {
        return at < text.size() && std::string_view("<>=^").find(text[at]) != std::string_view::npos;
    };
    const std::size_t first = decode_char(text, 0).size;
    if (is_align(first)) {
        fill = spec.substr(0, first);
        align = text[first];
        i = first + 1;
    } else if (is_align(0)) {
        align = text[0];
        i = 1;
    }
    if (i < text.size() && (text[i] == '+' || text[i] == '-' || text[i] == ' ')) form.sign = text[i++];
    if (i < text.size() && text[i] == '#') form.alternate = (++i, true);
    if (i < text.size() && text[i] == '0') {
        ++i;
        if (align == '\0') {
            fill = Text("0");
            align = v.is_string() ? '<' : '=';
        }
    }
    const auto number = [&] {
        std::int64_t n = 0;
        for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) n = small_number(n * 10 + (text[i] - '0'));
        return n;
    };
    const std::int64_t width = number();
    if (i < text.size() && (text[i] == ',' || text[i] == '_')) form.grouping = text[i++];
    if (i < text.size() && text[i] == '.') {
        const std::size_t begin = ++i;
        form.precision = static_cast<int>(number());
        if (i == begin) throw Fault("Format specifier missing precision");
    }
    if (i < text.size()) form.type = text[i++];
    if (i < text.size()) throw Fault("Invalid format specifier");
    const auto bad_type = [&] {
        return Fault(fmt::format("Unknown format code '{}' for object of type '{}'", form.type, type_name(v)));
    };
    if (v.is_string()) {
        if (form.type != '\0' && form.type != 's') throw bad_type();
        if (form.sign != '-' || text.find('-', first) == 0) throw Fault("Sign not allowed in string format specifier");
        if (form.alternate) throw Fault("Alternate form (#) not allowed in string format specifier");
        if (align == '=') throw Fault("'=' alignment not allowed in string format specifier");
        if (form.grouping != '\0') throw Fault(fmt::format("Cannot specify '{}' with 's'.", form.grouping));
        Text cut = form.precision >= 0 ? first_chars(v.text(), form.precision) : v.text();
        return padded(in, std::move(cut), width, align == '\0' ? '<' : align, fill);
    }
    if (align == '\0') align = '>';
    const bool as_real = v.is_real() || std::string_view("eEfFgG%").find(form.type) != std::string_view::npos;
    if (form.type == '\0' && v.is_bool()) form.type = 'd';
    if (as_real && (form.type != '\0' || v.is_real())) {
        if (form.type != '\0' && std::string_view("eEfFgGn%").find(form.type) == std::string_view::npos)
            throw bad_type();
        return padded_number(in, real_digits(v.real(), form), width, align, align == '=', fill);
    }
    if (form.precision >= 0) throw Fault("Precision not allowed in integer format specifier");
    if (form.type == 'c') return padded(in, Text(utf8(v.integer()), kMadeUp), width, align == '=' ? '>' : align, fill);
    if (form.type != '\0' && std::string_view("bdoxXn").find(form.type) == std::string_view::npos) throw bad_type();
    return padded_number(in, integer_digits(v.integer(), form), width, align, align == '=', fill);
}

Text escaped_html(const Text& text) {
    Text out;
    const std::string_view bytes = text.view();
    std::size_t plain = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const char c = bytes[i];
        const std::string_view escape = c == '&'    ? "&amp;"
                                        : c == '<'  ? "&lt;"
                                        : c == '>'  ? "&gt;"
                                        : c == '\'' ? "&#39;"
                                        : c == '"'  ? "&#34;"
                                                    : "";
        if (escape.empty()) continue;
        out.append(text, plain, i - plain);
        out.append(escape, text.origin_at(i));
        plain = i + 1;
    }
    out.append(text, plain, bytes.size() - plain);
    return out;
}

}  // namespace distill::jinja
