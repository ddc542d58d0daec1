#include "outgoing/event_sink.hpp"

#include <algorithm>
#include <utility>

namespace nexus::outgoing {
namespace {

using std::chrono::milliseconds;

/// Requests on their way to one sink at the same time.
constexpr std::size_t calls_max = 8;
/// Of an answer, so that its connection can be used again.
constexpr std::size_t answer_bytes_max = 64 * 1024;
/// A sink that names a time is left alone for it, but not for ever.
constexpr std::chrono::seconds retry_after_max{300};

core::counter& counter_of(core::metrics& metrics, const char* what, const char* help) {
  return metrics.get_counter(std::string("bubblefish_events_") + what + "_total", help);
}

std::string shown_name(const sink_options& sink) {
  const auto host = host_of(sink.url);
  return "event sink \"" + sink.name + "\"" + (host.empty() ? "" : " (" + host + ")");
}

}  // namespace

event_sink::event_sink(sink_options how, const event_options& shared, core::logger_ptr log,
                       core::metrics& metrics)
    : how_(std::move(how)),
      shown_(shown_name(how_)),
      events_max_(shared.events_max),
      bytes_max_(shared.bytes_max),
      backoff_(shared.backoff),
      log_(std::move(log)),
      dropped_(counter_of(metrics, "dropped",
                          "Webhook events that were not sent: the buffer was full, or a stop.")),
      delivered_(counter_of(metrics, "delivered", "Webhook events that a sink took.")),
      retried_(counter_of(metrics, "retried", "Attempts to send a webhook event that failed, and "
                                              "that will be made again.")),
      failed_(counter_of(metrics, "failed", "Webhook events given up after the last attempt.")),
      calls_(answer_bytes_max),
      thread_([this] { loop(); }) {}

event_sink::~event_sink() {
  request_stop(clock::now());
  join();
}

void event_sink::join() {
  if (thread_.joinable()) thread_.join();
}

std::size_t event_sink::bytes_of(const event& what) const {
  return what.head.size() + (how_.full ? what.entry->payload.size() : 0);
}

void event_sink::offer(const event_ptr& what) {
  const std::size_t bytes = bytes_of(*what);
  bool warn = false;
  {
    const std::lock_guard lock(mutex_);
    const bool fits = events_ < events_max_ && (events_ == 0 || bytes_ + bytes <= bytes_max_);
    if (fits && !deadline_) {
      ++events_;
      bytes_ += bytes;
      dropping_ = false;
      // Else the thread has been woken and has not taken them yet.
      const bool wakes = fresh_.empty();
      fresh_.push_back(what);
      if (wakes) calls_.wake();
      return;
    }
    warn = !std::exchange(dropping_, true);
  }
  dropped_.add();
  if (warn) log_->warn(shown_ + ": its buffer is full, events for it are dropped");
}

void event_sink::request_stop(clock::time_point deadline) {
  const std::lock_guard lock(mutex_);
  if (!deadline_) deadline_ = deadline;
  calls_.wake();
}

void event_sink::loop() {
  while (const auto wait = time_to_next()) {
    calls_.run(*wait);
    begin_due();
  }
  calls_.abandon();
  const std::lock_guard lock(mutex_);
  dropped_.add(static_cast<double>(fresh_.size() + waiting_.size()));
  const std::size_t lost = fresh_.size() + waiting_.size();
  if (lost > 0)
    log_->warn(shown_ + ": " + std::to_string(lost) + " events were not sent before the stop");
}

std::optional<milliseconds> event_sink::time_to_next() {
  constexpr milliseconds longest{60'000};
  const auto now = clock::now();
  const auto until = [&](clock::time_point when) {
    return std::clamp(std::chrono::ceil<milliseconds>(when - now), milliseconds(0), longest);
  };
  const std::lock_guard lock(mutex_);
  if (deadline_ && (now >= *deadline_ || events_ == 0)) return std::nullopt;
  const bool has_room = calls_.size() < calls_max;
  if (has_room && (!fresh_.empty() || (deadline_ && !waiting_.empty()))) return milliseconds(0);
  auto wait = deadline_ ? until(*deadline_) : longest;
  if (has_room && !waiting_.empty()) wait = std::min(wait, until(waiting_.begin()->first));
  return wait;
}

void event_sink::begin_due() {
  while (calls_.size() < calls_max) {
    auto next = take_due();
    if (!next) return;
    begin(std::move(*next));
  }
}

std::optional<event_sink::attempt> event_sink::take_due() {
  const std::lock_guard lock(mutex_);
  if (!waiting_.empty() && (deadline_ || waiting_.begin()->first <= clock::now()))
    return std::move(waiting_.extract(waiting_.begin()).mapped());
  if (fresh_.empty()) return std::nullopt;
  attempt first{std::move(fresh_.front())};
  fresh_.pop_front();
  return first;
}

void event_sink::begin(attempt one) {
  http_call call;
  call.url = how_.url;
  call.timeout = how_.timeout;
  call.body.reserve(bytes_of(*one.what) + 16);
  call.body = one.what->head;
  if (how_.full) (call.body += ",\"content\":") += one.what->entry->payload;
  call.body += '}';
  calls_.begin(std::move(call),
               [this, one](const http_reply& reply) mutable { judge(std::move(one), reply); });
}

void event_sink::judge(attempt one, const http_reply& reply) {
  if (reply.status >= 200 && reply.status < 300) {
    delivered_.add();
    if (std::exchange(failing_, false)) log_->info(shown_ + " takes events again");
    return leave(*one.what);
  }
  note_failure(reply);
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    stopping = deadline_.has_value();
  }
  if (!stopping && one.failures < how_.retries_max) return retry_later(std::move(one), reply);
  failed_.add();
  leave(*one.what);
}

void event_sink::note_failure(const http_reply& reply) {
  if (std::exchange(failing_, true)) return;
  log_->warn(shown_ + " does not take events: " +
             (reply.status != 0 ? "HTTP " + std::to_string(reply.status) : reply.problem));
}

void event_sink::retry_later(attempt one, const http_reply& reply) {
  milliseconds wait = backoff_[std::min(one.failures, backoff_.size() - 1)];
  if (reply.retry_after)
    wait = std::max<milliseconds>(wait, std::min(*reply.retry_after, retry_after_max));
  ++one.failures;
  waiting_.emplace(clock::now() + wait, std::move(one));
  retried_.add();
}

void event_sink::leave(const event& what) {
  const std::lock_guard lock(mutex_);
  --events_;
  bytes_ -= bytes_of(what);
}

}  // namespace nexus::outgoing
