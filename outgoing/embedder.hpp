// Embeddings: the numbers that a provider makes of a content (section 3.3 of the v0.1.2 behaviour,
// step 17). docs/embedding.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/log.hpp"
#include "core/metrics.hpp"

namespace nexus::outgoing {

enum class embedding_protocol {
  openai,  ///< POST URL/v1/embeddings
  ollama,  ///< POST URL/api/embeddings
};

struct embedder_options {
  embedding_protocol protocol = embedding_protocol::openai;
  std::string url;  ///< without a / at its end
  std::string api_key;
  std::string model;
  std::size_t dimensions = 1536;  ///< an embedding of another number of them counts as none
  std::chrono::milliseconds timeout{10'000};
  std::size_t calls_max = 64;  ///< on their way at once; beyond that there is none
};

/// Asks a provider. It has a thread of its own; a provider that is slow or down costs those who ask
/// at most the timeout, and nobody else anything.
class embedder {
 public:
  /// Told once, on the embedder's thread or the caller's. Empty: there is no embedding.
  using done_fn = std::function<void(std::vector<float>)>;

  /// `metrics` must outlive it.
  embedder(embedder_options how, core::logger_ptr log, core::metrics& metrics);
  ~embedder();
  embedder(const embedder&) = delete;
  embedder& operator=(const embedder&) = delete;

  /// Returns at once. Any thread.
  void embed(std::string_view content, done_fn done);

  /// Tells all who wait that there is none, and from now on everybody. Call it from one thread.
  void stop();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace nexus::outgoing
