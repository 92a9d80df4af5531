#include "tokenizer/template/interpreter.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/error.h"
#include "tokenizer/template/builtins.h"
#include "tokenizer/template/format.h"
#include "tokenizer/template/operators.h"

namespace distill::jinja {

class Macro : public Object {
  public:
    Macro(const MacroSource& source, Frame* outer) : source_(source), outer_(outer) {}
    std::string_view type_name() const override { return "Macro"; }
    bool callable() const override { return true; }
    Value call(Interpreter& in, Arguments&& arguments) override {
        return in.run_macro(source_, outer_, std::move(arguments));
    }
    std::optional<Value> attribute(Interpreter& in, std::string_view name) override {
        if (name == "name") return source_.name != nullptr ? Value::text(*source_.name) : Value::none();
        if (name == "catch_kwargs") return Value(source_.uses_kwargs);
        if (name == "catch_varargs") return Value(source_.uses_varargs);
        if (name == "caller") return Value(source_.uses_caller);
        if (name == "arguments") {
            std::vector<Value> names;
            for (const Parameter& parameter : source_.parameters) names.push_back(Value::text(*parameter.name));
            return make_list(in.budget(), std::move(names), ListKind::tuple);
        }
        return std::nullopt;
    }
    void repr(Interpreter&, Text& out) override {
        out.append(source_.name != nullptr ? fmt::format("<Macro '{}'>", *source_.name) : "<Macro anonymous>",
                   Origin::trusted);
    }

  private:
    const MacroSource& source_;
    Frame* outer_;
};

// The variable `loop`. Items are asked for one ahead at most, and only where a template looks ahead.
class Loop : public Object {
  public:
    Loop(const Stmt& stmt, const Value& items, std::unique_ptr<Iterator> iterator, Frame* outer, int depth, bool sized)
        : Object(depth_over(items.depth())),
          stmt_(stmt),
          items_(items),
          iterator_(std::move(iterator)),
          outer_(outer),
          depth_(depth),
          sized_(sized) {}
    std::string_view type_name() const override { return "LoopContext"; }
    bool callable() const override { return true; }

    std::optional<Value> advance(Interpreter& in) {
        std::optional<Value> next = ahead_ ? std::exchange(ahead_, std::nullopt) : iterator_->next(in);
        if (!next) return next;
        ++index_;
        before_ = std::exchange(current_, *next);
        return next;
    }
    // After the loop: nothing may reach into scopes that are gone.
    void finish() {
        iterator_ = make_iterator([](Interpreter&) -> std::optional<Value> { return std::nullopt; });
        outer_ = nullptr;
        changed_.reset();
    }

    std::optional<std::int64_t> length(Interpreter& in) override {
        if (length_ < 0) {
            if (sized_) {
                length_ = size_of(in);
            } else {
                std::vector<Value> rest;
                while (auto item = iterator_->next(in)) {
                    in.budget().bytes(sizeof(Value));
                    rest.push_back(std::move(*item));
                }
                length_ = static_cast<std::int64_t>(rest.size()) + index_ + 1 + (ahead_ ? 1 : 0);
                iterator_ = jinja::iterate(in, make_list(in.budget(), std::move(rest)));
            }
        }
        return length_;
    }

    std::optional<Value> attribute(Interpreter& in, std::string_view name) override {
        if (name == "index") return Value(index_ + 1);
        if (name == "index0") return Value(index_);
        if (name == "first") return Value(index_ == 0);
        if (name == "last") return Value(!look_ahead(in));
        if (name == "length") return Value(*length(in));
        if (name == "revindex") return Value(*length(in) - index_);
        if (name == "revindex0") return Value(*length(in) - index_ - 1);
        if (name == "depth") return Value(std::int64_t{depth_} + 1);
        if (name == "depth0") return Value(std::int64_t{depth_});
        if (name == "previtem") return index_ == 0 ? Value::undefined("there is no previous item") : before_;
        if (name == "nextitem") return look_ahead(in) ? *ahead_ : Value::undefined("there is no next item");
        const auto self = std::static_pointer_cast<Loop>(shared_from_this());
        if (name == "cycle") {
            return make_object<Function>(
                "cycle",
                [self](Interpreter&, Arguments&& a) {
                    if (a.positional.empty()) throw Fault("no items for cycling given");
                    return a.positional[static_cast<std::size_t>(self->index_) % a.positional.size()];
                },
                depth());
        }
        if (name == "changed") {
            return make_object<Function>(
                "changed",
                [self](Interpreter& run, Arguments&& a) {
                    const Value now = make_list(run.budget(), std::move(a.positional));
                    if (self->changed_ && equal(run, *self->changed_, now)) return Value(false);
                    if (self->outer_ != nullptr) self->changed_ = now;
                    return Value(true);
                },
                depth());
        }
        return std::nullopt;
    }

