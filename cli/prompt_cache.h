// Keys and values of prompts already read, kept on disk: a later prompt that begins with the same tokens skips their
// reading. What is kept is cut into pages of 64 tokens, each under a key that hashes everything its numbers depend on
// (the program, the kernels, the layout, the model file, all tokens up to the page's end), so a prompt finds the
// longest prefix it shares with any other. A page that is cut, changed or of another origin is not found or not
// believed: then the tokens are read as ever. Results are the same bits with and without.
//
// The model file is told by its size, time of change, inode, metadata, tensor directory and the first and last bytes of
// each tensor: cheap, and wrong only for a file that somebody changed between those while keeping its time.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "engine/kv_cache.h"

namespace distill {

inline constexpr std::size_t kPromptPageTokens = KvCache::kPageTokens;

struct CacheFlags {
    std::string file{};    // --prompt-cache; "" = the automatic cache
    bool off = false;      // --no-cache
    int limit_mib = 1024;  // --cache-limit, of the automatic cache
};

// Where pages go. A file holds one prompt; a folder one file a page, up to a limit, the longest unused ones giving way.
struct CachePlace {
    std::string file;    // first choice
    std::string folder;  // "" = none
    std::uint64_t limit = 0;
};
// The folder: $XDG_CACHE_HOME/distill/prompts, else ~/.cache/distill/prompts, else none.
CachePlace cache_place(const CacheFlags& flags);

class PromptCache {
  public:
    // The folder only: shorter prompts are read sooner than looked up, and fewer new tokens are not worth the disk.
    static constexpr std::size_t kMinTokens = 256;

    PromptCache(const Engine& engine, CachePlace place);
    // Gives up a store that has not been waited for.
    ~PromptCache();
    PromptCache(const PromptCache&) = delete;
    PromptCache& operator=(const PromptCache&) = delete;

    // Fills an empty sequence with the longest stored prefix of the prompt, in whole pages, less than all of it.
    // Returns its tokens. Throws Error{usage} where the file is none of ours, so that it is not written over.
    std::size_t restore(Sequence& sequence, std::span<const TokenId> prompt);

    // Begins to write, in a thread of its own, the pages of the prompt that restore() did not find. The sequence holds
    // the whole prompt by now; it may grow meanwhile, and be rewound to the prompt's last token, but not further.
    void store(const Sequence& sequence, std::span<const TokenId> prompt);
    struct Stored {
        std::size_t pages = 0;
        std::uint64_t bytes = 0;
        std::string problem;  // why it was less than it should be
    };
    Stored finish();  // waits for the store, if any

    const CachePlace& place() const { return place_; }

  private:
    using Key = std::array<std::uint64_t, 2>;
    struct Record;
    std::string page_path(const Key& key) const;
    void write(std::span<const std::span<const std::byte>> pages, std::span<const TokenId> tokens);
    void write_file(std::span<const Record> records, std::span<const std::span<const std::byte>> pages);
    void write_folder(std::span<const Record> records, std::span<const std::span<const std::byte>> pages);

    const Engine& engine_;
    const CachePlace place_;
    std::vector<Key> keys_;       // of the prompt's pages
    std::size_t restored_ = 0;    // pages
    std::size_t file_pages_ = 0;  // that the file holds
    std::thread writer_;
    std::atomic<bool> stop_{false};
    Stored stored_;  // the writer's until it has been joined
};

// Removes the longest unused pages until the folder holds at most limit bytes, and what killed writers left.
void trim_cache_folder(const std::string& folder, std::uint64_t limit);

}  // namespace distill
