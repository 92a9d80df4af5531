#include "tokenizer/template/objects.h"

#include <fmt/format.h>

#include "tokenizer/template/characters.h"
#include "tokenizer/template/format.h"
#include "tokenizer/template/interpreter.h"

namespace distill::jinja {

namespace {

class FunctionIterator : public Iterator {
  public:
    explicit FunctionIterator(std::function<std::optional<Value>(Interpreter&)> next) : next_(std::move(next)) {}
    std::optional<Value> next(Interpreter& in) override {
        in.budget().step();
        return next_(in);
    }

  private:
    std::function<std::optional<Value>(Interpreter&)> next_;
};

}  // namespace

std::unique_ptr<Iterator> make_iterator(std::function<std::optional<Value>(Interpreter&)> next) {
    return std::make_unique<FunctionIterator>(std::move(next));
}

// ---- range ---------------------------------------------------------------------------------------------------------

Range::Range(std::int64_t start, std::int64_t stop, std::int64_t step)
    : start_(start), stop_(stop), step_(step), n_(0) {
    if (step == 0) throw Fault("range() arg 3 must not be zero");
    // 128 bits hold any difference and quotient of two 64-bit numbers.
    using Wide = __int128;
    const Wide span = step > 0 ? Wide{stop} - start : Wide{start} - stop;
    const Wide stride = step > 0 ? Wide{step} : -Wide{step};
    const Wide n = span <= 0 ? 0 : (span + stride - 1) / stride;
    if (n > kMaxRange) throw Fault(fmt::format("the range has more than {} numbers", kMaxRange));
    n_ = static_cast<std::int64_t>(n);
}

std::unique_ptr<Iterator> Range::iterate(Interpreter&) {
    return make_iterator([value = start_, left = n_, step = step_](Interpreter&) mutable -> std::optional<Value> {
        if (left == 0) return std::nullopt;
        const std::int64_t now = value;
        if (--left > 0) value += step;
        return Value(now);
    });
}

std::optional<Value> Range::attribute(Interpreter&, std::string_view name) {
    if (name == "start") return Value(start_);
    if (name == "stop") return Value(stop_);
    if (name == "step") return Value(step_);
    return std::nullopt;
}

void Range::repr(Interpreter&, Text& out) {
    out.append(step_ == 1 ? fmt::format("range({}, {})", start_, stop_)
                          : fmt::format("range({}, {}, {})", start_, stop_, step_),
               Origin::trusted);
}

bool Range::same_numbers(const Range& other) const {
    return n_ == other.n_ && (n_ == 0 || (start_ == other.start_ && (n_ == 1 || step_ == other.step_)));
}

bool Range::contains(std::int64_t value) const {
    if (n_ == 0) return false;
    const std::int64_t last = start_ + (n_ - 1) * step_;
    if (value < std::min(start_, last) || value > std::max(start_, last)) return false;
    return (static_cast<__int128>(value) - start_) % step_ == 0;
}

Value Range::slice(std::int64_t start, std::int64_t stop, std::int64_t step) const {
    using Wide = __int128;
    const Wide first = start_ + Wide{start} * step_, last = start_ + Wide{stop} * step_, stride = Wide{step} * step_;
    for (const Wide part : {first, last, stride}) {
        if (part != static_cast<std::int64_t>(part)) throw Fault("a number does not fit 64 bits");
    }
    return make_object<Range>(static_cast<std::int64_t>(first), static_cast<std::int64_t>(last),
                              static_cast<std::int64_t>(stride));
}

// ---- views of dicts ------------------------------------------------------------------------------------------------

std::string_view DictView::type_name() const {
    return what_ == What::keys ? "dict_keys" : what_ == What::values ? "dict_values" : "dict_items";
}

Value DictView::entry(Interpreter& in, std::size_t i) const {
    const auto& [key, value] = dict_.dict().entries[i];
    if (what_ == What::keys) return key;
    if (what_ == What::values) return value;
    return make_list(in.budget(), {key, value}, ListKind::tuple);
}

std::unique_ptr<Iterator> DictView::iterate(Interpreter&) {
    return make_iterator(
        [view = DictView(dict_, what_), i = std::size_t{0}](Interpreter& in) mutable -> std::optional<Value> {
            if (i == view.dict().dict().entries.size()) return std::nullopt;
            return view.entry(in, i++);
        });
}

std::optional<std::int64_t> DictView::length(Interpreter&) {
    return static_cast<std::int64_t>(dict_.dict().entries.size());
}

void DictView::repr(Interpreter& in, Text& out) {
    std::vector<Value> entries;
    for (std::size_t i = 0; i < dict_.dict().entries.size(); ++i) entries.push_back(entry(in, i));
    out.append(fmt::format("{}(", type_name()), Origin::input);
    append_repr(in, out, make_list(in.budget(), std::move(entries)));
    out.append(")", Origin::input);
}

// ---- generators ----------------------------------------------------------------------------------------------------

std::optional<Value> Generator::next(Interpreter& in) {
    if (running_) throw Fault("generator already executing");
    running_ = true;
    std::optional<Value> value = source_->next(in);
    running_ = false;
    return value;
}

std::unique_ptr<Iterator> Generator::iterate(Interpreter&) {
    return make_iterator(
        [self = std::static_pointer_cast<Generator>(shared_from_this())](Interpreter& in) { return self->next(in); });
}

// ---- namespaces, cyclers, joiners ----------------------------------------------------------------------------------

std::optional<Value> Namespace::attribute(Interpreter&, std::string_view name) {
    const auto at = index_.find(name);
    if (at == index_.end()) return std::nullopt;
    return values_[at->second].second;
}

void Namespace::set(Interpreter& in, std::string_view name, Value value) {
    const auto [at, is_new] = index_.emplace(name, values_.size());
    if (is_new) {
        in.budget().bytes(sizeof(Value) * 3 + name.size());
        values_.emplace_back(name, std::move(value));
    } else {
        values_[at->second].second = std::move(value);
    }
}

void Namespace::repr(Interpreter& in, Text& out) {
    out.append("<Namespace {", Origin::input);
    for (std::size_t i = 0; i < values_.size(); ++i) {
        if (i > 0) out.append(", ", Origin::input);
        append_repr(in, out, Value::text(values_[i].first, Origin::input));
        out.append(": ", Origin::input);
        append_repr(in, out, values_[i].second);
    }
    out.append("}>", Origin::input);
}

std::optional<Value> Cycler::attribute(Interpreter&, std::string_view name) {
    const auto self = std::static_pointer_cast<Cycler>(shared_from_this());
    if (name == "current") return items_[at_];
    if (name == "next") {
        return make_object<Function>(
            "next", [self](Interpreter&, Arguments&&) { return self->next(); }, depth());
    }
    if (name == "reset") {
        return make_object<Function>(
            "reset",
            [self](Interpreter&, Arguments&&) {
                self->at_ = 0;
                return Value::none();
            },
            depth());
    }
    return std::nullopt;
}

Value Cycler::next() {
    const Value value = items_[at_];
    at_ = (at_ + 1) % items_.size();
    return value;
}

Value Joiner::call(Interpreter&, Arguments&&) {
    if (used_) return separator_;
    used_ = true;
    return Value::text("");
}

// ---- iteration -----------------------------------------------------------------------------------------------------

std::unique_ptr<Iterator> iterate(Interpreter& in, const Value& v) {
    switch (v.kind()) {
        case Value::Kind::undefined:
            return make_iterator([](Interpreter&) -> std::optional<Value> { return std::nullopt; });
        case Value::Kind::string:
            return make_iterator([v, at = std::size_t{0}](Interpreter& run) mutable -> std::optional<Value> {
                if (at >= v.view().size()) return std::nullopt;
                const std::size_t size = decode_char(v.view(), at).size;
                at += size;
                return make_text(run.budget(), v.text().substr(at - size, size));  // of markup as well, plain text
            });
        case Value::Kind::list:
            return make_iterator([v, i = std::size_t{0}](Interpreter&) mutable -> std::optional<Value> {
                if (i == v.list().items.size()) return std::nullopt;
                return v.list().items[i++];
            });
        case Value::Kind::dict:
            return make_iterator([v, i = std::size_t{0}](Interpreter&) mutable -> std::optional<Value> {
                if (i == v.dict().entries.size()) return std::nullopt;
                return v.dict().entries[i++].first;
            });
        case Value::Kind::object:
            if (auto iterator = v.object().iterate(in)) return iterator;
            [[fallthrough]];
        default:
            throw Fault(fmt::format("'{}' object is not iterable", type_name(v)));
    }
}

bool is_iterable(Interpreter& in, const Value& v) {
    if (v.is_object()) return v.object().iterate(in) != nullptr;
    return v.is_undefined() || v.is_string() || v.is_list() || v.is_dict();
}

std::vector<Value> to_vector(Interpreter& in, const Value& v) {
    if (v.is_list()) {
        in.budget().bytes(v.list().items.size() * sizeof(Value));
        in.budget().step(v.list().items.size() / 16);
        return v.list().items;
    }
    std::vector<Value> items;
    const auto iterator = iterate(in, v);
    while (auto item = iterator->next(in)) {
        in.budget().bytes(sizeof(Value));
        items.push_back(std::move(*item));
    }
    return items;
}

}  // namespace distill::jinja
