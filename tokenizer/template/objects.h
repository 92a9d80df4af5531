// The objects that built-in functions make.
#pragma once

#include <functional>
#include <map>

#include "tokenizer/template/value.h"

namespace distill::jinja {

// range(a, b, c)
class Range : public Object {
  public:
    Range(std::int64_t start, std::int64_t stop, std::int64_t step);  // throws Fault for step 0 or too many numbers
    std::string_view type_name() const override { return "range"; }
    std::unique_ptr<Iterator> iterate(Interpreter& in) override;
    std::optional<std::int64_t> length(Interpreter&) override { return n_; }
    std::optional<Value> item(Interpreter&, std::int64_t i) override { return Value(start_ + i * step_); }
    std::optional<Value> attribute(Interpreter& in, std::string_view name) override;
    bool indexable() const override { return true; }
    void repr(Interpreter& in, Text& out) override;
    bool same_numbers(const Range& other) const;
    bool contains(std::int64_t value) const;
    Value slice(std::int64_t start, std::int64_t stop, std::int64_t step) const;  // of indices within its length

  private:
    std::int64_t start_, stop_, step_, n_;
};

// dict.keys(), .values(), .items()
class DictView : public Object {
  public:
    enum class What { keys, values, items };
    DictView(Value dict, What what) : Object(depth_over(dict.depth())), dict_(std::move(dict)), what_(what) {}
    std::string_view type_name() const override;
    std::unique_ptr<Iterator> iterate(Interpreter& in) override;
    std::optional<std::int64_t> length(Interpreter&) override;
    void repr(Interpreter& in, Text& out) override;
    const Value& dict() const { return dict_; }
    What what() const { return what_; }
    Value entry(Interpreter& in, std::size_t i) const;

  private:
    Value dict_;
    What what_;
};

// Values that come once, when they are asked for: what |map, |select and the like give.
class Generator : public Object {
  public:
    Generator(std::unique_ptr<Iterator> source, unsigned depth, std::string_view type = "generator")
        : Object(depth_over(depth)), source_(std::move(source)), type_(type) {}
    std::string_view type_name() const override { return type_; }
    std::unique_ptr<Iterator> iterate(Interpreter& in) override;
    std::optional<Value> next(Interpreter& in);

  private:
    std::unique_ptr<Iterator> source_;
    std::string_view type_;
    bool running_ = false;
};

// A function of ours, or a method bound to its object.
class Function : public Object {
  public:
    using Body = std::function<Value(Interpreter&, Arguments&&)>;
    Function(std::string_view name, Body body, unsigned depth = 0, std::string_view type = "builtin_function_or_method")
        : Object(depth_over(depth)), name_(name), body_(std::move(body)), type_(type) {}
    std::string_view type_name() const override { return type_; }
    bool callable() const override { return true; }
    Value call(Interpreter& in, Arguments&& arguments) override { return body_(in, std::move(arguments)); }

  private:
    std::string name_;
    Body body_;
    std::string_view type_;
};

// The one value that changes: namespace(a=1), {% set ns.a = 2 %}.
class Namespace : public Object {
  public:
    std::string_view type_name() const override { return "Namespace"; }
    std::optional<Value> attribute(Interpreter& in, std::string_view name) override;
    void repr(Interpreter& in, Text& out) override;
    void set(Interpreter& in, std::string_view name, Value value);
    void clear() { values_.clear(); }

  private:
    std::vector<std::pair<std::string, Value>> values_;
    std::map<std::string, std::size_t, std::less<>> index_;
};

class Cycler : public Object {
  public:
    Cycler(std::vector<Value> items, unsigned depth) : Object(depth_over(depth)), items_(std::move(items)) {}
    std::string_view type_name() const override { return "Cycler"; }
    std::optional<Value> attribute(Interpreter& in, std::string_view name) override;

  private:
    Value next();
    std::vector<Value> items_;
    std::size_t at_ = 0;
};

class Joiner : public Object {
  public:
    explicit Joiner(Value separator) : Object(depth_over(separator.depth())), separator_(std::move(separator)) {}
    std::string_view type_name() const override { return "Joiner"; }
    bool callable() const override { return true; }
    Value call(Interpreter& in, Arguments&& arguments) override;

  private:
    Value separator_;
    bool used_ = false;
};

// An iterator over a shared list, the characters of a string, the keys of a dict, nothing (undefined) or an object.
// Throws Fault for what cannot be iterated.
std::unique_ptr<Iterator> iterate(Interpreter& in, const Value& v);
bool is_iterable(Interpreter& in, const Value& v);
std::vector<Value> to_vector(Interpreter& in, const Value& v);
// One made of a function that gives the next item.
std::unique_ptr<Iterator> make_iterator(std::function<std::optional<Value>(Interpreter&)> next);

}  // namespace distill::jinja
