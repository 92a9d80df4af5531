// Functions that every template finds.
#include <fmt/format.h>

#include <array>

#include "tokenizer/template/builtins.h"
#include "tokenizer/template/clock.h"
#include "tokenizer/template/format.h"
#include "tokenizer/template/interpreter.h"

namespace distill::jinja {

namespace {

Value global_range(Interpreter&, Arguments&& a) {
    if (!a.named.empty()) throw Fault("range() takes no keyword arguments");
    const std::size_t n = a.positional.size();
    const Bound bound("range", std::move(a), {"", "", ""}, 1);
    if (n == 1) return make_object<Range>(std::int64_t{0}, bound.integer(0, 0), std::int64_t{1});
    return make_object<Range>(bound.integer(0, 0), bound.integer(1, 0), bound.integer(2, 1));
}

// The entries that dict(mapping or pairs, name=value, ...) has.
std::vector<std::pair<Value, Value>> dict_entries(Interpreter& in, Arguments&& a) {
    if (a.positional.size() > 1)
        throw Fault(fmt::format("dict expected at most 1 argument, got {}", a.positional.size()));
    std::vector<std::pair<Value, Value>> entries;
    if (!a.positional.empty()) {
        const Value& from = a.positional[0];
        if (from.is_dict()) {
            in.budget().step(from.dict().entries.size() / 16);
            entries = from.dict().entries;
        } else {
            for (const Value& pair : to_vector(in, from)) {
                std::vector<Value> parts = to_vector(in, pair);
                if (parts.size() != 2) throw Fault("dictionary update sequence element has a length other than 2");
                entries.emplace_back(std::move(parts[0]), std::move(parts[1]));
            }
        }
    }
    for (auto& [name, value] : a.named) entries.emplace_back(Value::text(name), std::move(value));
    return entries;
}

Value global_dict(Interpreter& in, Arguments&& a) {
    return make_dict(in.budget(), dict_entries(in, std::move(a)));
}

Value global_namespace(Interpreter& in, Arguments&& a) {
    const Value space = in.make_namespace();
    for (const auto& [name, value] : dict_entries(in, std::move(a))) {
        if (name.is_string()) space.object_as<Namespace>()->set(in, name.view(), value);
    }
    return space;
}

Value global_cycler(Interpreter&, Arguments&& a) {
    if (!a.named.empty()) throw Fault("cycler() takes no keyword arguments");
    if (a.positional.empty()) throw Fault("at least one item has to be provided");
    unsigned depth = 0;
    for (const Value& item : a.positional) depth = std::max(depth, item.depth());
    return make_object<Cycler>(std::move(a.positional), depth);
}

Value global_joiner(Interpreter&, Arguments&& a) {
    const Bound bound("joiner", std::move(a), {"sep"});
    return make_object<Joiner>(bound.value(0, Value::text(", ")));
}

Value global_raise_exception(Interpreter& in, Arguments&& a) {
    const Bound bound("raise_exception", std::move(a), {"message"}, 1);
    throw Fault(fmt::format("the template refuses: {}", str(in, bound[0]).view()));
}

Value global_strftime_now(Interpreter& in, Arguments&& a) {
    const Bound bound("strftime_now", std::move(a), {"format"}, 1);
    if (!bound[0].is_string()) throw Fault("strftime_now wants a string");
    in.budget().bytes(bound[0].view().size());
    return make_text(in.budget(), Text(format_time(bound[0].view(), in.now()), bound[0].text().origin()));
}

struct Entry {
    std::string_view name;
    Value (*function)(Interpreter& in, Arguments&& arguments);
};

constexpr std::array kGlobals = std::to_array<Entry>({
    {"range", global_range},
    {"dict", global_dict},
    {"namespace", global_namespace},
    {"cycler", global_cycler},
    {"joiner", global_joiner},
    {"raise_exception", global_raise_exception},
    {"strftime_now", global_strftime_now},
});

}  // namespace

std::optional<Value> find_global(std::string_view name) {
    for (const Entry& entry : kGlobals) {
        if (entry.name == name) return make_object<Function>(name, entry.function, 0u, "function");
    }
    return std::nullopt;
}

}  // namespace distill::jinja
