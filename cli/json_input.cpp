#include "cli/json_input.h"

#include <fmt/format.h>

#include "engine/error.h"

namespace distill {

using Json = nlohmann::json;

namespace {

// Deeper than any line of ours nests; the parser keeps a stack on the heap, this bounds it.
constexpr int kMaxDepth = 128;

}  // namespace

Json parse_json(std::string_view text) {
    try {
        const auto guard = [](int depth, Json::parse_event_t, Json&) {
            if (depth > kMaxDepth) throw Error("nested too deep", Status::usage);
            return true;
        };
        return Json::parse(text.begin(), text.end(), guard);
    } catch (const Json::parse_error& error) {
        throw Error(fmt::format("no JSON at byte {}", error.byte), Status::usage);
    } catch (const Json::out_of_range&) {  // a number like 1e999
        throw Error("a number is out of range", Status::usage);
    }
}

}  // namespace distill
