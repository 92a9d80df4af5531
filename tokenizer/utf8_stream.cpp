// See the header. The held bytes are always a proper prefix of one well-formed character.
#include "tokenizer/utf8_stream.h"

#include "tokenizer/unicode.h"

namespace distill {

std::string Utf8Stream::push(std::string_view bytes) {
    held_ += bytes;
    std::string whole;
    whole.reserve(held_.size());
    std::size_t at = 0;
    while (at < held_.size()) {
        const Char c = decode_char(held_, at);
        if (c.cut) break;
        if (c.code == kBadChar) {
            whole += "\xEF\xBF\xBD";
        } else {
            whole.append(held_, at, c.size);
        }
        at += c.size;
    }
    held_.erase(0, at);
    return whole;
}

std::string Utf8Stream::finish() {
    const bool cut = !held_.empty();
    held_.clear();
    return cut ? "\xEF\xBF\xBD" : "";
}

}  // namespace distill
