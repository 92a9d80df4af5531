// A fixed set of threads that run one function together. Workers spin briefly between jobs, then sleep.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "engine/cores.h"

namespace distill {

class ThreadPool {
  public:
    explicit ThreadPool(int n_threads);  // the caller counts as one: n_threads - 1 are started
    // As if the machine had these cores: where they differ and the big ones suffice, the pool's threads, the caller for
    // as long as the pool lives, keep to them.
    ThreadPool(int n_threads, const Cores& cores);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int size() const;
    // Calls job(thread) for thread = 0..size()-1, thread 0 on the caller; returns when all have returned. Jobs must not
    // throw. One run at a time.
    void run(const std::function<void(int thread)>& job);
    // Calls job(piece, thread) once for each piece of 0..n_pieces-1; returns when all have returned. Each thread begins
    // with a run of neighbours of its own, so that what pieces read from memory is one stream a thread, and then helps
    // the others with theirs. A thread that has not begun when nothing is left is not waited for: a core that other
    // programs keep busy delays nobody.
    void share(std::size_t n_pieces, const std::function<void(std::size_t piece, int thread)>& job);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// Physical cores this process may use (affinity and cgroup quota respected), of big and little ones the big; at
// least 1.
int default_threads();

}  // namespace distill
