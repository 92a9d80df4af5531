#include "tokenizer/template/text.h"

#include <algorithm>

namespace distill::jinja {

Origin Text::origin() const {
    if (marks_.empty()) return bytes_.empty() ? Origin::trusted : origin_;
    return marks_.find(static_cast<char>(Origin::input)) == std::string::npos ? Origin::trusted : Origin::input;
}

void Text::append(std::string_view bytes, Origin origin) {
    if (bytes.empty()) return;
    if (bytes_.empty()) {
        origin_ = origin;
        marks_.clear();
    }
    if (marks_.empty() && origin != origin_) spread();
    bytes_ += bytes;
    if (!marks_.empty()) marks_.append(bytes.size(), static_cast<char>(origin));
}

void Text::append(const Text& other, std::size_t from, std::size_t n) {
    from = std::min(from, other.size());
    n = std::min(n, other.size() - from);
    if (n == 0) return;
    if (other.marks_.empty()) {
        append(other.view().substr(from, n), other.origin_);
        return;
    }
    spread();
    bytes_.append(other.bytes_, from, n);
    marks_.append(other.marks_, from, n);
}

void Text::clear() {
    bytes_.clear();
    marks_.clear();
}

Text Text::substr(std::size_t from, std::size_t n) const {
    Text part;
    part.append(*this, from, n);
    return part;
}

void Text::spread() {
    if (marks_.empty()) marks_.assign(bytes_.size(), static_cast<char>(origin_));
}

}  // namespace distill::jinja
