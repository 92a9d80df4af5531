// A set of values that can be keys of a dict; look-ups take a logarithm whatever the values are.
#pragma once

#include <set>

#include "tokenizer/template/value.h"

namespace distill::jinja {

class KeySet {
  public:
    // False if an equal one is there. Throws Fault for a value that cannot be a key.
    bool insert(Budget& budget, const Value& key);

  private:
    struct Less {
        bool operator()(const Value& a, const Value& b) const;
    };
    std::set<Value, Less> keys_;
};

}  // namespace distill::jinja
