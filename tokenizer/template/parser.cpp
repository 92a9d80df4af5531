// Recursive descent, one function a level of precedence, with a counted depth.
#include "tokenizer/template/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "engine/error.h"
#include "tokenizer/template/builtins.h"

namespace distill::jinja {

namespace {

// Larger than any published template by far; a bound for what the nodes of a hostile one take.
constexpr std::size_t kMaxSource = std::size_t{512} << 10;

class Parser {
  public:
    explicit Parser(std::vector<Token> tokens, Program& program) : tokens_(std::move(tokens)), program_(program) {}
    void run();

  private:
    using Kind = Token::Kind;

    const Token& now() const { return tokens_[at_]; }
    const Token& peek() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
    const Token& take() {
        const Token& token = tokens_[at_];
        if (at_ + 1 < tokens_.size()) ++at_;
        return token;
    }
    static bool is_op(const Token& token, std::string_view text) {
        return token.kind == Kind::op && token.text == text;
    }
    static bool is_name(const Token& token, std::string_view text) {
        return token.kind == Kind::name && token.text == text;
    }
    bool skip_op(std::string_view text) { return is_op(now(), text) && (take(), true); }
    bool skip_name(std::string_view text) { return is_name(now(), text) && (take(), true); }
    void expect_op(std::string_view text) {
        if (!skip_op(text)) fail(fmt::format("expected '{}', got {}", text, describe(now())));
    }
    void expect_name(std::string_view text) {
        if (!skip_name(text)) fail(fmt::format("expected '{}', got {}", text, describe(now())));
    }
    std::string expect_any_name() {
        if (now().kind != Kind::name) fail(fmt::format("expected a name, got {}", describe(now())));
        return take().text;
    }
    void expect(Kind kind, std::string_view what) {
        if (now().kind != kind) fail(fmt::format("expected {}, got {}", what, describe(now())));
        take();
    }
    static std::string describe(const Token& token);
    [[noreturn]] void fail(std::string message) const { fail(now().at, std::move(message)); }
    [[noreturn]] static void fail(Position at, std::string message) { throw SyntaxError{at, std::move(message)}; }

    // Nodes. finish() sets the depth of a node that has all its parts.
    Expr* make(Expr::Kind kind, Position at) {
        Expr& expr = program_.expressions.emplace_back();
        expr.kind = kind;
        expr.at = at;
        return &expr;
    }
    Expr* finish(Expr* expr) const;
    Expr* make(Expr::Kind kind, Position at, std::initializer_list<Expr*> items) {
        Expr* expr = make(kind, at);
        expr->items = items;
        return finish(expr);
    }
    Stmt* make_stmt(Stmt::Kind kind, Position at) {
        Stmt& stmt = program_.statements.emplace_back();
        stmt.kind = kind;
        stmt.at = at;
        return &stmt;
    }

    // Expressions, loosest first.
    struct Nesting {
        explicit Nesting(Parser& parser) : parser_(parser) {
            if (++parser_.nesting_ > kMaxNesting) parser_.fail("expressions or blocks are nested too deep");
        }
        ~Nesting() { --parser_.nesting_; }
        Nesting(const Nesting&) = delete;
        Nesting& operator=(const Nesting&) = delete;
        Parser& parser_;
    };
    Expr* expression(bool with_condition = true) { return with_condition ? condition() : either(); }
    Expr* condition();
    Expr* either();
    Expr* both();
    Expr* negation();
    Expr* comparison();
    Expr* sum();
    Expr* concat();
    Expr* product();
    Expr* power();
    Expr* unary(bool with_filter = true);
    Expr* primary();
    Expr* postfix(Expr* expr);
    Expr* filtered(Expr* expr);
    Expr* subscript(Expr* expr);
    Expr* subscribed(Expr* of, bool& is_slice);
    Expr* call(Expr* expr);
    Expr* filter(Expr* expr);
    Expr* filters(Expr* expr);
    Expr* test(Expr* expr);
    Expr* list();
    Expr* dict();
    CallArguments call_arguments();
    // `a, b` or just `a`. `end` is a name that ends it, too.
    Expr* tuple(bool with_condition = true, std::string_view end = {}, bool in_parentheses = false);
    bool tuple_ends(std::string_view end) const;
    void check_known(const Expr* expr, bool is_filter);

