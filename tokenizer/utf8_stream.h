// Turns a stream of bytes, cut anywhere, into whole UTF-8 characters: never emits half a character, and every flush is
// valid UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace distill {

class Utf8Stream {
  public:
    // Takes bytes, returns what is whole by now. Bytes that can never become a character turn into U+FFFD (one for each
    // maximal ill-formed part, as Unicode 15 table 3-8 recommends); up to 3 bytes are held back.
    std::string push(std::string_view bytes);
    // The end of the stream: a held-back part becomes U+FFFD.
    std::string finish();

  private:
    std::string held_;
};

}  // namespace distill