    Value call(Interpreter& in, Arguments&& arguments) override {
        if (!stmt_.recursive) throw Fault("the loop must have the 'recursive' marker to be called recursively");
        if (outer_ == nullptr) throw Fault("the loop is over");
        Bound bound("loop", std::move(arguments), {"iterable"}, 1);
        return in.run_recursive(stmt_, bound[0], outer_, depth_ + 1);
    }
    void repr(Interpreter& in, Text& out) override {
        out.append(fmt::format("<LoopContext {}/{}>", index_ + 1, *length(in)), Origin::trusted);
    }

  private:
    bool look_ahead(Interpreter& in) {
        if (!ahead_) ahead_ = iterator_->next(in);
        return ahead_.has_value();
    }
    std::int64_t size_of(Interpreter& in) const {
        if (items_.is_list()) return static_cast<std::int64_t>(items_.list().items.size());
        if (items_.is_dict()) return static_cast<std::int64_t>(items_.dict().entries.size());
        return items_.object().length(in).value_or(0);
    }

    const Stmt& stmt_;
    Value items_;
    std::unique_ptr<Iterator> iterator_;
    Frame* outer_;
    int depth_;
    bool sized_;  // the length is that of items_
    std::int64_t index_ = -1, length_ = -1;
    Value before_, current_;
    std::optional<Value> ahead_, changed_;
};

// ---- scopes --------------------------------------------------------------------------------------------------------

Interpreter::~Interpreter() {
    for (const auto& space : namespaces_) static_cast<Namespace&>(*space).clear();
}

Interpreter::Scope::Scope(Interpreter& in, Frame* parent)
    : in_(in), outer_(in.frame_), frame_(std::make_unique<Frame>(Frame{parent, {}, false})) {
    in_.frame_ = frame_.get();
}

Interpreter::Scope::~Scope() {
    in_.frame_ = outer_;
    if (frame_->captured) in_.kept_.push_back(std::move(frame_));
}

void Interpreter::Scope::renew() {
    if (!frame_->captured) {
        frame_->variables.clear();
        return;
    }
    Frame* parent = frame_->parent;
    in_.kept_.push_back(std::move(frame_));
    frame_ = std::make_unique<Frame>(Frame{parent, {}, false});
    in_.frame_ = frame_.get();
}

const Value* Interpreter::variable(Name name) const {
    for (const Frame* frame = frame_; frame != nullptr; frame = frame->parent) {
        for (const auto& [key, value] : frame->variables) {
            if (key == name) return &value;
        }
    }
    return nullptr;
}

std::optional<Value> Interpreter::resolve(Name name) {
    if (const Value* value = variable(name)) return *value;
    if (const auto at = context_.find(*name); at != context_.end()) return at->second;
    return find_global(*name);
}

void Interpreter::set(Name name, Value value) {
    for (auto& [key, old] : frame_->variables) {
        if (key == name) {
            old = std::move(value);
            return;
        }
    }
    frame_->variables.emplace_back(name, std::move(value));
}

Value Interpreter::make_namespace() {
    budget_.bytes(256);
    const auto space = std::make_shared<Namespace>();
    namespaces_.push_back(space);
    return Value(std::static_pointer_cast<Object>(space));
}

Value Interpreter::make_macro(const MacroSource& source) {
    for (Frame* frame = frame_; frame != nullptr && !frame->captured; frame = frame->parent) frame->captured = true;
    budget_.bytes(sizeof(Macro));
    return make_object<Macro>(source, frame_);
}

// All namespaces first, as Jinja2 does, so that a mistake changes nothing.
void Interpreter::check_namespaces(const Target& target) {
    for (const Target& part : target.parts) check_namespaces(part);
    if (target.attribute.empty()) return;
    const std::optional<Value> space = resolve(target.name);
    if (!space || !space->object_as<Namespace>()) throw Fault("cannot assign attribute on non-namespace object");
}

void Interpreter::assign(const Target& target, const Value& value) {
    budget_.step();
    if (!target.attribute.empty()) {
        resolve(target.name)->object_as<Namespace>()->set(*this, target.attribute, value);
        return;
    }
    if (target.name != nullptr) {
        set(target.name, value);
        return;
    }
    if (!is_iterable(*this, value)) throw Fault(fmt::format("cannot unpack non-iterable {} object", type_name(value)));
    const auto iterator = iterate(*this, value);
    std::vector<Value> values;
    while (auto item = iterator->next(*this)) {
        if (values.size() == target.parts.size()) {
            throw Fault(fmt::format("too many values to unpack (expected {})", target.parts.size()));
        }
        values.push_back(std::move(*item));
    }
    if (values.size() < target.parts.size()) {
        throw Fault(
            fmt::format("not enough values to unpack (expected {}, got {})", target.parts.size(), values.size()));
    }
    for (std::size_t i = 0; i < values.size(); ++i) assign(target.parts[i], values[i]);
}

void Interpreter::write(const Text& text) {
    Budget::check_text(out_->size() + text.size());
    budget_.bytes(text.size());
    out_->append(text);
}

// ---- statements ----------------------------------------------------------------------------------------------------

Text Interpreter::render() {
    Text out;
    out_ = &out;
    Scope scope(*this, nullptr);
    run(program_.body);
    return out;
}

Interpreter::Flow Interpreter::run(const Body& body) {
    for (const Stmt* stmt : body) {
        const Flow flow = run(*stmt);
        if (flow != Flow::on) return flow;
    }
    return Flow::on;
}

Interpreter::Flow Interpreter::run(const Stmt& stmt) {
    try {
        budget_.step();
        const Level level(depth_, kMaxEvaluation, "the template nests too deep");
        return run_unplaced(stmt);
    } catch (const Fault& fault) {
        throw RuntimeError(stmt.at, fault.message());
    }
}

Interpreter::Flow Interpreter::run_unplaced(const Stmt& stmt) {
    switch (stmt.kind) {
        case Stmt::Kind::text:
            write(stmt.value.text());
            return Flow::on;
        case Stmt::Kind::print: {
            const Value v = eval(*stmt.value_expr);
            if (v.is_string()) {
                write(v.text());
            } else {
                append_str(*this, *out_, v);
            }
            return Flow::on;
        }
        case Stmt::Kind::set:
            check_namespaces(stmt.target);
            assign(stmt.target, eval(*stmt.value_expr));
            return Flow::on;
        case Stmt::Kind::set_block:
            return run_set_block(stmt);
        case Stmt::Kind::branch:
            return run_branch(stmt);
        case Stmt::Kind::loop: {
            const Value items = eval(*stmt.value_expr);
            if (!stmt.recursive) return run_loop(stmt, items, frame_, 0);
            write(run_recursive(stmt, items, frame_, 0).text());
            return Flow::on;
        }
        case Stmt::Kind::macro:
            set(stmt.macro.name, make_macro(stmt.macro));
            return Flow::on;
        case Stmt::Kind::call:
            run_call_block(stmt);
            return Flow::on;
        case Stmt::Kind::filter:
            return run_filter_block(stmt);
        case Stmt::Kind::with:
            return run_with(stmt);
        case Stmt::Kind::scope: {
            Scope scope(*this, frame_);
            return run(stmt.body);
        }
        case Stmt::Kind::leave:
            return Flow::leave;
        case Stmt::Kind::skip:
            return Flow::skip;
        case Stmt::Kind::unsupported:
            throw Fault(stmt.text);
    }
    return Flow::on;
}

Interpreter::Flow Interpreter::run_branch(const Stmt& stmt) {
    for (std::size_t i = 0; i < stmt.bodies.size(); ++i) {
        if (stmt.conditions[i] == nullptr || truth(*this, eval(*stmt.conditions[i]))) return run(stmt.bodies[i]);
    }
    return Flow::on;
}

Interpreter::Flow Interpreter::run_loop(const Stmt& stmt, const Value& items, Frame* outer, int depth) {
    if (!is_iterable(*this, items)) throw Fault(fmt::format("'{}' object is not iterable", type_name(items)));
    std::unique_ptr<Iterator> iterator = iterate(*this, items);
    bool sized = items.is_list() || items.is_dict() || (items.is_object() && items.object().length(*this));
    if (stmt.filter != nullptr) {
        sized = false;
        iterator = make_iterator([this, &stmt, outer, source = std::shared_ptr<Iterator>(std::move(iterator))](
                                     Interpreter& in) -> std::optional<Value> {
            while (auto item = source->next(in)) {
                Scope scope(*this, outer);
                assign(stmt.target, *item);
                if (truth(in, eval(*stmt.filter))) return item;
            }
            return std::nullopt;
        });
    }
    budget_.bytes(sizeof(Loop));
    const auto loop = std::make_shared<Loop>(stmt, items, std::move(iterator), outer, depth, sized);
    const struct Finish {
        Loop& loop;
        ~Finish() { loop.finish(); }
    } finish{*loop};
    const Value loop_value{std::static_pointer_cast<Object>(loop)};
    const auto loop_name = program_.names.find("loop");  // absent where no template text reads it
    // The else runs unless one turn came to its end: a turn that is left or skipped does not count.
    bool completed = false;
    {
        Scope scope(*this, outer);
        while (const std::optional<Value> item = loop->advance(*this)) {
            scope.renew();
            if (loop_name != program_.names.end()) set(&*loop_name, loop_value);
            assign(stmt.target, *item);
            const Flow flow = run(stmt.body);
            if (flow == Flow::leave) break;
            completed = completed || flow == Flow::on;
        }
    }
    if (completed || !stmt.has_else) return Flow::on;
    Scope scope(*this, outer);
    return run(stmt.else_body);
}

Value Interpreter::run_recursive(const Stmt& stmt, const Value& items, Frame* outer, int depth) {
    const Level level(calls_, kMaxCalls, "calls are nested too deep");
    Text text;
    Text* before = std::exchange(out_, &text);
    Frame* frame = std::exchange(frame_, outer);
    const struct Restore {
        Interpreter& in;
        Text* out;
        Frame* frame;
        ~Restore() {
            in.out_ = out;
            in.frame_ = frame;
        }
    } restore{*this, before, frame};
    run_loop(stmt, items, outer, depth);
    return make_text(budget_, std::move(text));
}

Interpreter::Flow Interpreter::captured(const Body& body, Value& text) {
    Text buffer;
    const struct Restore {
        Interpreter& in;
        Text* out;
        ~Restore() { in.out_ = out; }
    } restore{*this, std::exchange(out_, &buffer)};
    const Flow flow = run(body);
    text = make_text(budget_, std::move(buffer));
    return flow;
}

Interpreter::Flow Interpreter::run_set_block(const Stmt& stmt) {
    Value text;
    {
        Scope scope(*this, frame_);
        const Flow flow = captured(stmt.body, text);
        if (flow != Flow::on) return flow;
        if (stmt.filter != nullptr) text = eval_filter(*stmt.filter, &text);
    }
    check_namespaces(stmt.target);
    assign(stmt.target, text);
    return Flow::on;
}

Interpreter::Flow Interpreter::run_filter_block(const Stmt& stmt) {
    Scope scope(*this, frame_);
    Value text;
    const Flow flow = captured(stmt.body, text);
    if (flow != Flow::on) return flow;
    write(str(*this, eval_filter(*stmt.filter, &text)));
    return Flow::on;
}

Interpreter::Flow Interpreter::run_with(const Stmt& stmt) {
    std::vector<Value> values;
    for (const Expr* expr : stmt.conditions) values.push_back(eval(*expr));
    Scope scope(*this, frame_);
    for (std::size_t i = 0; i < values.size(); ++i) assign(stmt.targets[i], values[i]);
    return run(stmt.body);
}

void Interpreter::run_call_block(const Stmt& stmt) {
    const Value caller = make_macro(stmt.macro);
    write(str(*this, eval_call(*stmt.value_expr, &caller)));
}

Value Interpreter::run_macro(const MacroSource& source, Frame* outer, Arguments&& arguments) {
    const Level level(calls_, kMaxCalls, "calls are nested too deep");
    budget_.step();
    const std::string name = source.name != nullptr ? printable(*source.name, 40) : "None";
    Scope scope(*this, outer);
    const std::size_t n = source.parameters.size();
    std::vector<bool> used(arguments.named.size(), false);
    const auto take = [&](std::string_view key) -> std::optional<Value> {
        for (std::size_t i = 0; i < arguments.named.size(); ++i) {
            if (arguments.named[i].first == key && !used[i]) {
                used[i] = true;
                return arguments.named[i].second;
            }
        }
        return std::nullopt;
    };
    std::vector<std::optional<Value>> values(n);
    bool found_caller = false;
    for (std::size_t i = 0; i < n; ++i) {
        if (i < arguments.positional.size()) {
            values[i] = arguments.positional[i];
        } else {
            values[i] = take(*source.parameters[i].name);
            found_caller = found_caller || *source.parameters[i].name == "caller";
        }
    }
    if (arguments.positional.size() >= n) {
        found_caller = std::any_of(source.parameters.begin(), source.parameters.end(),
                                   [](const Parameter& p) { return *p.name == "caller"; });
    }
    const auto set_special = [&](std::string_view key, Value value) {
        if (const auto at = program_.names.find(key); at != program_.names.end()) set(&*at, std::move(value));
    };
    if (source.uses_caller && !found_caller) {
        const std::optional<Value> caller = take("caller");
        set_special("caller", caller && !caller->is_none() ? *caller : Value::undefined("No caller defined"));
    }
    std::vector<std::pair<Value, Value>> rest;
    for (std::size_t i = 0; i < used.size(); ++i) {
        if (!used[i]) rest.emplace_back(Value::text(arguments.named[i].first), arguments.named[i].second);
    }
    if (source.uses_kwargs) {
        set_special("kwargs", make_dict(budget_, std::move(rest)));
    } else if (!rest.empty()) {
        throw Fault(
            rest[0].first.view() == "caller"
                ? fmt::format("macro '{}' was invoked with a caller that it does not use", name)
                : fmt::format("macro '{}' takes no keyword argument '{}'", name, printable(rest[0].first.view(), 40)));
    }
    if (source.uses_varargs) {
        std::vector<Value> more;
        for (std::size_t i = n; i < arguments.positional.size(); ++i) more.push_back(arguments.positional[i]);
        set_special("varargs", make_list(budget_, std::move(more), ListKind::tuple));
    } else if (arguments.positional.size() > n) {
        throw Fault(fmt::format("macro '{}' takes not more than {} argument(s)", name, n));
    }
    // A default sees the parameters before it; a parameter that is not there yet hides an outer variable of its name.
    for (std::size_t i = 0; i < n; ++i) {
        const std::string& key = *source.parameters[i].name;
        set(source.parameters[i].name,
            values[i] ? *values[i] : Value::undefined(fmt::format("'{}' is undefined", key)));
    }
    for (std::size_t i = 0; i < n; ++i) {
        if (values[i]) continue;
        const Parameter& parameter = source.parameters[i];
        set(parameter.name, parameter.fallback != nullptr
                                ? eval(*parameter.fallback)
                                : Value::undefined(fmt::format("parameter '{}' was not provided", *parameter.name)));
    }
    Value text;
    captured(source.body, text);
    return text;
}

// ---- expressions ---------------------------------------------------------------------------------------------------

Value Interpreter::eval(const Expr& expr) {
    try {
        budget_.step();
        const Level level(depth_, kMaxEvaluation, "the template nests too deep");
        return eval_unplaced(expr);
    } catch (const Fault& fault) {
        throw RuntimeError(expr.at, fault.message());
    }
}

Value Interpreter::eval_unplaced(const Expr& expr) {
    switch (expr.kind) {
        case Expr::Kind::literal:
            return expr.value;
        case Expr::Kind::name:
            return eval_name(expr);
        case Expr::Kind::list:
        case Expr::Kind::tuple:
            return eval_items(expr);
        case Expr::Kind::dict:
            return eval_dict(expr);
        case Expr::Kind::attribute:
            return attribute(eval(*expr.items[0]), *expr.name);
        case Expr::Kind::item: {
            const Value container = eval(*expr.items[0]);
            return item(container, eval(*expr.items[1]));
        }
        case Expr::Kind::slice:
            return eval_slice(expr);
        case Expr::Kind::call:
            return eval_call(expr, nullptr);
        case Expr::Kind::filter:
            return eval_filter(expr, nullptr);
        case Expr::Kind::test:
            return eval_test(expr);
        case Expr::Kind::negation:
            return !truth(*this, eval(*expr.items[0]));
        case Expr::Kind::minus:
            return negative(eval(*expr.items[0]));
        case Expr::Kind::plus:
            return positive(eval(*expr.items[0]));
        case Expr::Kind::binary:
            return eval_binary(expr);
        case Expr::Kind::concat:
            return eval_concat(expr);
        case Expr::Kind::compare:
            return eval_compare(expr);
        case Expr::Kind::both: {
            Value left = eval(*expr.items[0]);
            return truth(*this, left) ? eval(*expr.items[1]) : left;
        }
        case Expr::Kind::either: {
            Value left = eval(*expr.items[0]);
            return truth(*this, left) ? left : eval(*expr.items[1]);
        }
        case Expr::Kind::condition:
            if (truth(*this, eval(*expr.items[0]))) return eval(*expr.items[1]);
            if (expr.items[2] != nullptr) return eval(*expr.items[2]);
            return Value::undefined("the inline if-expression evaluated to false and no else section was defined");
    }
    return {};
}

Value Interpreter::eval_name(const Expr& expr) {
    if (std::optional<Value> value = resolve(expr.name)) return *std::move(value);
    return Value::undefined(fmt::format("'{}' is undefined", printable(*expr.name, 60)));
}

Value Interpreter::eval_items(const Expr& expr) {
    std::vector<Value> items;
    items.reserve(expr.items.size());
    for (const Expr* item : expr.items) items.push_back(eval(*item));
    return make_list(budget_, std::move(items), expr.kind == Expr::Kind::tuple ? ListKind::tuple : ListKind::list);
}

Value Interpreter::eval_dict(const Expr& expr) {
    std::vector<std::pair<Value, Value>> entries;
    for (std::size_t i = 0; i < expr.items.size(); i += 2) {
        Value key = eval(*expr.items[i]);
        entries.emplace_back(std::move(key), eval(*expr.items[i + 1]));
    }
    return make_dict(budget_, std::move(entries));
}

Value Interpreter::eval_slice(const Expr& expr) {
    const Value of = eval(*expr.items[0]);
    const auto part = [&](std::size_t i) { return expr.items[i] != nullptr ? eval(*expr.items[i]) : Value::none(); };
    const Value start = part(1), stop = part(2), step = part(3);
    return slice(*this, of, start, stop, step);
}

Arguments Interpreter::eval_arguments(const CallArguments& call) {
    Arguments arguments;
    for (const Expr* expr : call.positional) arguments.positional.push_back(eval(*expr));
    for (const auto& [name, expr] : call.named) arguments.named.emplace_back(name, eval(*expr));
    if (call.rest != nullptr) {
        for (Value& item : to_vector(*this, eval(*call.rest))) arguments.positional.push_back(std::move(item));
    }
    if (call.named_rest != nullptr) {
        const Value rest = eval(*call.named_rest);
        if (!rest.is_dict()) throw Fault(fmt::format("argument after ** must be a mapping, not {}", type_name(rest)));
        budget_.bytes(rest.dict().entries.size() * sizeof(Value));
        if (rest.dict().entries.size() > 1000) throw Fault("more than 1000 keyword arguments");
        for (const auto& [key, value] : rest.dict().entries) {
            if (!key.is_string()) throw Fault("keywords must be strings");
            if (arguments.find(key.view()) != nullptr) {
                throw Fault(fmt::format("got multiple values for keyword argument '{}'", printable(key.view(), 40)));
            }
            arguments.named.emplace_back(key.view(), value);
        }
    }
    return arguments;
}

Value Interpreter::eval_call(const Expr& expr, const Value* caller) {
    const Value callee = eval(*expr.items[0]);
    Arguments arguments = eval_arguments(expr.arguments);
    if (caller != nullptr) {
        if (arguments.find("caller") != nullptr) throw Fault("got multiple values for keyword argument 'caller'");
        arguments.named.emplace_back("caller", *caller);
    }
    return call(callee, std::move(arguments));
}

Value Interpreter::eval_filter(const Expr& expr, const Value* body) {
    const Value subject = expr.items[0] == nullptr ? *body
                          : body != nullptr && expr.items[0]->kind == Expr::Kind::filter
                              ? eval_filter(*expr.items[0], body)
                              : eval(*expr.items[0]);
    return filter(*expr.name, subject, eval_arguments(expr.arguments));
}

Value Interpreter::eval_test(const Expr& expr) {
    const Value subject = eval(*expr.items[0]);
    return test(*expr.name, subject, eval_arguments(expr.arguments));
}

Value Interpreter::eval_binary(const Expr& expr) {
    const Value left = eval(*expr.items[0]);
    return arithmetic(*this, expr.ops[0], left, eval(*expr.items[1]));
}

Value Interpreter::eval_concat(const Expr& expr) {
    std::vector<Value> parts;
    for (const Expr* part : expr.items) parts.push_back(eval(*part));
    Text text;
    for (const Value& part : parts) append_str(*this, text, part);
    return make_text(budget_, std::move(text));
}

Value Interpreter::eval_compare(const Expr& expr) {
    Value left = eval(*expr.items[0]);
    for (std::size_t i = 0; i < expr.ops.size(); ++i) {
        Value right = eval(*expr.items[i + 1]);
        const auto ordered = [&](std::string_view sign) { return compare(*this, left, right, sign); };
        bool holds = false;
        switch (expr.ops[i]) {
            case Operator::eq:
                holds = equal(*this, left, right);
                break;
            case Operator::ne:
                holds = !equal(*this, left, right);
                break;
            case Operator::lt:
                holds = ordered("<") == Order::less;
                break;
            case Operator::gt:
                holds = ordered(">") == Order::greater;
                break;
            case Operator::le: {
                const Order order = ordered("<=");
                holds = order == Order::less || order == Order::equal;
                break;
            }
            case Operator::ge: {
                const Order order = ordered(">=");
                holds = order == Order::greater || order == Order::equal;
                break;
            }
            case Operator::in:
                holds = contains(*this, right, left);
                break;
            default:
                holds = !contains(*this, right, left);
                break;
        }
        if (!holds) return false;
        left = std::move(right);
    }
    return true;
}

// ---- what built-ins use
// ----------------------------------------------------------------------------------------------

Value Interpreter::attribute(const Value& v, std::string_view name) {
    budget_.step();
    if (v.is_undefined()) throw Fault(v.why_undefined());
    if (std::optional<Value> method = find_method(*this, v, name)) return *std::move(method);
    if (v.is_object() && !name.starts_with('_')) {
        if (std::optional<Value> value = v.object().attribute(*this, name)) return *std::move(value);
    }
    if (v.is_dict()) {
        if (const Value* value = v.dict().find(budget_, name)) return *value;
    }
    return Value::undefined(
        fmt::format("'{}{}' has no attribute '{}'", type_name(v), v.is_none() ? "" : " object", printable(name, 60)));
}

Value Interpreter::item(const Value& v, const Value& key) {
    budget_.step();
    if (v.is_undefined()) throw Fault(v.why_undefined());
    if (std::optional<Value> value = subscript(*this, v, key)) return *std::move(value);
    if (key.is_string()) {
        if (std::optional<Value> method = find_method(*this, v, key.view())) return *std::move(method);
        if (v.is_object() && !key.view().starts_with('_')) {
            if (std::optional<Value> value = v.object().attribute(*this, key.view())) return *std::move(value);
        }
        return Value::undefined(
            fmt::format("'{} object' has no attribute '{}'", type_name(v), printable(key.view(), 60)));
    }
    if (key.is_int()) return Value::undefined(fmt::format("{} object has no element {}", type_name(v), key.integer()));
    return Value::undefined(fmt::format("{} object has no such element", type_name(v)));
}

Value Interpreter::call(const Value& callee, Arguments&& arguments) {
    budget_.step();
    if (callee.is_undefined()) throw Fault(callee.why_undefined());
    if (!callee.is_object() || !callee.object().callable()) {
        throw Fault(fmt::format("'{}' object is not callable", type_name(callee)));
    }
    return callee.object().call(*this, std::move(arguments));
}

Value Interpreter::filter(std::string_view name, const Value& v, Arguments&& arguments) {
    budget_.step();
    const Filter found = find_filter(name);
    if (found == nullptr) throw Fault(fmt::format("no filter named '{}'", printable(name, 40)));
    return found(*this, v, std::move(arguments));
}

bool Interpreter::test(std::string_view name, const Value& v, Arguments&& arguments) {
    budget_.step();
    const Test found = find_test(name);
    if (found == nullptr) throw Fault(fmt::format("no test named '{}'", printable(name, 40)));
    return found(*this, v, std::move(arguments));
}

}  // namespace distill::jinja
