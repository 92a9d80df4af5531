#include "cli/template_input.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/error.h"

namespace distill {

namespace {

using jinja::Origin;
using JinjaValue = jinja::Value;

// Builds values as the parser meets them. A tree of nlohmann::json would have lost what an integer beyond 64 bits was.
class Reader : public nlohmann::json_sax<nlohmann::ordered_json> {
  public:
    JinjaValue take() { return std::move(open_.front().items.front()); }
    Reader() : open_(1) {}

    bool null() override { return add(JinjaValue::none()); }
    bool boolean(bool value) override { return add(JinjaValue(value)); }
    bool number_integer(number_integer_t value) override { return add(JinjaValue(std::int64_t{value})); }
    bool number_unsigned(number_unsigned_t value) override {
        if (value > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) too_big();
        return add(JinjaValue(static_cast<std::int64_t>(value)));
    }
    bool number_float(number_float_t value, const string_t& text) override {
        if (text.find_first_of(".eE") == string_t::npos) too_big();
        return add(JinjaValue(value));
    }
    bool string(string_t& value) override { return add(JinjaValue::text(value, Origin::input)); }
    bool binary(binary_t&) override { return false; }
    bool key(string_t& value) override {
        open_.back().keys.push_back(JinjaValue::text(value, Origin::input));
        return true;
    }
    bool start_object(std::size_t) override { return push(); }
    bool start_array(std::size_t) override { return push(); }
    bool end_object() override {
        Level level = pop();
        std::vector<std::pair<JinjaValue, JinjaValue>> entries;
        for (std::size_t i = 0; i < level.items.size(); ++i) {
            entries.emplace_back(std::move(level.keys[i]), std::move(level.items[i]));
        }
        return add(jinja::make_dict(budget_, std::move(entries)));
    }
    bool end_array() override { return add(jinja::make_list(budget_, pop().items)); }
    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
        if (error.id == 406) throw Error("a number is out of range", Status::usage);
        throw Error(fmt::format("no JSON at byte {}", position), Status::usage);
    }

  private:
    // As deep as any JSON that we read.
    static constexpr std::size_t kMaxDepth = 128;

    struct Level {
        std::vector<JinjaValue> keys, items;
    };
    [[noreturn]] static void too_big() { throw Error("an integer does not fit 64 bits", Status::usage); }
    bool add(JinjaValue value) {
        open_.back().items.push_back(std::move(value));
        return true;
    }
    bool push() {
        if (open_.size() > kMaxDepth) throw Error("nested too deep", Status::usage);
        open_.emplace_back();
        return true;
    }
    Level pop() {
        Level level = std::move(open_.back());
        open_.pop_back();
        return level;
    }

    jinja::Budget budget_;
    std::vector<Level> open_;
};

}  // namespace

JinjaValue parse_template_value(std::string_view json) {
    Reader reader;
    try {
        nlohmann::ordered_json::sax_parse(json.begin(), json.end(), &reader);
    } catch (const jinja::Fault& fault) {
        throw Error(fault.message(), Status::usage);
    }
    return reader.take();
}

std::int64_t template_clock() {
    if (const char* epoch = std::getenv("SOURCE_DATE_EPOCH"); epoch != nullptr && *epoch != '\0') {
        const std::string_view text = epoch;
        std::int64_t seconds = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
        if (error != std::errc() || end != text.data() + text.size()) {
            throw Error(fmt::format("SOURCE_DATE_EPOCH is '{}', expected seconds since 1970", printable(text, 40)),
                        Status::usage);
        }
        return seconds;
    }
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    localtime_r(&now, &local);
    return static_cast<std::int64_t>(now) + local.tm_gmtoff;
}

}  // namespace distill
