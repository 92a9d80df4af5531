// A parsed template. Nodes lie in the program's own pools and point at each other, so that neither building nor freeing
// them recurses.
#pragma once

#include <deque>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tokenizer/template/lexer.h"
#include "tokenizer/template/value.h"

namespace distill::jinja {

// One string for each name in a program: variables are compared by address.
using Name = const std::string*;

enum class Operator { add, sub, mul, div, floor_div, mod, pow, eq, ne, lt, le, gt, ge, in, not_in };

struct Expr;

struct CallArguments {
    std::vector<Expr*> positional;
    std::vector<std::pair<std::string, Expr*>> named;
    Expr* rest = nullptr;        // *rest
    Expr* named_rest = nullptr;  // **named_rest
};

struct Expr {
    enum class Kind {
        literal,    // value
        name,       // name
        list,       // items
        tuple,      // items
        dict,       // items: key, value, key, value
        attribute,  // items[0].name
        item,       // items[0][items[1]]
        slice,      // items[0][items[1]:items[2]:items[3]]; null where left out
        call,       // items[0](arguments)
        filter,     // items[0]|name(arguments); items[0] null: the body of a filter block
        test,       // items[0] is name(arguments)
        negation,   // not items[0]
        minus,      // -items[0]
        plus,       // +items[0]
        binary,     // items[0] ops[0] items[1]
        concat,     // items joined by ~
        compare,    // items[0] ops[0] items[1] ops[1] items[2] ...
        both,       // items[0] and items[1]
        either,     // items[0] or items[1]
        condition,  // items[1] if items[0] else items[2] (null: undefined)
    };
    Kind kind = Kind::literal;
    Position at;
    int depth = 1;
    Name name = nullptr;
    Value value;
    std::vector<Expr*> items;
    std::vector<Operator> ops;
    CallArguments arguments;
};

// What is assigned to: a name, namespace.attribute, or several in parentheses or not.
struct Target {
    Position at;
    Name name = nullptr;  // null: a tuple
    std::string attribute;
    std::vector<Target> parts;
};

struct Stmt;
using Body = std::vector<Stmt*>;

struct Parameter {
    Name name;
    Expr* fallback = nullptr;
};

// A macro, or the body of a call block.
struct MacroSource {
    Name name = nullptr;  // null: a call block
    std::vector<Parameter> parameters;
    Body body;
    // Special names that the body reads without having set them.
    bool uses_caller = false, uses_kwargs = false, uses_varargs = false;
};

struct Stmt {
    enum class Kind {
        text,         // value
        print,        // value_expr
        set,          // target = value_expr
        set_block,    // target = body, through filter if there is one
        branch,       // conditions and bodies; a null condition is the else
        loop,         // for target in value_expr if filter; body, else_body; recursive
        macro,        // macro
        call,         // value_expr is the call, macro the caller
        filter,       // filter over body
        with,         // targets = conditions; body
        scope,        // body with variables of its own
        leave,        // break
        skip,         // continue
        unsupported,  // text says what; an error once it is reached
    };
    Kind kind = Kind::text;
    Position at;
    Value value;
    Expr* value_expr = nullptr;
    Expr* filter = nullptr;
    Target target;
    std::vector<Target> targets;
    std::vector<Expr*> conditions;
    std::vector<Body> bodies;
    Body body, else_body;
    bool has_else = false;
    bool recursive = false;
    std::string text;
    MacroSource macro;
};

struct Program {
    std::deque<Expr> expressions;
    std::deque<Stmt> statements;
    std::set<std::string, std::less<>> names;
    Body body;

    Name intern(std::string_view name) { return &*names.emplace(name).first; }
};

}  // namespace distill::jinja
