#include "destinations/jetstream_message.hpp"

#include "destinations/nats_subject.hpp"

namespace nexus::destinations {

std::string header_value(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string value;
  value.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool at_end = i == 0 || i + 1 == text.size();
    if (byte < ' ' || byte == 0x7f || byte == '%' || (byte == ' ' && at_end)) {
      value += '%';
      value += digits[byte >> 4];
      value += digits[byte & 0xf];
    } else {
      value += text[i];
    }
  }
  return value;
}

std::string message_id(const core::entry& entry) {
  return header_value(entry.destination + ':' + entry.payload_id);
}

jetstream_message make_message(const jetstream_options& options, const core::entry& entry) {
  jetstream_message message;
  message.subject = make_subject(options.subject, entry);
  message.headers = {{"Nats-Msg-Id", message_id(entry)},
                     {"Nats-Expected-Stream", options.stream},
                     {"Nexus-Payload-Id", header_value(entry.payload_id)}};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) message.headers.emplace_back(name, header_value(value));
  };
  add("Nexus-Source", entry.source);
  add("Nexus-Subject", entry.subject);
  add("Nexus-Timestamp", entry.timestamp);
  add("Idempotency-Key", entry.idempotency_key);
  message.data = entry.payload;
  return message;
}

}  // namespace nexus::destinations
