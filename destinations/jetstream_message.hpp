// The message that an entry becomes.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/entry.hpp"
#include "destinations/jetstream.hpp"

namespace nexus::destinations {

struct jetstream_message {
  std::string subject;
  std::vector<std::pair<const char*, std::string>> headers;
  /// Part of the entry, which must outlive this.
  std::string_view data;
};

/// A header's value: control characters, `%`, and blanks at either end are percent-encoded (RFC
/// 3986), so that no value ends a header, and different values stay different. UTF-8 stays.
std::string header_value(std::string_view text);

/// "<destination>:<payload id>". With the destination, because an entry goes to each of its
/// destinations under the same payload id: two of them that share a stream would take each other's
/// messages for repeated ones.
std::string message_id(const core::entry& entry);

jetstream_message make_message(const jetstream_options& options, const core::entry& entry);

}  // namespace nexus::destinations
