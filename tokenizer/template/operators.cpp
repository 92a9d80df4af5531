#include "tokenizer/template/operators.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tokenizer/template/characters.h"
#include "tokenizer/template/format.h"
#include "tokenizer/template/interpreter.h"
#include "tokenizer/template/objects.h"

namespace distill::jinja {

namespace {

std::string_view sign_of(Operator op) {
    switch (op) {
        case Operator::add:
            return "+";
        case Operator::sub:
            return "-";
        case Operator::mul:
            return "*";
        case Operator::div:
            return "/";
        case Operator::floor_div:
            return "//";
        case Operator::mod:
            return "%";
        default:
            return "**";
    }
}

[[noreturn]] void too_big() {
    throw Fault("the result does not fit a 64-bit integer");
}

[[noreturn]] void zero_division() {
    throw Fault("division by zero");
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
    if (b == 0) zero_division();
    if (b == -1) {
        std::int64_t result = 0;
        if (__builtin_sub_overflow(std::int64_t{0}, a, &result)) too_big();
        return result;
    }
    const std::int64_t quotient = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

std::int64_t floor_mod(std::int64_t a, std::int64_t b) {
    if (b == 0) zero_division();
    if (b == -1) return 0;  // the processor traps on the smallest number
    const std::int64_t rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

double floor_mod(double a, double b) {
    if (b == 0) zero_division();
    double rest = std::fmod(a, b);
    if (rest != 0) {
        if ((b < 0) != (rest < 0)) rest += b;
    } else {
        rest = std::copysign(0.0, b);
    }
    return rest;
}

double floor_div(double a, double b) {
    if (b == 0) zero_division();
    const double quotient = (a - floor_mod(a, b)) / b;
    if (quotient == 0) return std::copysign(0.0, a / b);
    const double whole = std::floor(quotient);
    return quotient - whole > 0.5 ? whole + 1 : whole;
}

Value power(std::int64_t base, std::int64_t exponent) {
    if (exponent < 0) {
        if (base == 0) throw Fault("0.0 cannot be raised to a negative power");
        return std::pow(static_cast<double>(base), static_cast<double>(exponent));
    }
    std::int64_t result = 1;
    if (base == 0 || base == 1) return exponent == 0 ? std::int64_t{1} : base;
    if (base == -1) return exponent % 2 == 0 ? std::int64_t{1} : std::int64_t{-1};
    for (; exponent > 0; --exponent) {  // at most 63 times, then it is too big
        if (__builtin_mul_overflow(result, base, &result)) too_big();
    }
    return result;
}

double power(double base, double exponent) {
    if (base == 0 && exponent < 0) throw Fault("0.0 cannot be raised to a negative power");
    if (base < 0 && std::floor(exponent) != exponent && std::isfinite(base) && std::isfinite(exponent)) {
        throw Fault("complex numbers are not supported");
    }
    const double result = std::pow(base, exponent);
    if (std::isinf(result) && std::isfinite(base) && std::isfinite(exponent))
        throw Fault("Numerical result out of range");
    return result;
}

Value numbers(Operator op, const Value& a, const Value& b) {
    if (a.is_int() && b.is_int()) {
        const std::int64_t x = a.integer(), y = b.integer();
        std::int64_t result = 0;
        switch (op) {
            case Operator::add:
                if (__builtin_add_overflow(x, y, &result)) too_big();
                return result;
            case Operator::sub:
                if (__builtin_sub_overflow(x, y, &result)) too_big();
                return result;
            case Operator::mul:
                if (__builtin_mul_overflow(x, y, &result)) too_big();
                return result;
            case Operator::div:
                if (y == 0) zero_division();
                return static_cast<double>(static_cast<long double>(x) / static_cast<long double>(y));
            case Operator::floor_div:
                return floor_div(x, y);
            case Operator::mod:
                return floor_mod(x, y);
            default:
                return power(x, y);
        }
    }
    const double x = a.real(), y = b.real();
    switch (op) {
        case Operator::add:
            return x + y;
        case Operator::sub:
            return x - y;
        case Operator::mul:
            return x * y;
        case Operator::div:
            if (y == 0) zero_division();
            return x / y;
        case Operator::floor_div:
            return floor_div(x, y);
        case Operator::mod:
            return floor_mod(x, y);
        default:
            return power(x, y);
    }
}

Value join(Interpreter& in, const Value& a, const Value& b) {
    const bool markup = a.is_markup() || b.is_markup();
    Budget::check_text(a.view().size() + b.view().size());
    Text text = markup && !a.is_markup() ? escaped_html(a.text()) : a.text();
    text.append(markup && !b.is_markup() ? escaped_html(b.text()) : b.text());
    return make_text(in.budget(), std::move(text), markup);
}

Value repeat(Interpreter& in, const Value& v, std::int64_t times) {
    const auto n = static_cast<std::uint64_t>(std::max<std::int64_t>(times, 0));
    if (v.is_string()) {
        const std::uint64_t size = v.view().size();
        if (size > 0 && n > kMaxOutput / size) Budget::check_text(kMaxOutput + 1);
        in.budget().bytes(size * n);
        Text text;
        for (std::uint64_t i = 0; size > 0 && i < n; ++i) text.append(v.text());
        return make_text(in.budget(), std::move(text), v.is_markup());
    }
    const std::uint64_t size = v.list().items.size();
    if (size > 0 && n > kMaxSteps / size) throw Fault("a list grows beyond a million items");
    in.budget().step(size * n / 16);
    in.budget().bytes(size * n * sizeof(Value));
    std::vector<Value> items;
    items.reserve(size * n);
    for (std::uint64_t i = 0; size > 0 && i < n; ++i) {
        items.insert(items.end(), v.list().items.begin(), v.list().items.end());
    }
    return make_list(in.budget(), std::move(items), v.list().kind == ListKind::list ? ListKind::list : ListKind::tuple);
}

// Start, stop and step of a slice for something of n places, as Python clips them.
struct Places {
    std::int64_t start, stop, step, count;
};

Places places(const Value& start, const Value& stop, const Value& step, std::int64_t n) {
    for (const Value* part : {&start, &stop, &step}) {
        if (!part->is_none() && !part->is_int()) {
            throw Fault("slice indices must be integers or None or have an __index__ method");
        }
    }
    Places p{};
    p.step = step.is_none() ? 1 : std::max(step.integer(), -std::numeric_limits<std::int64_t>::max());
    if (p.step == 0) throw Fault("slice step cannot be zero");
    const bool back = p.step < 0;
    const auto clip = [&](const Value& v, std::int64_t none) {
        if (v.is_none()) return none;
        std::int64_t i = v.integer();
        if (i < 0) {
            i += n;
            return std::max<std::int64_t>(i, back ? -1 : 0);
        }
        return std::min(i, back ? n - 1 : n);
    };
    p.start = clip(start, back ? n - 1 : 0);
    p.stop = clip(stop, back ? -1 : n);
    if (back) {
        p.count = p.start > p.stop ? (p.start - p.stop - 1) / -p.step + 1 : 0;
    } else {
        p.count = p.stop > p.start ? (p.stop - p.start - 1) / p.step + 1 : 0;
    }
    return p;
}

}  // namespace

Value arithmetic(Interpreter& in, Operator op, const Value& a, const Value& b) {
    if (a.is_number() && b.is_number()) return numbers(op, a, b);
    if (op == Operator::mod && a.is_string()) return percent_format(in, a, b);
    if (a.is_undefined() || b.is_undefined()) throw Fault((a.is_undefined() ? a : b).why_undefined());
    if (op == Operator::add) {
        if (a.is_string() && b.is_string()) return join(in, a, b);
        if (a.is_list() && b.is_list() && (a.list().kind == ListKind::list) == (b.list().kind == ListKind::list)) {
            std::vector<Value> items = a.list().items;
            in.budget().step((items.size() + b.list().items.size()) / 16);
            items.insert(items.end(), b.list().items.begin(), b.list().items.end());
            return make_list(in.budget(), std::move(items),
                             a.list().kind == ListKind::list ? ListKind::list : ListKind::tuple);
        }
    }
    if (op == Operator::mul) {
        if ((a.is_string() || a.is_list()) && b.is_int()) return repeat(in, a, b.integer());
        if ((b.is_string() || b.is_list()) && a.is_int()) return repeat(in, b, a.integer());
    }
    throw Fault(
        fmt::format("unsupported operand type(s) for {}: '{}' and '{}'", sign_of(op), type_name(a), type_name(b)));
}

Value negative(const Value& v) {
    if (v.is_undefined()) throw Fault(v.why_undefined());
    if (v.is_real()) return -v.real();
    if (!v.is_int()) throw Fault(fmt::format("bad operand type for unary -: '{}'", type_name(v)));
    std::int64_t result = 0;
    if (__builtin_sub_overflow(std::int64_t{0}, v.integer(), &result)) too_big();
    return result;
}

Value positive(const Value& v) {
    if (v.is_undefined()) throw Fault(v.why_undefined());
    if (!v.is_number()) throw Fault(fmt::format("bad operand type for unary +: '{}'", type_name(v)));
    return v.is_int() ? Value(v.integer()) : v;
}

std::int64_t to_integer(double d) {
    if (std::isnan(d)) throw Fault("cannot convert float NaN to integer");
    if (std::isinf(d)) throw Fault("cannot convert float infinity to integer");
    if (d >= 9223372036854775808.0 || d < -9223372036854775808.0) too_big();
    return static_cast<std::int64_t>(d);
}

bool contains(Interpreter& in, const Value& container, const Value& item) {
    switch (container.kind()) {
        case Value::Kind::string:
            if (!item.is_string()) {
                throw Fault(fmt::format("'in <string>' requires string as left operand, not {}", type_name(item)));
            }
            in.budget().bytes(container.view().size());
            return find_text(container.view(), item.view()) != std::string_view::npos;
        case Value::Kind::dict:
            return container.dict().find(in.budget(), item) != nullptr;
        case Value::Kind::undefined:
            return false;
        case Value::Kind::object:
            if (const auto range = container.object_as<Range>(); range && item.is_int())
                return range->contains(item.integer());
            if (const auto view = container.object_as<DictView>(); view && view->what() == DictView::What::keys) {
                return view->dict().dict().find(in.budget(), item) != nullptr;
            }
            [[fallthrough]];
        case Value::Kind::list: {
            if (!is_iterable(in, container)) break;
            const auto iterator = iterate(in, container);
            while (const auto other = iterator->next(in)) {
                if (same_object(*other, item) || equal(in, *other, item)) return true;
            }
            return false;
        }
        default:
            break;
    }
    throw Fault(fmt::format("argument of type '{}' is not iterable", type_name(container)));
}

std::optional<Value> subscript(Interpreter& in, const Value& container, const Value& key) {
    if (container.is_dict()) {
        if (key.is_dict() || (key.is_list() && key.list().kind == ListKind::list)) return std::nullopt;  // no keys
        const Value* found = container.dict().find(in.budget(), key);
        return found != nullptr ? std::optional<Value>(*found) : std::nullopt;
    }
    if (!key.is_int()) return std::nullopt;
    const std::int64_t i = key.integer();
    const auto place = [&](std::size_t n) -> std::optional<std::size_t> {
        const auto size = static_cast<std::int64_t>(n);
        if (i >= size || i < -size) return std::nullopt;
        return static_cast<std::size_t>(i < 0 ? i + size : i);
    };
    if (container.is_list()) {
        const auto at = place(container.list().items.size());
        return at ? std::optional<Value>(container.list().items[*at]) : std::nullopt;
    }
    if (container.is_string()) {
        const std::string_view text = container.view();
        in.budget().bytes(text.size());
        if (is_ascii(text)) {
            const auto at = place(text.size());
            if (!at) return std::nullopt;
            return make_text(in.budget(), container.text().substr(*at, 1), container.is_markup());
        }
        const auto at = place(count_chars(text));
        if (!at) return std::nullopt;
        std::size_t byte = 0;
        for (std::size_t n = *at; n > 0; --n) byte += decode_char(text, byte).size;
        return make_text(in.budget(), container.text().substr(byte, decode_char(text, byte).size),
                         container.is_markup());
    }
    if (container.is_object() && container.object().indexable()) {
        const auto at = place(static_cast<std::size_t>(container.object().length(in).value_or(0)));
        if (at) return container.object().item(in, static_cast<std::int64_t>(*at));
    }
    return std::nullopt;
}

Value slice(Interpreter& in, const Value& v, const Value& start, const Value& stop, const Value& step) {
    if (v.is_undefined()) throw Fault(v.why_undefined());
    if (v.is_list()) {
        const auto& items = v.list().items;
        const Places p = places(start, stop, step, static_cast<std::int64_t>(items.size()));
        in.budget().step(static_cast<std::uint64_t>(p.count) / 16);
        std::vector<Value> part;
        part.reserve(static_cast<std::size_t>(p.count));
        for (std::int64_t n = 0; n < p.count; ++n)
            part.push_back(items[static_cast<std::size_t>(p.start + n * p.step)]);
        return make_list(in.budget(), std::move(part),
                         v.list().kind == ListKind::list ? ListKind::list : ListKind::tuple);
    }
    if (v.is_string()) {
        in.budget().bytes(v.view().size());
        if (is_ascii(v.view())) {
            const Places p = places(start, stop, step, static_cast<std::int64_t>(v.view().size()));
            Text part;
            if (p.step == 1) {
                part = v.text().substr(static_cast<std::size_t>(p.start), static_cast<std::size_t>(p.count));
            } else {
                for (std::int64_t n = 0; n < p.count; ++n)
                    part.append(v.text(), static_cast<std::size_t>(p.start + n * p.step), 1);
            }
            return make_text(in.budget(), std::move(part), v.is_markup());
        }
        in.budget().bytes(v.view().size() * sizeof(std::size_t));
        const std::vector<std::size_t> at = char_offsets(v.view());
        const Places p = places(start, stop, step, static_cast<std::int64_t>(at.size() - 1));
        Text part;
        for (std::int64_t n = 0; n < p.count; ++n) {
            const auto i = static_cast<std::size_t>(p.start + n * p.step);
            part.append(v.text(), at[i], at[i + 1] - at[i]);
        }
        return make_text(in.budget(), std::move(part), v.is_markup());
    }
    if (const auto range = v.object_as<Range>()) {
        const Places p = places(start, stop, step, *range->length(in));
        return range->slice(p.start, p.stop, p.step);
    }
    throw Fault(fmt::format("'{}' object is not subscriptable", type_name(v)));
}

}  // namespace distill::jinja
