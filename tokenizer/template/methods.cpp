// Methods of strings, lists, dicts and numbers.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "tokenizer/template/builtins.h"
#include "tokenizer/template/characters.h"
#include "tokenizer/template/format.h"
#include "tokenizer/template/interpreter.h"
#include "tokenizer/template/operators.h"

namespace distill::jinja {

namespace {

using Method = Value (*)(Interpreter& in, const Value& self, Arguments&& arguments);

struct Entry {
    std::string_view name;
    Method method;
};

const Value& text_argument(const Value& v, std::string_view method) {
    if (!v.is_string()) throw Fault(fmt::format("{}() wants str, not {}", method, type_name(v)));
    return v;
}

Value make_texts(Interpreter& in, std::vector<Text> parts, bool markup, ListKind kind = ListKind::list) {
    std::vector<Value> values;
    values.reserve(parts.size());
    for (Text& part : parts) values.push_back(make_text(in.budget(), std::move(part), markup));
    return make_list(in.budget(), std::move(values), kind);
}

template <bool upper>
Value change_case(Interpreter& in, const Value& self, Arguments&& arguments) {
    Bound(upper ? "upper" : "lower", std::move(arguments), {});
    return mapped_case(in, self, upper);
}

Value capitalize(Interpreter& in, const Value& self, Arguments&& arguments) {
    Bound("capitalize", std::move(arguments), {});
    return capitalized(in, self);
}

// Each character through `map`, which writes what it becomes.
template <class Map>
Value map_chars(Interpreter& in, const Value& self, Map map) {
    in.budget().bytes(self.view().size() * 2);
    Text out;
    for (std::size_t at = 0; at < self.view().size();) {
        const Char c = decode_char(self.view(), at);
        std::string mapped;
        if (c.code == kBadChar)
            mapped = self.view().substr(at, c.size);
        else
            map(mapped, c.code);
        out.append(mapped, self.text().origin_at(at));
        at += c.size;
    }
    return make_text(in.budget(), std::move(out), self.is_markup());
}

Value title(Interpreter& in, const Value& self, Arguments&& arguments) {
    Bound("title", std::move(arguments), {});
    bool in_word = false;
    return map_chars(in, self, [&](std::string& out, char32_t c) {
        append_case(out, c, in_word ? Case::lower : Case::title);
        in_word = is_upper(c) || is_lower(c) || is_title(c);
    });
}

Value swapcase(Interpreter& in, const Value& self, Arguments&& arguments) {
    Bound("swapcase", std::move(arguments), {});
    return map_chars(in, self, [](std::string& out, char32_t c) {
        if (is_upper(c))
            append_case(out, c, Case::lower);
        else if (is_lower(c))
            append_case(out, c, Case::upper);
        else
            append_utf8(out, c);
    });
}

Value casefold(Interpreter& in, const Value& self, Arguments&& arguments) {
    Bound("casefold", std::move(arguments), {});
    return map_chars(in, self, [](std::string& out, char32_t c) { append_case(out, c, Case::fold); });
}

template <bool left, bool right>
Value strip(Interpreter& in, const Value& self, Arguments&& arguments) {
    const Bound bound("strip", std::move(arguments), {""});
    return stripped(in, self, bound.has(0) ? &bound[0] : nullptr, left, right);
}

// Parts between runs of white space.
std::vector<Text> split_blanks(Interpreter& in, const Text& text, std::int64_t max, bool from_right) {
    std::vector<std::pair<std::size_t, std::size_t>> words;
    const std::string_view bytes = text.view();
    in.budget().bytes(bytes.size());
    for (std::size_t at = 0; at < bytes.size();) {
        const Char c = decode_char(bytes, at);
        if (is_space(c.code)) {
            at += c.size;
            continue;
        }
        const std::size_t begin = at;
        while (at < bytes.size()) {
            const Char next = decode_char(bytes, at);
            if (is_space(next.code)) break;
            at += next.size;
        }
        in.budget().bytes(sizeof(Text));
        words.emplace_back(begin, at);
    }
    std::vector<Text> parts;
    const std::size_t n = words.size();
    const std::size_t cuts = max < 0 ? n : std::min(n, static_cast<std::size_t>(max));
    if (cuts >= n) {
        for (const auto& [begin, end] : words) parts.push_back(text.substr(begin, end - begin));
    } else if (!from_right) {
        for (std::size_t i = 0; i < cuts; ++i)
            parts.push_back(text.substr(words[i].first, words[i].second - words[i].first));
        parts.push_back(text.substr(words[cuts].first, bytes.size()));  // keeps its inner blanks and those at its end
    } else {
        parts.push_back(text.substr(0, words[n - cuts - 1].second));
        for (std::size_t i = n - cuts; i < n; ++i)
            parts.push_back(text.substr(words[i].first, words[i].second - words[i].first));
    }
    return parts;
}

template <bool from_right>
Value split(Interpreter& in, const Value& self, Arguments&& arguments) {
    const Bound bound("split", std::move(arguments), {"sep", "maxsplit"});
    std::int64_t max = bound.integer(1, -1);
    const Text& text = self.text();
    if (!bound.has(0) || bound[0].is_none()) {
        return make_texts(in, split_blanks(in, text, max, from_right), self.is_markup());
    }
    const std::string_view separator = text_argument(bound[0], "split").view();
    if (separator.empty()) throw Fault("empty separator");
    in.budget().bytes(text.size());
    if (separator.size() > 32) in.budget().bytes(separator.size() * 4);
    std::vector<Text> parts;
    if (from_right) {
        std::size_t end = text.size();
        for (; max != 0; --max) {
            const std::size_t at = rfind_text(text.view().substr(0, end), separator);
            if (at == std::string_view::npos) break;
            in.budget().bytes(sizeof(Text));
            if (separator.size() > 32) in.budget().bytes(end * 2);
            parts.push_back(text.substr(at + separator.size(), end - at - separator.size()));
            end = at;
        }
        parts.push_back(text.substr(0, end));
        std::reverse(parts.begin(), parts.end());
    } else {
        std::size_t begin = 0;
        for (; max != 0; --max) {
            const std::size_t at = find_text(text.view(), separator, begin);
            if (at == std::string_view::npos) break;
            in.budget().bytes(sizeof(Text));
            if (separator.size() > 32) in.budget().bytes(separator.size() * 4);
            parts.push_back(text.substr(begin, at - begin));
            begin = at + separator.size();
        }
        parts.push_back(text.substr(begin, text.size() - begin));
    }
    return make_texts(in, std::move(parts), self.is_markup());
}

Value splitlines(Interpreter& in, const Value& self, Arguments&& arguments) {
    const Bound bound("splitlines", std::move(arguments), {"keepends"});
    return make_texts(in, lines_of(in, self.text(), bound.truth(in, 0, false)), self.is_markup());
}

template <bool from_right>
Value partition(Interpreter& in, const Value& self, Arguments&& arguments) {
    const Bound bound("partition", std::move(arguments), {""}, 1);
    const std::string_view separator = text_argument(bound[0], "partition").view();
    if (separator.empty()) throw Fault("empty separator");
    const Text& text = self.text();
    in.budget().bytes(text.size());
    const std::size_t at = from_right ? rfind_text(text.view(), separator) : find_text(text.view(), separator);
    std::vector<Text> parts(3);
    if (at == std::string_view::npos) {
        parts[from_right ? 2 : 0] = text;
    } else {
        parts[0] = text.substr(0, at);
        parts[1] = text.substr(at, separator.size());
        parts[2] = text.substr(at + separator.size(), text.size());
    }
    return make_texts(in, std::move(parts), self.is_markup(), ListKind::tuple);
}

// The bytes between the characters start and end (as in a slice) of the text.
std::pair<std::size_t, std::size_t> range_of(Interpreter& in, const Value& self, const Bound& bound, std::size_t first,
                                             std::int64_t& start) {
    in.budget().bytes(self.view().size());
    start = 0;
    if (!bound.has(first) && !bound.has(first + 1)) return {0, self.view().size()};
    const auto n = static_cast<std::int64_t>(count_chars(self.view()));
    const auto place = [&](std::size_t i, std::int64_t fallback) {
        if (!bound.has(i) || bound[i].is_none()) return fallback;
        const std::int64_t at = bound.integer(i, 0);
        return at < 0 ? std::max<std::int64_t>(at + n, 0) : at;
    };
    start = place(first, 0);
    const std::int64_t end = std::min(place(first + 1, n), n);
    if (start > end) return {1, 0};
    const auto byte_of = [&](std::int64_t chars) {
        std::size_t at = 0;
        for (; chars > 0 && at < self.view().size(); --chars) at += decode_char(self.view(), at).size;
        return at;
    };
    return {byte_of(start), byte_of(end)};
}

template <bool from_end>
Value starts_with(Interpreter& in, const Value& self, Arguments&& arguments) {
    const Bound bound(from_end ? "endswith" : "startswith", std::move(arguments), {"", "", ""}, 1);
    std::string_view text = self.view();
    if (bound.has(1) || bound.has(2)) {
        std::int64_t start = 0;
        const auto [begin, end] = range_of(in, self, bound, 1, start);
        if (begin > end) return false;
        text = text.substr(begin, end - begin);
    }
    const auto matches = [&](const Value& part) {
        text_argument(part, from_end ? "endswith" : "startswith");
        in.budget().bytes(part.view().size());
        return from_end ? text.ends_with(part.view()) : text.starts_with(part.view());
    };
    if (bound[0].is_list() && bound[0].list().kind != ListKind::list) {
        const auto& parts = bound[0].list().items;
        in.budget().step(parts.size());
        return std::any_of(parts.begin(), parts.end(), matches);
    }
    return matches(bound[0]);
}

enum class Find { find, rfind, index, rindex };

template <Find how>
Value find(Interpreter& in, const Value& self, Arguments&& arguments) {
    const Bound bound("find", std::move(arguments), {"", "", ""}, 1);
    const std::string_view part = text_argument(bound[0], "find").view();
    std::int64_t start = 0;
    const auto [begin, end] = range_of(in, self, bound, 1, start);
    constexpr bool from_right = how == Find::rfind || how == Find::rindex;
    std::int64_t place = -1;
    if (begin <= end) {
        const std::string_view text = self.view().substr(begin, end - begin);
        const std::size_t at = from_right ? rfind_text(text, part) : find_text(text, part);
        if (at != std::string_view::npos) place = start + static_cast<std::int64_t>(count_chars(text.substr(0, at)));
    }
    if (place < 0 && (how == Find::index || how == Find::rindex)) throw Fault("substring not found");
    return place;
}

Value count(Interpreter& in, const Value& self, Arguments&& arguments) {
    const Bound bound("count", std::move(arguments), {"", "", ""}, 1);
    const std::string_view part = text_argument(bound[0], "count").view();
    std::int64_t start = 0, n = 0;
    const auto [begin, end] = range_of(in, self, bound, 1, start);
    if (begin > end) return std::int64_t{0};
    const std::string_view text = self.view().substr(begin, end - begin);
    if (part.empty()) return static_cast<std::int64_t>(count_chars(text)) + 1;
    for (std::size_t at = find_text(text, part); at != std::string_view::npos;
         at = find_text(text, part, at + part.size())) {
        if (part.size() > 32) in.budget().bytes(part.size() * 4);
        ++n;
    }
    return n;
}

Value replace(Interpreter& in, const Value& self, Arguments&& arguments) {
    const Bound bound("replace", std::move(arguments), {"", "", ""}, 2);
    text_argument(bound[0], "replace");
    text_argument(bound[1], "replace");
    Value with = bound[1];
    if (self.is_markup() && !with.is_markup()) with = Value(escaped_html(with.text()), true);
    return replaced(in, self, bound[0], with, bound.integer(2, -1), self.is_markup());
}

Value join(Interpreter& in, const Value& self, Arguments&& arguments) {
    const Bound bound("join", std::move(arguments), {""}, 1);
    const auto iterator = iterate(in, bound[0]);
    Text out;
    for (std::int64_t i = 0;; ++i) {
        const std::optional<Value> item = iterator->next(in);
        if (!item) break;
        if (!item->is_string())
            throw Fault(fmt::format("sequence item {}: expected str instance, {} found", i, type_name(*item)));
        if (i > 0) out.append(self.text());
        in.budget().bytes(self.view().size() + item->view().size());
        out.append(self.is_markup() && !item->is_markup() ? escaped_html(item->text()) : item->text());
        Budget::check_text(out.size());
    }
    return make_text(in.budget(), std::move(out), self.is_markup());
}

Value format(Interpreter& in, const Value& self, Arguments&& arguments) {
    return brace_format(in, self, arguments);
}

Value format_map(Interpreter& in, const Value& self, Arguments&& arguments) {
    const Bound bound("format_map", std::move(arguments), {""}, 1);
    if (!bound[0].is_dict()) throw Fault("format_map() wants a mapping");
    Arguments named;
    in.budget().step(bound[0].dict().entries.size());
    for (const auto& [key, value] : bound[0].dict().entries) {
        if (key.is_string()) named.named.emplace_back(key.view(), value);
    }
    return brace_format(in, self, named);
}

template <char align>
Value justify(Interpreter& in, const Value& self, Arguments&& arguments) {
    const Bound bound("center", std::move(arguments), {"", ""}, 1);
    const Value fill = bound.value(1, Value::text(" "));
    if (!fill.is_string() || count_chars(fill.view()) != 1)
        throw Fault("the fill character must be exactly one character long");
    return centered(in, self, bound.integer(0, 0), fill.text(), align);
}

Value zfill(Interpreter& in, const Value& self, Arguments&& arguments) {
    const Bound bound("zfill", std::move(arguments), {""}, 1);
    const bool has_sign = self.view().starts_with('-') || self.view().starts_with('+');
    const std::size_t sign = has_sign ? 1 : 0;
    Text out = self.text().substr(0, sign);
    const Value rest(self.text().substr(sign, self.view().size()));
    out.append(centered(in, rest, std::max<std::int64_t>(bound.integer(0, 0), 1) - static_cast<std::int64_t>(sign),
                        Text("0"), '>')
                   .text());
    return make_text(in.budget(), std::move(out), self.is_markup());
}

Value expandtabs(Interpreter& in, const Value& self, Arguments&& arguments) {
    const Bound bound("expandtabs", std::move(arguments), {"tabsize"});
    const std::int64_t size = bound.integer(0, 8);
    if (size > 1'000'000) Budget::check_text(kMaxOutput + 1);
    std::int64_t column = 0;
    return map_chars(in, self, [&](std::string& out, char32_t c) {
        if (c == '\t') {
            const std::int64_t n = size > 0 ? size - column % size : 0;
            in.budget().bytes(static_cast<std::uint64_t>(n));
            out.append(static_cast<std::size_t>(n), ' ');
            column += n;
        } else {
            append_utf8(out, c);
            column = c == '\n' || c == '\r' ? 0 : column + 1;
        }
    });
}

template <bool suffix>
Value remove_affix(Interpreter& in, const Value& self, Arguments&& arguments) {
    const Bound bound("removeprefix", std::move(arguments), {""}, 1);
    const std::string_view part = text_argument(bound[0], "removeprefix").view();
    const bool there = suffix ? self.view().ends_with(part) : self.view().starts_with(part);
    if (!there || part.empty()) return self;
    return make_text(in.budget(), self.text().substr(suffix ? 0 : part.size(), self.view().size() - part.size()),
                     self.is_markup());
}

// isalpha and the like: true if there are characters and all are of the class.
template <bool (*is_class)(char32_t)>
Value all_of(Interpreter& in, const Value& self, Arguments&& arguments) {
    Bound("is", std::move(arguments), {});
    in.budget().bytes(self.view().size());
    for (std::size_t at = 0; at < self.view().size();) {
        const Char c = decode_char(self.view(), at);
        if (!is_class(c.code)) return false;
        at += c.size;
    }
    return !self.view().empty();
}

Value is_ascii_method(Interpreter& in, const Value& self, Arguments&& arguments) {
    Bound("isascii", std::move(arguments), {});
    in.budget().bytes(self.view().size());
    return is_ascii(self.view());
}

Value is_printable_method(Interpreter& in, const Value& self, Arguments&& arguments) {
    if (self.view().empty()) return true;
    return all_of<is_printable>(in, self, std::move(arguments));
}

bool is_digit(char32_t c) {
    return is_decimal(c) || (c >= 0xB2 && c <= 0xB3) || c == 0xB9 || (c >= 0x2070 && c <= 0x2079 && is_numeric(c)) ||
           (c >= 0x2080 && c <= 0x2089) || (c >= 0x2460 && c <= 0x2468);
}

Value is_title_method(Interpreter& in, const Value& self, Arguments&& arguments) {
    Bound("istitle", std::move(arguments), {});
    in.budget().bytes(self.view().size());
    bool in_word = false, any = false;
    for (std::size_t at = 0; at < self.view().size();) {
        const Char c = decode_char(self.view(), at);
        at += c.size;
        if (is_upper(c.code) || is_title(c.code)) {
            if (in_word) return false;
            in_word = any = true;
        } else if (is_lower(c.code)) {
            if (!in_word) return false;
            any = true;
        } else {
            in_word = false;
        }
    }
    return any;
}

// At least one letter with case, and all of those of this case.
template <bool upper>
Value is_case(Interpreter& in, const Value& self, Arguments&& arguments) {
    Bound("isupper", std::move(arguments), {});
    return in.test(upper ? "upper" : "lower", self, {});
}

Value is_identifier(Interpreter& in, const Value& self, Arguments&& arguments) {
    Bound("isidentifier", std::move(arguments), {});
    in.budget().bytes(self.view().size());
    for (std::size_t at = 0; at < self.view().size();) {
        const Char c = decode_char(self.view(), at);
        if (c.code != '_' && !(at == 0 ? is_alpha(c.code) : is_alnum(c.code))) return false;
        at += c.size;
    }
    return !self.view().empty();
}

constexpr std::array kStringMethods = std::to_array<Entry>({
    {"upper", change_case<true>},
    {"lower", change_case<false>},
    {"capitalize", capitalize},
    {"title", title},
    {"swapcase", swapcase},
    {"casefold", casefold},
    {"strip", strip<true, true>},
    {"lstrip", strip<true, false>},
    {"rstrip", strip<false, true>},
    {"split", split<false>},
    {"rsplit", split<true>},
    {"splitlines", splitlines},
    {"partition", partition<false>},
    {"rpartition", partition<true>},
    {"startswith", starts_with<false>},
    {"endswith", starts_with<true>},
    {"find", find<Find::find>},
    {"rfind", find<Find::rfind>},
    {"index", find<Find::index>},
    {"rindex", find<Find::rindex>},
    {"count", count},
    {"replace", replace},
    {"join", join},
    {"format", format},
    {"format_map", format_map},
    {"center", justify<'^'>},
    {"ljust", justify<'<'>},
    {"rjust", justify<'>'>},
    {"zfill", zfill},
    {"expandtabs", expandtabs},
    {"removeprefix", remove_affix<false>},
    {"removesuffix", remove_affix<true>},
    {"isalpha", all_of<is_alpha>},
    {"isalnum", all_of<is_alnum>},
    {"isdecimal", all_of<is_decimal>},
    {"isdigit", all_of<is_digit>},
    {"isnumeric", all_of<is_numeric>},
    {"isspace", all_of<is_space>},
    {"isascii", is_ascii_method},
    {"isprintable", is_printable_method},
    {"isidentifier", is_identifier},
    {"istitle", is_title_method},
    {"isupper", is_case<true>},
    {"islower", is_case<false>},
});

// ---- lists and tuples ----------------------------------------------------------------------------------------------

Value list_index(Interpreter& in, const Value& self, Arguments&& arguments) {
    const Bound bound("index", std::move(arguments), {"", "", ""}, 1);
    const auto& items = self.list().items;
    const auto n = static_cast<std::int64_t>(items.size());
    const auto place = [&](std::size_t i, std::int64_t fallback) {
        const std::int64_t at = bound.integer(i, fallback);
        return at < 0 ? std::max<std::int64_t>(at + n, 0) : std::min(at, n);
    };
    const std::int64_t end = place(2, n);
    for (std::int64_t i = place(1, 0); i < end; ++i) {
        const Value& item = items[static_cast<std::size_t>(i)];
        if (same_object(item, bound[0]) || equal(in, item, bound[0])) return i;
    }
    throw Fault("the value is not in the list");
}

Value list_count(Interpreter& in, const Value& self, Arguments&& arguments) {
    const Bound bound("count", std::move(arguments), {""}, 1);
    std::int64_t n = 0;
    for (const Value& item : self.list().items) n += same_object(item, bound[0]) || equal(in, item, bound[0]) ? 1 : 0;
    return n;
}

Value copy(Interpreter&, const Value& self, Arguments&& arguments) {
    Bound("copy", std::move(arguments), {});
    return self;
}

constexpr std::array kListMethods =
    std::to_array<Entry>({{"index", list_index}, {"count", list_count}, {"copy", copy}});
constexpr std::array kTupleMethods = std::to_array<Entry>({{"index", list_index}, {"count", list_count}});

// ---- dicts ---------------------------------------------------------------------------------------------------------

Value dict_get(Interpreter& in, const Value& self, Arguments&& arguments) {
    const Bound bound("get", std::move(arguments), {"", ""}, 1);
    const Value* found = self.dict().find(in.budget(), bound[0]);
    return found != nullptr ? *found : bound.value(1, Value::none());
}

template <DictView::What what>
Value dict_view(Interpreter&, const Value& self, Arguments&& arguments) {
    Bound("items", std::move(arguments), {});
    return make_object<DictView>(self, what);
}

Value dict_fromkeys(Interpreter& in, const Value&, Arguments&& arguments) {
    const Bound bound("fromkeys", std::move(arguments), {"", ""}, 1);
    std::vector<std::pair<Value, Value>> entries;
    for (Value& key : to_vector(in, bound[0])) entries.emplace_back(std::move(key), bound.value(1, Value::none()));
    return make_dict(in.budget(), std::move(entries));
}

constexpr std::array kDictMethods = std::to_array<Entry>({{"get", dict_get},
                                                          {"keys", dict_view<DictView::What::keys>},
                                                          {"values", dict_view<DictView::What::values>},
                                                          {"items", dict_view<DictView::What::items>},
                                                          {"copy", copy},
                                                          {"fromkeys", dict_fromkeys}});

// ---- numbers -------------------------------------------------------------------------------------------------------

Value is_integer(Interpreter&, const Value& self, Arguments&& arguments) {
    Bound("is_integer", std::move(arguments), {});
    return std::isfinite(self.real()) && std::floor(self.real()) == self.real();
}

Value bit_length(Interpreter&, const Value& self, Arguments&& arguments) {
    Bound("bit_length", std::move(arguments), {});
    const std::int64_t i = self.integer();
    std::uint64_t n = i < 0 ? ~static_cast<std::uint64_t>(i) + 1 : static_cast<std::uint64_t>(i);
    std::int64_t bits = 0;
    for (; n > 0; n >>= 1) ++bits;
    return bits;
}

Value conjugate(Interpreter&, const Value& self, Arguments&& arguments) {
    Bound("conjugate", std::move(arguments), {});
    return positive(self);
}

constexpr std::array kRealMethods = std::to_array<Entry>({{"is_integer", is_integer}, {"conjugate", conjugate}});
constexpr std::array kIntMethods = std::to_array<Entry>({{"bit_length", bit_length}, {"conjugate", conjugate}});

// What would change a value.
constexpr std::array<std::string_view, 8> kListChanges = {"append", "clear", "pop",    "reverse",
                                                          "insert", "sort",  "extend", "remove"};
constexpr std::array<std::string_view, 5> kDictChanges = {"clear", "pop", "popitem", "setdefault", "update"};

template <class Entries>
Method look_up(const Entries& entries, std::string_view name) {
    const auto at =
        std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.name == name; });
    return at == entries.end() ? nullptr : at->method;
}

