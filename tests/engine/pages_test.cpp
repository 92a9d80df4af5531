// Keys and values taken out of one sequence and put into another.
#include <algorithm>
#include <cstring>
#include <vector>

#include "engine/engine.h"
#include "engine/generate.h"
#include "engine/kv_cache.h"
#include "tests/support/catch.h"
#include "tests/support/gguf_builder.h"

namespace distill {
namespace {

constexpr std::size_t kPage = KvCache::kPageTokens;

struct Fixture {
    test::TempDir folder;
    std::string path = folder.write("tiny.gguf", test::tiny_model());
    ThreadPool pool{2};
    Engine engine = Engine::load({.path = path});
    std::vector<TokenId> prompt = [] {
        std::vector<TokenId> ids(3 * kPage + 20);
        for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<TokenId>(i * 37 % 251);
        return ids;
    }();

    std::span<const TokenId> page_tokens(std::size_t i) const { return std::span(prompt).subspan(i * kPage, kPage); }
};

TEST_CASE("pages put into another sequence give the same bits as reading the tokens", "[pages]") {
    Fixture f;
    Sequence first(f.engine, f.pool, 512);
    const std::uint32_t expected = hash_logits(first.forward(f.prompt));
    for (std::size_t n_pages = 1; n_pages <= 3; ++n_pages) {
        Sequence second(f.engine, f.pool, 512);
        for (std::size_t i = 0; i < n_pages; ++i) {
            CHECK(second.restore_page(f.page_tokens(i), [&](std::span<std::byte> page) {
                REQUIRE(page.size() == first.page(i).size());
                std::memcpy(page.data(), first.page(i).data(), page.size());
                return true;
            }));
        }
        REQUIRE(second.length() == static_cast<int>(n_pages * kPage));
        CHECK(hash_logits(second.forward(std::span(f.prompt).subspan(n_pages * kPage))) == expected);
    }
}

TEST_CASE("a page that turns out bad leaves no trace", "[pages][hostile]") {
    Fixture f;
    Sequence clean(f.engine, f.pool, 512), touched(f.engine, f.pool, 512);
    // All ones are NaNs: where they stayed in the slots behind the last token, attention would show it.
    CHECK_FALSE(touched.restore_page(f.page_tokens(0), [](std::span<std::byte> page) {
        std::ranges::fill(page, std::byte{0xff});
        return false;
    }));
    CHECK(touched.length() == 0);
    const auto few = std::span(f.prompt).first(10);
    CHECK(hash_logits(touched.forward(few)) == hash_logits(clean.forward(few)));
}

TEST_CASE("a page beyond the context is not taken", "[pages]") {
    Fixture f;
    Sequence small(f.engine, f.pool, static_cast<int>(kPage) + 10);
    const auto zero = [](std::span<std::byte>) { return true; };
    CHECK(small.restore_page(f.page_tokens(0), zero));
    CHECK_FALSE(small.restore_page(f.page_tokens(1), zero));
    CHECK(small.length() == static_cast<int>(kPage));
}

}  // namespace
}  // namespace distill
