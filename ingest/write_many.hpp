// Several payloads of one request: one commit for all of them, and an outcome for each.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/confirmation.hpp"
#include "http/message.hpp"
#include "ingest/services.hpp"
#include "ingest/snapshot.hpp"
#include "ingest/write_context.hpp"
#include "mapping/field_mapping.hpp"

namespace nexus::ingest {

/// A payload, and what became of it: it has been refused where `refusal` is set, else it is durable
/// once the request is answered.
struct write_item {
  std::string_view value;  ///< raw JSON, validated, for the source's mapping
  std::unique_ptr<mapping::mapped_fields> fields;  ///< instead of `value`: they are known already
  std::shared_ptr<const http::response> refusal;   ///< as if it had come alone
  std::shared_ptr<const std::string> payload_id;  ///< shared with the entry that has it
  /// How far it has come, where the source waits for the delivery and it was written now.
  std::unique_ptr<core::delivery_report> delivery;
};

/// A request, taken apart.
struct write_list {
  std::deque<std::string> texts;  ///< what items point into
  std::vector<write_item> items;
  /// The idempotency key of each; an empty one is none. Empty: no item has one.
  std::vector<std::string> keys;
  /// What else the body says of every item: with another such text it is another body.
  std::string shared;
  write_context context;
  http::request request;  ///< that they came with; its body is not needed any more
  /// Metadata that becomes the content where the mapping finds none; empty: there is no such.
  std::string_view content_from;
  /// Each payload counts as a request for the rate limit, and has a request id of its own; one that
  /// is refused, or of several one that might be too large for the log, means that none is written.
  bool as_single_requests = false;
  /// Whether the answer waits for the delivery where the source wants that.
  bool awaits_delivery = true;
};

/// Makes the answer once everything is known of each item.
using items_answer = std::function<http::response(std::span<const write_item>)>;

/// Claims the keys, counts the rate limit, maps, and makes durable what was not refused before, in
/// that order. Any thread; `source` belongs to `config`.
void write_many(const services_ptr& house, snapshot_ptr config, const active_source& source,
                write_list list, items_answer answer, http::respond_fn respond);

/// The key of one of several payloads that came under one key. No header can tell it apart from
/// another request's by accident: `kind` says what it was part of.
std::string item_key(std::string_view key, std::string_view kind, std::size_t index);

/// `refusal` for an item.
std::shared_ptr<const http::response> refuse_item(http::response why);

}  // namespace nexus::ingest
