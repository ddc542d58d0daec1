// The JetStream destination: each entry becomes one message of a stream of NATS.
// docs/destinations/jetstream.md says how an entry becomes a message, and how answers of JetStream
// become outcomes.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "destinations/destination.hpp"
#include "destinations/registry.hpp"

namespace nexus::destinations {

struct jetstream_options {
  /// nats:// or tls://, without user and password; servers of one cluster.
  std::vector<std::string> urls;
  /// The stream that must take the messages.
  std::string stream;
  /// Where to publish; nats_subject.hpp has the placeholders.
  std::string subject = "nexus.{source}";
  /// At most one of: token; user and password; credentials_file.
  std::string token;
  std::string user;
  std::string password;
  std::string credentials_file;
  /// With any of these, or a tls:// URL, the connection is encrypted. The certificate and its key
  /// go together.
  std::string ca_file;
  std::string cert_file;
  std::string key_file;
  /// Creates the stream, for all that `subject` makes, when it is first needed and missing.
  bool create_stream = false;
  /// For that: copies in the cluster, and how long the stream knows a message id.
  int replicas = 1;
  std::chrono::seconds duplicate_window{120};
  /// How long a call may take, connecting included.
  std::chrono::milliseconds timeout{30'000};
};

/// Delivers into a stream. Connecting waits for the first `deliver` or `ping`, and is tried again
/// by each call after a failure.
///
/// `deliver` publishes the whole batch, and sends again under the same message id what is not
/// acknowledged, until the timeout. The stream drops what it has had within its duplicate window.
/// An acknowledged message is on a majority of the stream's replicas, but not necessarily synced to
/// a disk. If `deliver` never returns, any of its entries may be in the stream.
///
/// `exists` is unsupported: JetStream cannot look a message up by its id.
std::unique_ptr<destination> make_jetstream(const jetstream_options& options);

/// The type "jetstream". Not in order: a message whose acknowledgement was lost is sent again after
/// those behind it.
type_info jetstream_type();

}  // namespace nexus::destinations
