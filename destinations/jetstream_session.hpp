// One connection to a NATS server, as the JetStream destination uses it. Belongs to one thread; the
// client library's own threads read and write the socket and hand replies over through a queue.
//
// The library's reconnecting is off: it would keep messages of a lost connection in a buffer of its
// own, and report refused credentials on another thread. Who uses a session connects anew.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "destinations/destination.hpp"
#include "destinations/jetstream.hpp"
#include "destinations/jetstream_message.hpp"

namespace nexus::destinations {

/// A reply to a published message.
struct jetstream_reply {
  std::uint64_t token = 0;
  /// Nobody listens on the subject: no stream has it, or its stream has no leader.
  bool no_responders = false;
  std::string body;
};

/// What is known about a stream.
struct stream_state {
  bool exists = false;
  std::vector<std::string> subjects;
};

class jetstream_session {
 public:
  using milliseconds = std::chrono::milliseconds;

  explicit jetstream_session(const jetstream_options& options);
  /// Closes.
  ~jetstream_session();
  jetstream_session(const jetstream_session&) = delete;
  jetstream_session& operator=(const jetstream_session&) = delete;

  bool connected() const;
  /// Connects to one of the servers, whichever answers within `timeout`. Nothing: done. Otherwise
  /// `unreachable` or `config_fault`.
  std::optional<outcome> connect(milliseconds timeout);
  /// May take as long as one blocked write, a second.
  void close();

  /// Hands a message over for sending. Nothing: done, an answer may come. `permanent`: it is too
  /// large for the server. `unreachable`: the connection is of no use any more and was closed.
  std::optional<outcome> publish(const jetstream_message& message, std::uint64_t token);
  /// The replies that have come, in their order, as soon as `wanted` are there or the time is over:
  /// waking up for each of them costs more than the rest of its way.
  std::vector<jetstream_reply> replies(std::size_t wanted, std::chrono::milliseconds wait);
  /// What the server said last about a missing right on this connection; it names the subject.
  std::optional<std::string> refused_right() const;

  /// Asks for the stream. Fails with `unreachable` where nobody answers in time.
  std::optional<outcome> find_stream(stream_state& found, milliseconds timeout);
  std::optional<outcome> create_stream(milliseconds timeout);

 private:
  struct handles;
  const jetstream_options options_;
  std::unique_ptr<handles> handles_;
};

}  // namespace nexus::destinations