template <class Names>
bool has(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::optional<Value> find_method(Interpreter&, const Value& value, std::string_view name) {
    Method method = nullptr;
    bool changes = false;
    switch (value.kind()) {
        case Value::Kind::string:
            method = look_up(kStringMethods, name);
            break;
        case Value::Kind::list:
            if (value.list().kind == ListKind::list) {
                method = look_up(kListMethods, name);
                changes = has(kListChanges, name);
            } else {
                method = look_up(kTupleMethods, name);
                if (value.list().kind == ListKind::group && name == "grouper") return value.list().items[0];
                if (value.list().kind == ListKind::group && name == "list") return value.list().items[1];
            }
            break;
        case Value::Kind::dict:
            method = look_up(kDictMethods, name);
            changes = has(kDictChanges, name);
            break;
        case Value::Kind::boolean:
        case Value::Kind::integer:
            method = look_up(kIntMethods, name);
            if (name == "real" || name == "numerator") return Value(value.integer());
            if (name == "imag") return Value(std::int64_t{0});
            if (name == "denominator") return Value(std::int64_t{1});
            break;
        case Value::Kind::real:
            method = look_up(kRealMethods, name);
            if (name == "real") return value;
            if (name == "imag") return Value(0.0);
            break;
        default:
            break;
    }
    if (changes) {
        return Value::undefined(fmt::format(
            "access to attribute '{}' of '{}' object is unsafe: a template cannot change it", name, type_name(value)));
    }
    if (method == nullptr) return std::nullopt;
    return make_object<Function>(
        name,
        [method, value](Interpreter& in, Arguments&& arguments) { return method(in, value, std::move(arguments)); },
        value.depth());
}

}  // namespace distill::jinja