    // Assignment.
    Target target(std::string_view end = {}, bool with_namespace = false);
    Target target_part(bool with_namespace);
    Name stored(const std::string& name, Position at);
    void loaded(std::string_view name);

    // Statements. A body ends before a block whose tag is one of `ends`; its tag is then the current token.
    Body parse_body(std::initializer_list<std::string_view> ends);
    Body block_body(std::initializer_list<std::string_view> ends);  // after the tag's own words
    Body block_body_and_end(std::string_view end);
    Stmt* statement(const Token& tag);
    Stmt* set();
    Stmt* loop();
    Stmt* branch();
    Stmt* macro();
    Stmt* call_block();
    Stmt* filter_block();
    Stmt* with();
    Stmt* autoescape();
    Stmt* refused(std::string what);
    void signature(MacroSource& macro);
    void macro_body(MacroSource& macro, std::string_view end);

    // While a macro's body is read: which of the special names it reads, and which it has set before.
    struct SpecialNames {
        bool used[3] = {};
        bool set[3] = {};
    };
    static int special_index(std::string_view name) {
        return name == "caller" ? 0 : name == "kwargs" ? 1 : name == "varargs" ? 2 : -1;
    }

    std::vector<Token> tokens_;
    std::size_t at_ = 0;
    Program& program_;
    int nesting_ = 0;
    int soft_ = 0;  // inside an if, and no other block in it: unknown filters are an error only where they run
    std::vector<const Expr*> unknown_;  // filters and tests, elsewhere
    int loops_ = 0;                     // around the current statement, within its macro
    int loop_scopes_ = 0;               // the same, macros or not
    std::vector<SpecialNames*> macros_;
};

void Parser::run() {
    program_.body = parse_body({});
    if (unknown_.empty()) return;
    const Expr* expr = unknown_[0];
    fail(expr->at, fmt::format("no {} named '{}'", expr->kind == Expr::Kind::filter ? "filter" : "test",
                               printable(*expr->name, 40)));
}

std::string Parser::describe(const Token& token) {
    switch (token.kind) {
        case Kind::text:
            return "text";
        case Kind::print_begin:
            return "'{{'";
        case Kind::print_end:
            return "'}}'";
        case Kind::block_begin:
            return "'{%'";
        case Kind::block_end:
            return "'%}'";
        case Kind::integer:
        case Kind::real:
            return "a number";
        case Kind::string:
            return "a string";
        case Kind::end:
            return "the end of the template";
        default:
            return fmt::format("'{}'", printable(token.text, 40));
    }
}

Expr* Parser::finish(Expr* expr) const {
    int depth = 0;
    const auto count = [&](const Expr* part) {
        if (part != nullptr) depth = std::max(depth, part->depth);
    };
    for (const Expr* item : expr->items) count(item);
    for (const Expr* argument : expr->arguments.positional) count(argument);
    for (const auto& [name, argument] : expr->arguments.named) count(argument);
    count(expr->arguments.rest);
    count(expr->arguments.named_rest);
    expr->depth = depth + 1;
    if (expr->depth > kMaxExpressionDepth) fail(expr->at, "the expression has too many levels");
    return expr;
}

Expr* Parser::condition() {
    const Nesting nesting(*this);
    const Position at = now().at;
    const std::size_t unknown = unknown_.size();
    Expr* expr = either();
    while (skip_name("if")) {
        Expr* test = either();
        Expr* other = skip_name("else") ? condition() : nullptr;
        expr = make(Expr::Kind::condition, at, {test, expr, other});
        unknown_.resize(unknown);
    }
    return expr;
}

Expr* Parser::either() {
    const Position at = now().at;
    Expr* left = both();
    while (skip_name("or")) left = make(Expr::Kind::either, at, {left, both()});
    return left;
}

Expr* Parser::both() {
    const Position at = now().at;
    Expr* left = negation();
    while (skip_name("and")) left = make(Expr::Kind::both, at, {left, negation()});
    return left;
}

Expr* Parser::negation() {
    const Position at = now().at;
    if (!skip_name("not")) return comparison();
    const Nesting nesting(*this);
    return make(Expr::Kind::negation, at, {negation()});
}

Expr* Parser::comparison() {
    static constexpr std::pair<std::string_view, Operator> kSigns[] = {{"==", Operator::eq}, {"!=", Operator::ne},
                                                                       {"<", Operator::lt},  {"<=", Operator::le},
                                                                       {">", Operator::gt},  {">=", Operator::ge}};
    const Position at = now().at;
    Expr* first = sum();
    Expr* chain = nullptr;
    const auto link = [&](Operator op) {
        if (chain == nullptr) {
            chain = make(Expr::Kind::compare, at);
            chain->items.push_back(first);
        }
        chain->ops.push_back(op);
        chain->items.push_back(sum());
    };
    for (;;) {
        if (skip_name("in")) {
            link(Operator::in);
        } else if (is_name(now(), "not") && is_name(peek(), "in")) {
            take();
            take();
            link(Operator::not_in);
        } else {
            const auto* sign = std::find_if(std::begin(kSigns), std::end(kSigns),
                                            [&](const auto& s) { return is_op(now(), s.first); });
            if (sign == std::end(kSigns)) return chain != nullptr ? finish(chain) : first;
            take();
            link(sign->second);
        }
    }
}

Expr* Parser::sum() {
    const Position at = now().at;
    Expr* left = concat();
    while (is_op(now(), "+") || is_op(now(), "-")) {
        const Operator op = take().text == "+" ? Operator::add : Operator::sub;
        left = make(Expr::Kind::binary, at, {left, concat()});
        left->ops = {op};
    }
    return left;
}

Expr* Parser::concat() {
    const Position at = now().at;
    Expr* first = product();
    if (!is_op(now(), "~")) return first;
    Expr* all = make(Expr::Kind::concat, at);
    all->items.push_back(first);
    while (skip_op("~")) all->items.push_back(product());
    return finish(all);
}

Expr* Parser::product() {
    static constexpr std::pair<std::string_view, Operator> kSigns[] = {
        {"*", Operator::mul}, {"/", Operator::div}, {"//", Operator::floor_div}, {"%", Operator::mod}};
    const Position at = now().at;
    Expr* left = power();
    for (;;) {
        const auto* sign =
            std::find_if(std::begin(kSigns), std::end(kSigns), [&](const auto& s) { return is_op(now(), s.first); });
        if (sign == std::end(kSigns)) return left;
        take();
        left = make(Expr::Kind::binary, at, {left, power()});
        left->ops = {sign->second};
    }
}

Expr* Parser::power() {
    const Position at = now().at;
    Expr* left = unary();
    while (skip_op("**")) {
        left = make(Expr::Kind::binary, at, {left, unary()});
        left->ops = {Operator::pow};
    }
    return left;
}

Expr* Parser::unary(bool with_filter) {
    const Position at = now().at;
    Expr* expr = nullptr;
    if (is_op(now(), "-") || is_op(now(), "+")) {
        const Nesting nesting(*this);
        const auto kind = take().text == "-" ? Expr::Kind::minus : Expr::Kind::plus;
        expr = make(kind, at, {unary(false)});
    } else {
        expr = primary();
    }
    expr = postfix(expr);
    return with_filter ? filtered(expr) : expr;
}

Expr* Parser::primary() {
    const Token& token = now();
    switch (token.kind) {
        case Kind::name: {
            take();
            Expr* expr = make(Expr::Kind::literal, token.at);
            if (token.text == "true" || token.text == "True") {
                expr->value = true;
            } else if (token.text == "false" || token.text == "False") {
                expr->value = false;
            } else if (token.text == "none" || token.text == "None") {
                expr->value = Value::none();
            } else {
                expr->kind = Expr::Kind::name;
                expr->name = program_.intern(token.text);
                loaded(token.text);
            }
            return expr;
        }
        case Kind::string: {
            Expr* expr = make(Expr::Kind::literal, token.at);
            std::string text;
            while (now().kind == Kind::string) text += take().text;
            expr->value = Value::text(text);
            return expr;
        }
        case Kind::integer:
        case Kind::real: {
            take();
            Expr* expr = make(Expr::Kind::literal, token.at);
            expr->value = token.kind == Kind::integer ? Value(token.integer) : Value(token.real);
            return expr;
        }
        case Kind::op:
            if (skip_op("(")) {
                Expr* expr = tuple(true, {}, true);
                expect_op(")");
                return expr;
            }
            if (token.text == "[") return list();
            if (token.text == "{") return dict();
            [[fallthrough]];
        default:
            fail(fmt::format("unexpected {}", describe(token)));
    }
}

Expr* Parser::list() {
    Expr* expr = make(Expr::Kind::list, take().at);
    while (!is_op(now(), "]")) {
        if (!expr->items.empty()) expect_op(",");
        if (is_op(now(), "]")) break;
        expr->items.push_back(expression());
    }
    expect_op("]");
    return finish(expr);
}

Expr* Parser::dict() {
    Expr* expr = make(Expr::Kind::dict, take().at);
    while (!is_op(now(), "}")) {
        if (!expr->items.empty()) expect_op(",");
        if (is_op(now(), "}")) break;
        expr->items.push_back(expression());
        expect_op(":");
        expr->items.push_back(expression());
    }
    expect_op("}");
    return finish(expr);
}

bool Parser::tuple_ends(std::string_view end) const {
    return now().kind == Kind::print_end || now().kind == Kind::block_end || is_op(now(), ")") ||
           (!end.empty() && is_name(now(), end));
}

Expr* Parser::tuple(bool with_condition, std::string_view end, bool in_parentheses) {
    const Position at = now().at;
    std::vector<Expr*> items;
    bool is_tuple = false;
    for (;;) {
        if (!items.empty()) expect_op(",");
        if (tuple_ends(end)) break;
        items.push_back(expression(with_condition));
        if (!is_op(now(), ",")) break;
        is_tuple = true;
    }
    if (!is_tuple) {
        if (!items.empty()) return items[0];
        if (!in_parentheses) fail(fmt::format("expected an expression, got {}", describe(now())));
    }
    Expr* expr = make(Expr::Kind::tuple, at);
    expr->items = std::move(items);
    return finish(expr);
}

Expr* Parser::postfix(Expr* expr) {
    for (;;) {
        if (is_op(now(), ".") || is_op(now(), "[")) {
            expr = subscript(expr);
        } else if (is_op(now(), "(")) {
            expr = call(expr);
        } else {
            return expr;
        }
    }
}

Expr* Parser::filtered(Expr* expr) {
    for (;;) {
        if (is_op(now(), "|")) {
            expr = filters(expr);
        } else if (is_name(now(), "is")) {
            expr = test(expr);
        } else if (is_op(now(), "(")) {
            expr = call(expr);
        } else {
            return expr;
        }
    }
}

Expr* Parser::subscript(Expr* expr) {
    const Position at = now().at;
    if (skip_op(".")) {
        const Token& key = take();
        if (key.kind == Kind::name) {
            Expr* attribute = make(Expr::Kind::attribute, at, {expr});
            attribute->name = program_.intern(key.text);
            return attribute;
        }
        if (key.kind != Kind::integer) fail(key.at, "expected a name or a number after '.'");
        Expr* index = make(Expr::Kind::literal, key.at);
        index->value = key.integer;
        return make(Expr::Kind::item, at, {expr, index});
    }
    take();
    std::vector<Expr*> keys;
    bool is_slice = false;
    while (!is_op(now(), "]")) {
        if (!keys.empty()) expect_op(",");
        bool slice = false;
        keys.push_back(subscribed(expr, slice));
        is_slice = is_slice || slice;
    }
    expect_op("]");
    if (keys.size() == 1) return is_slice ? keys[0] : make(Expr::Kind::item, at, {expr, keys[0]});
    if (is_slice) fail(at, "a slice stands alone in its brackets");
    Expr* key = make(Expr::Kind::tuple, at);
    key->items = std::move(keys);
    return make(Expr::Kind::item, at, {expr, finish(key)});
}

Expr* Parser::subscribed(Expr* of, bool& is_slice) {
    const Position at = now().at;
    Expr* start = nullptr;
    if (!is_op(now(), ":")) {
        start = expression();
        if (!is_op(now(), ":")) return start;
    }
    is_slice = true;
    take();
    const auto part = [&]() -> Expr* {
        return is_op(now(), ":") || is_op(now(), "]") || is_op(now(), ",") ? nullptr : expression();
    };
    Expr* stop = part();
    Expr* step = skip_op(":") ? part() : nullptr;
    return make(Expr::Kind::slice, at, {of, start, stop, step});
}

CallArguments Parser::call_arguments() {
    const Position at = now().at;
    expect_op("(");
    CallArguments arguments;
    const auto ensure = [&](bool ok) {
        if (!ok) fail(at, "invalid syntax for function call expression");
    };
    bool first = true;
    while (!is_op(now(), ")")) {
        if (!first) {
            expect_op(",");
            if (is_op(now(), ")")) break;
        }
        first = false;
        if (is_op(now(), "*")) {
            ensure(arguments.rest == nullptr && arguments.named_rest == nullptr);
            take();
            arguments.rest = expression();
        } else if (is_op(now(), "**")) {
            ensure(arguments.named_rest == nullptr);
            take();
            arguments.named_rest = expression();
        } else if (now().kind == Kind::name && is_op(peek(), "=")) {
            ensure(arguments.named_rest == nullptr);
            const Token& key = take();
            take();
            for (const auto& other : arguments.named) {
                if (other.first == key.text) fail(key.at, fmt::format("keyword argument repeated: {}", key.text));
            }
            arguments.named.emplace_back(key.text, expression());
        } else {
            ensure(arguments.rest == nullptr && arguments.named_rest == nullptr && arguments.named.empty());
            arguments.positional.push_back(expression());
        }
    }
    expect_op(")");
    return arguments;
}

Expr* Parser::call(Expr* expr) {
    Expr* node = make(Expr::Kind::call, now().at);
    node->items = {expr};
    node->arguments = call_arguments();
    return finish(node);
}

void Parser::check_known(const Expr* expr, bool is_filter) {
    const bool known = is_filter ? find_filter(*expr->name) != nullptr : find_test(*expr->name) != nullptr;
    if (!known && soft_ == 0) unknown_.push_back(expr);
}

Expr* Parser::filter(Expr* expr) {
    Expr* node = make(Expr::Kind::filter, now().at);
    std::string name = expect_any_name();
    while (skip_op(".")) name += "." + expect_any_name();
    node->name = program_.intern(name);
    node->items = {expr};
    if (is_op(now(), "(")) node->arguments = call_arguments();
    check_known(node, true);
    return finish(node);
}

Expr* Parser::filters(Expr* expr) {
    while (skip_op("|")) expr = filter(expr);
    return expr;
}

Expr* Parser::test(Expr* expr) {
    const Position at = take().at;
    const bool negated = skip_name("not");
    Expr* node = make(Expr::Kind::test, at);
    std::string name = expect_any_name();
    while (skip_op(".")) name += "." + expect_any_name();
    node->name = program_.intern(name);
    node->items = {expr};
    if (is_op(now(), "(")) {
        node->arguments = call_arguments();
    } else if ((now().kind == Kind::name && !is_name(now(), "else") && !is_name(now(), "or") &&
                !is_name(now(), "and")) ||
               now().kind == Kind::string || now().kind == Kind::integer || now().kind == Kind::real ||
               is_op(now(), "[") || is_op(now(), "{")) {
        if (is_name(now(), "is")) fail("tests cannot be chained with is");
        const Nesting nesting(*this);
        node->arguments.positional = {postfix(primary())};
    }
    check_known(node, false);
    finish(node);
    return negated ? make(Expr::Kind::negation, at, {node}) : node;
}

// ---- assignment ----------------------------------------------------------------------------------------------------

void Parser::loaded(std::string_view name) {
    const int i = special_index(name);
    if (i < 0) return;
    for (SpecialNames* macro : macros_) macro->used[i] = macro->used[i] || !macro->set[i];
}

Name Parser::stored(const std::string& name, Position at) {
    if (name == "loop" && loop_scopes_ > 0) fail(at, "can't assign to special loop variable in for-loop");
    if (const int i = special_index(name); i >= 0) {
        for (SpecialNames* macro : macros_) macro->set[i] = true;
    }
    return program_.intern(name);
}

Target Parser::target_part(bool with_namespace) {
    const Nesting nesting(*this);
    Target part;
    part.at = now().at;
    if (skip_op("(")) {
        bool is_tuple = false;
        while (!is_op(now(), ")")) {
            part.parts.push_back(target_part(false));
            if (!skip_op(",")) break;
            is_tuple = true;
        }
        expect_op(")");
        if (!is_tuple && part.parts.size() == 1) {
            Target only = std::move(part.parts[0]);
            return only;
        }
        return part;
    }
    const std::string name = expect_any_name();
    for (const std::string_view literal : {"true", "false", "none", "True", "False", "None"}) {
        if (name == literal) fail(part.at, fmt::format("can't assign to '{}'", name));
    }
    if (with_namespace && skip_op(".")) {
        part.name = program_.intern(name);
        loaded(name);
        part.attribute = expect_any_name();
        return part;
    }
    part.name = stored(name, part.at);
    return part;
}

Target Parser::target(std::string_view end, bool with_namespace) {
    Target all;
    all.at = now().at;
    bool is_tuple = false;
    for (;;) {
        if (!all.parts.empty()) expect_op(",");
        if (tuple_ends(end)) break;
        all.parts.push_back(target_part(with_namespace));
        if (!is_op(now(), ",")) break;
        is_tuple = true;
    }
    if (is_tuple) return all;
    if (all.parts.empty()) fail(fmt::format("expected a name to assign to, got {}", describe(now())));
    Target only = std::move(all.parts[0]);
    return only;
}

// ---- statements ----------------------------------------------------------------------------------------------------

Body Parser::parse_body(std::initializer_list<std::string_view> ends) {
    const Nesting nesting(*this);
    Body body;
    for (;;) {
        const Token& token = now();
        switch (token.kind) {
            case Kind::text:
                body.push_back(make_stmt(Stmt::Kind::text, token.at));
                body.back()->value = Value::text(token.text);
                take();
                break;
            case Kind::print_begin:
                take();
                body.push_back(make_stmt(Stmt::Kind::print, token.at));
                body.back()->value_expr = tuple();
                expect(Kind::print_end, "'}}'");
                break;
            case Kind::block_begin: {
                take();
                if (std::find(ends.begin(), ends.end(), now().text) != ends.end() && now().kind == Kind::name)
                    return body;
                if (now().kind != Kind::name) fail(fmt::format("expected a tag name, got {}", describe(now())));
                if (is_name(now(), "print")) {
                    // {% print a, b %} writes them one after the other.
                    take();
                    for (bool first = true; now().kind != Kind::block_end; first = false) {
                        if (!first) expect_op(",");
                        body.push_back(make_stmt(Stmt::Kind::print, token.at));
                        body.back()->value_expr = expression();
                    }
                } else {
                    body.push_back(statement(now()));
                }
                expect(Kind::block_end, "'%}'");
                break;
            }
            default:
                if (ends.size() == 0) return body;
                fail(fmt::format("unexpected end of template, looking for '{}'", *ends.begin()));
        }
    }
}

Body Parser::block_body(std::initializer_list<std::string_view> ends) {
    skip_op(":");
    expect(Kind::block_end, "'%}'");
    return parse_body(ends);
}

Body Parser::block_body_and_end(std::string_view end) {
    const int soft = std::exchange(soft_, end == "endif" ? soft_ : 0);
    Body body = block_body({end});
    take();
    soft_ = soft;
    return body;
}

Stmt* Parser::statement(const Token& tag) {
    const std::string& name = tag.text;
    if (name == "set") return set();
    if (name == "for") return loop();
    if (name == "if") return branch();
    if (name == "macro") return macro();
    if (name == "call") return call_block();
    if (name == "filter") return filter_block();
    if (name == "with") return with();
    if (name == "autoescape") return autoescape();
    if (name == "generation") {
        Stmt* stmt = make_stmt(Stmt::Kind::scope, take().at);
        stmt->body = block_body_and_end("endgeneration");
        return stmt;
    }
    if (name == "break" || name == "continue") {
        if (loops_ == 0) fail(fmt::format("'{}' outside of a loop", name));
        return make_stmt(take().text == "break" ? Stmt::Kind::leave : Stmt::Kind::skip, tag.at);
    }
    if (name == "include" || name == "import" || name == "from" || name == "extends") {
        return refused(fmt::format("'{}' needs another template, and a chat template stands alone", name));
    }
    if (name == "block") fail("blocks are for templates that extend each other, and a chat template stands alone");
    fail(fmt::format("unknown tag '{}'", printable(name, 40)));
}

// Parsed as loosely as needed to find the end of the tag.
Stmt* Parser::refused(std::string what) {
    Stmt* stmt = make_stmt(Stmt::Kind::unsupported, take().at);
    stmt->text = std::move(what);
    expression();
    while (now().kind != Kind::block_end && now().kind != Kind::end) take();
    return stmt;
}

Stmt* Parser::set() {
    Stmt* stmt = make_stmt(Stmt::Kind::set, take().at);
    stmt->target = target({}, true);
    if (skip_op("=")) {
        stmt->value_expr = tuple();
        return stmt;
    }
    stmt->kind = Stmt::Kind::set_block;
    stmt->filter = filters(nullptr);
    stmt->body = block_body_and_end("endset");
    return stmt;
}

Stmt* Parser::loop() {
    Stmt* stmt = make_stmt(Stmt::Kind::loop, take().at);
    ++loop_scopes_;
    stmt->target = target("in");
    expect_name("in");
    stmt->value_expr = tuple(false, "recursive");
    if (skip_name("if")) stmt->filter = expression();
    stmt->recursive = skip_name("recursive");
    ++loops_;
    const int soft = std::exchange(soft_, 0);
    stmt->body = block_body({"endfor", "else"});
    --loops_;
    if (take().text == "else") {
        stmt->has_else = true;
        stmt->else_body = block_body_and_end("endfor");
    }
    soft_ = soft;
    --loop_scopes_;
    return stmt;
}

Stmt* Parser::branch() {
    Stmt* stmt = make_stmt(Stmt::Kind::branch, take().at);
    ++soft_;
    for (;;) {
        stmt->conditions.push_back(tuple(false));
        stmt->bodies.push_back(block_body({"elif", "else", "endif"}));
        const std::string tag = take().text;
        if (tag == "elif") continue;
        if (tag == "else") {
            stmt->conditions.push_back(nullptr);
            stmt->bodies.push_back(block_body_and_end("endif"));
        }
        --soft_;
        return stmt;
    }
}

void Parser::signature(MacroSource& macro) {
    expect_op("(");
    while (!is_op(now(), ")")) {
        if (!macro.parameters.empty()) expect_op(",");
        const Position at = now().at;
        const std::string name = expect_any_name();
        for (const Parameter& other : macro.parameters) {
            if (*other.name == name) fail(at, fmt::format("duplicate argument '{}'", printable(name, 40)));
        }
        Parameter parameter{program_.intern(name), nullptr};
        if (skip_op("=")) {
            parameter.fallback = expression();
        } else if (!macro.parameters.empty() && macro.parameters.back().fallback != nullptr) {
            fail(at, "non-default argument follows default argument");
        }
        macro.parameters.push_back(parameter);
    }
    expect_op(")");
}

void Parser::macro_body(MacroSource& macro, std::string_view end) {
    SpecialNames special;
    macros_.push_back(&special);
    const int loops = std::exchange(loops_, 0);
    macro.body = block_body_and_end(end);
    loops_ = loops;
    macros_.pop_back();
    bool declared[3] = {};
    for (const Parameter& parameter : macro.parameters) {
        const int i = special_index(*parameter.name);
        if (i < 0) continue;
        declared[i] = true;
        if (i == 0 && special.used[0] && parameter.fallback == nullptr) {
            fail("the special argument 'caller' must be left out or have a default");
        }
    }
    macro.uses_caller = special.used[0];
    macro.uses_kwargs = special.used[1] && !declared[1];
    macro.uses_varargs = special.used[2] && !declared[2];
}

Stmt* Parser::macro() {
    Stmt* stmt = make_stmt(Stmt::Kind::macro, take().at);
    const Position at = now().at;
    stmt->macro.name = stored(expect_any_name(), at);
    signature(stmt->macro);
    macro_body(stmt->macro, "endmacro");
    return stmt;
}

Stmt* Parser::call_block() {
    Stmt* stmt = make_stmt(Stmt::Kind::call, take().at);
    if (is_op(now(), "(")) signature(stmt->macro);
    stmt->value_expr = expression();
    if (stmt->value_expr->kind != Expr::Kind::call) fail(stmt->at, "expected a call");
    macro_body(stmt->macro, "endcall");
    return stmt;
}

Stmt* Parser::filter_block() {
    Stmt* stmt = make_stmt(Stmt::Kind::filter, take().at);
    stmt->filter = filters(filter(nullptr));
    stmt->body = block_body_and_end("endfilter");
    return stmt;
}

Stmt* Parser::with() {
    Stmt* stmt = make_stmt(Stmt::Kind::with, take().at);
    while (now().kind != Kind::block_end) {
        if (!stmt->targets.empty()) expect_op(",");
        stmt->targets.push_back(target());
        expect_op("=");
        stmt->conditions.push_back(expression());
    }
    stmt->body = block_body_and_end("endwith");
    return stmt;
}

Stmt* Parser::autoescape() {
    Stmt* stmt = make_stmt(Stmt::Kind::scope, take().at);
    const Expr* on = expression();
    if (on->kind != Expr::Kind::literal || !on->value.is_bool() || on->value.boolean()) {
        fail(stmt->at, "HTML escaping is not supported: only 'autoescape false'");
    }
    stmt->body = block_body_and_end("endautoescape");
    return stmt;
}

}  // namespace

std::unique_ptr<Program> parse(std::string_view source) {
    if (source.size() > kMaxSource) throw SyntaxError{{}, "the template is larger than 512 KiB"};
    auto program = std::make_unique<Program>();
    Parser(tokenize(source), *program).run();
    return program;
}

}  // namespace distill::jinja
