// Reads a document that somebody else's server has.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>

#include "core/result.hpp"

namespace nexus::cli {

/// What a fetch may take.
struct fetch_limits {
  std::chrono::seconds timeout{10};  ///< for all of it
  std::size_t body_bytes_max = 1024 * 1024;
  const std::atomic<bool>* give_up = nullptr;  ///< looked at about once a second
};

/// GET of an http or https URL. The certificate is checked against the system's; redirections are
/// followed, but not from https to http; the proxies of the environment are used. Blocks. Errors:
/// `unreachable` with the reason, also for an answer other than 200; `too_large`.
core::result<std::string> fetch(const std::string& url, const fetch_limits& within = {});

}  // namespace nexus::cli
