#include "outgoing/event_sender.hpp"

#include <utility>

#include "core/json_object.hpp"
#include "outgoing/event_sink.hpp"

namespace nexus::outgoing {
namespace {

event_ptr make_event(const core::entry_ptr& entry, bool with_entry) {
  auto made = std::make_shared<event>();
  core::json_object object(made->head);
  object.text("event_type", "memory_written")
      .text("payload_id", entry->payload_id)
      .text("source", entry->source)
      .text("subject", entry->subject)
      .text("destination", entry->destination)
      .text("timestamp", entry->timestamp)
      .text("actor_type", entry->actor_type)
      .text("actor_id", entry->actor_id);
  if (with_entry) made->entry = entry;
  return made;
}

}  // namespace

event_sender::event_sender(event_options how, const core::logger_ptr& log, core::metrics& metrics) {
  for (const auto& sink : how.sinks) {
    any_full_ = any_full_ || sink.full;
    sinks_.push_back(std::make_unique<event_sink>(sink, how, log, metrics));
  }
}

event_sender::~event_sender() {
  stop(std::chrono::milliseconds(0));
}

void event_sender::written(std::span<const core::entry_ptr> entries) {
  for (const auto& entry : entries) {
    const auto made = make_event(entry, any_full_);
    for (const auto& sink : sinks_) sink->offer(made);
  }
}

void event_sender::stop(std::chrono::milliseconds budget) {
  const auto deadline = std::chrono::steady_clock::now() + budget;
  for (const auto& sink : sinks_) sink->request_stop(deadline);
  for (const auto& sink : sinks_) sink->join();
}

}  // namespace nexus::outgoing
