// What a test and the process under test share: a file that both have mapped. faulty_calls.cpp,
// which is preloaded into that process, carries the plan out.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace nexus::proof {

/// The kinds of calls that change files, each with all its forms (pwritev is a write).
enum class call : std::uint32_t { open, write, sync, rename, unlink, truncate, allocate };
constexpr std::size_t call_kinds = 7;
constexpr std::array<const char*, call_kinds> call_names{"open",   "write",    "sync",    "rename",
                                                         "unlink", "truncate", "allocate"};

enum class fault : std::uint32_t {
  none,         ///< only counts
  error,        ///< the call fails, and does nothing
  cut_short,    ///< a write writes half of its bytes, and says so
  kill_before,  ///< SIGKILL instead of the call
  kill_after    ///< SIGKILL when the call has been carried out
};

struct fault_plan {
  // Written by the test before the process starts.
  std::array<char, 4096> paths{};  ///< files whose absolute paths begin with this are meant
  fault how = fault::none;
  int error_number = 0;  ///< of fault::error
  bool lasting = false;  ///< every call from then on fails, not only one
  /// The number of the call that fails, from 1. The test may change it at any time.
  std::atomic<std::uint64_t> at = 0;

  // Written by the process.
  std::atomic<std::uint64_t> calls = 0;  ///< those that the fault can happen to
  std::atomic<std::uint64_t> fired = 0;
  std::atomic<std::uint32_t> fired_in = 0;  ///< the kind of call that failed first
  std::array<std::atomic<std::uint64_t>, call_kinds> of_kind{};  ///< all calls on those files
  std::atomic<bool> ended = false;  ///< the process has left by itself: neither killed nor crashed
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "it is shared between processes");

/// The variable of the environment that names the file.
constexpr const char* fault_plan_variable = "NEXUS_FAULT_PLAN";

}  // namespace nexus::proof
