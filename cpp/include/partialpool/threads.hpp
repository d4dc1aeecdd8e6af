#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace partialpool {

/// Number of threads that parallel loops may use; set from Python.
inline std::atomic<int>& thread_limit() {
    static std::atomic<int> limit{1};
    return limit;
}

/// Whether this thread is one of several that each have work of their own, so that loops
/// inside of it have no threads to spare.
inline bool& one_of_many() {
    thread_local bool flag = false;
    return flag;
}

/// Run `work(chunk)` for chunk = 0 .. n_chunks - 1, on several threads when allowed.
///
/// The chunks are the caller's and don't depend on the number of threads; a caller that
/// reduces over them does so afterwards in chunk order. That is why any number of
/// threads gives the same bits.
template <class Work>
void for_chunks(std::ptrdiff_t n_chunks, Work&& work) {
    const auto n_threads =
        one_of_many() ? 1 : std::min<std::ptrdiff_t>(thread_limit().load(), n_chunks);
    if (n_threads <= 1) {
        for (std::ptrdiff_t chunk = 0; chunk < n_chunks; ++chunk) work(chunk);
        return;
    }
    std::atomic<std::ptrdiff_t> next{0};
    const auto loop = [&] {
        for (auto chunk = next++; chunk < n_chunks; chunk = next++) work(chunk);
    };
    std::vector<std::thread> others;
    others.reserve(static_cast<std::size_t>(n_threads - 1));
    for (std::ptrdiff_t t = 1; t < n_threads; ++t) others.emplace_back(loop);
    loop();
    for (auto& thread : others) thread.join();
}

}  // namespace partialpool
