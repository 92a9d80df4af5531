// Runs a program: scopes, loops, macros, attribute look-up. One object renders once.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/template/ast.h"
#include "tokenizer/template/budget.h"
#include "tokenizer/template/objects.h"
#include "tokenizer/template/value.h"

namespace distill::jinja {

// Where in the template something went wrong at run time.
class RuntimeError : public std::exception {
  public:
    RuntimeError(Position at, std::string message) : at_(at), message_(std::move(message)) {}
    const char* what() const noexcept override { return message_.c_str(); }
    Position at() const { return at_; }
    const std::string& message() const { return message_; }

  private:
    Position at_;
    std::string message_;
};

// Variables of one scope: the template, one turn of a loop, one call of a macro.
struct Frame {
    Frame* parent;
    std::vector<std::pair<Name, Value>> variables;
    bool captured = false;  // a macro may look here after the scope has ended
};

class Interpreter {
  public:
    // `now`: seconds since 1970 as a clock on the wall would show them.
    Interpreter(const Program& program, const Context& context, std::int64_t now, Budget& budget)
        : program_(program), context_(context), now_(now), budget_(budget) {}
    ~Interpreter();
    Interpreter(const Interpreter&) = delete;
    Interpreter& operator=(const Interpreter&) = delete;

    // Throws RuntimeError.
    Text render();

    // For built-ins.
    Budget& budget() { return budget_; }
    int& repr_depth() { return repr_depth_; }
    std::int64_t now() const { return now_; }
    Value attribute(const Value& v, std::string_view name);
    Value item(const Value& v, const Value& key);
    Value call(const Value& callee, Arguments&& arguments);
    Value filter(std::string_view name, const Value& v, Arguments&& arguments);
    bool test(std::string_view name, const Value& v, Arguments&& arguments);
    Value make_namespace();  // kept until the end, when it is emptied: it may hold itself

  private:
    friend class Macro;
    friend class Loop;

    enum class Flow { on, leave, skip };  // leave: break; skip: continue

    // A frame on top of `parent` for as long as it lives.
    class Scope {
      public:
        Scope(Interpreter& in, Frame* parent);
        ~Scope();
        Scope(const Scope&) = delete;
        Scope& operator=(const Scope&) = delete;
        // Empty again; for the next turn of a loop.
        void renew();
        Frame* frame() { return frame_.get(); }

      private:
        Interpreter& in_;
        Frame* outer_;
        std::unique_ptr<Frame> frame_;
    };

    Flow run(const Body& body);
    Flow run(const Stmt& stmt);
    Flow run_unplaced(const Stmt& stmt);
    Flow run_branch(const Stmt& stmt);
    Flow run_loop(const Stmt& stmt, const Value& items, Frame* outer, int depth);
    Flow run_set_block(const Stmt& stmt);
    Flow run_filter_block(const Stmt& stmt);
    Flow run_with(const Stmt& stmt);
    void run_call_block(const Stmt& stmt);
    Value run_recursive(const Stmt& stmt, const Value& items, Frame* outer, int depth);
    Value run_macro(const MacroSource& source, Frame* outer, Arguments&& arguments);
    // What the body writes, as a value.
    Flow captured(const Body& body, Value& text);

    Value eval(const Expr& expr);
    Value eval_unplaced(const Expr& expr);
    Value eval_name(const Expr& expr);
    Value eval_items(const Expr& expr);
    Value eval_dict(const Expr& expr);
    Value eval_slice(const Expr& expr);
    Value eval_call(const Expr& expr, const Value* caller);
    Value eval_filter(const Expr& expr, const Value* body);
    Value eval_test(const Expr& expr);
    Value eval_binary(const Expr& expr);
    Value eval_concat(const Expr& expr);
    Value eval_compare(const Expr& expr);
    Arguments eval_arguments(const CallArguments& call);

    void write(const Text& text);
    void assign(const Target& target, const Value& value);
    void check_namespaces(const Target& target);
    void set(Name name, Value value);
    const Value* variable(Name name) const;
    std::optional<Value> resolve(Name name);
    Value make_macro(const MacroSource& source);

    const Program& program_;
    const Context& context_;
    const std::int64_t now_;
    Budget& budget_;
    Frame* frame_ = nullptr;
    Text* out_ = nullptr;
    int depth_ = 0;
    int calls_ = 0;
    int repr_depth_ = 0;
    std::vector<std::unique_ptr<Frame>> kept_;
    std::vector<std::shared_ptr<Object>> namespaces_;
};

}  // namespace distill::jinja
