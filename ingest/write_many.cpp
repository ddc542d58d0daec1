#include "ingest/write_many.hpp"

#include <atomic>
#include <chrono>
#include <utility>
#include <variant>

#include "core/random.hpp"
#include "http/errors.hpp"
#include "ingest/key_note.hpp"
#include "ingest/source_entries.hpp"
#include "ingest/write_answers.hpp"

namespace nexus::ingest {
namespace {

/// A request on its way. Kept alive by whoever has the next step: the caller, the idempotency store
/// while it waits for another request, or the log. Whoever drops it unanswered drops `respond_`
/// (which answers 500) and the claims on its keys.
class many_writes : public std::enable_shared_from_this<many_writes> {
 public:
  many_writes(services_ptr house, snapshot_ptr config, const active_source& source, write_list list,
              items_answer answer, http::respond_fn respond)
      : house_(std::move(house)),
        config_(std::move(config)),
        source_(source),
        list_(std::move(list)),
        answer_(std::move(answer)),
        respond_(std::move(respond)),
        started_(house_->options.steady_clock()) {}

  void run() {
    if (!source_.settings.idempotency_enabled || list_.keys.empty()) return proceed();
    note_bodies();
    ask();
  }

 private:
  void note_bodies();
  /// Asks for all keys in one step; as often as it takes until no other request holds one of them.
  void ask();
  void take(std::size_t index, idempotency_store::item_turn turn);

  void proceed();
  /// Still to be written.
  bool is_open(std::size_t index) const;
  std::shared_ptr<const http::response> check_rate();
  std::vector<std::vector<core::entry_ptr>> make_writes();
  std::shared_ptr<const http::response> translate(std::size_t index, core::time_point now,
                                                  translated_payload& out);
  void append(std::vector<std::vector<core::entry_ptr>> writes);
  std::vector<core::confirmation> confirmations();
  /// The log has answered: an outcome for each of `written_`.
  void finish(const std::vector<core::result<void>>& outcomes);
  /// For a client that waits for the delivery: how far one item has come, after finish().
  void confirm(std::size_t index, const core::delivery_report& report);
  void respond();

  const services_ptr house_;
  const snapshot_ptr config_;
  const active_source& source_;
  write_list list_;
  const items_answer answer_;
  const http::respond_fn respond_;
  const std::chrono::steady_clock::time_point started_;
  // One for each item where there are keys, else empty.
  std::vector<idempotency_store::body_digest> bodies_;  ///< where the source compares them
  std::vector<idempotency_store::claim> claims_;
  std::vector<std::optional<std::size_t>> repeats_;  ///< the earlier item with the same key

  std::vector<std::size_t> written_;     ///< items handed to the log, in order
  std::atomic<std::size_t> awaited_{0};  ///< deliveries
};

void many_writes::note_bodies() {
  const std::size_t count = list_.items.size();
  claims_.resize(count);
  repeats_.resize(count);
  bodies_.reserve(count);
  for (const auto& item : list_.items)
    bodies_.push_back(body_to_note(source_.settings, item.value));
}

void many_writes::ask() {
  auto turns = house_->idempotency.enter_all(source_.settings.name, list_.keys,
                                             source_.settings.dedup_window,
                                             [self = shared_from_this()] { self->ask(); });
  if (!turns) return;
  for (std::size_t i = 0; i < turns->size(); ++i) take(i, std::move((*turns)[i]));
  proceed();
}

void many_writes::take(std::size_t index, idempotency_store::item_turn turn) {
  auto& item = list_.items[index];
  if (item.refusal) return;
  idempotency_store::original written;
  if (auto* claim = std::get_if<idempotency_store::claim>(&turn)) {
    claims_[index] = std::move(*claim);
    return;
  }
  if (const auto* earlier = std::get_if<idempotency_store::repetition>(&turn)) {
    repeats_[index] = earlier->of;
    written.body = bodies_[earlier->of];
  } else {
    written = std::get<idempotency_store::original>(std::move(turn));
    item.payload_id = written.payload_id;
  }
  if (auto answer = repeated_response(written, bodies_[index]); answer.status != 200)
    item.refusal = refuse_item(std::move(answer));
}

bool many_writes::is_open(std::size_t index) const {
  const auto& item = list_.items[index];
  return !item.refusal && item.payload_id.empty() && (repeats_.empty() || !repeats_[index]);
}

void many_writes::proceed() {
  if (const auto refused = check_rate()) {
    for (std::size_t i = 0; i < list_.items.size(); ++i)
      if (is_open(i)) list_.items[i].refusal = refused;
  }
  auto writes = make_writes();
  list_.texts = {};  // not needed while the log writes, and they may be large
  if (writes.empty()) return respond();
  append(std::move(writes));
}

std::shared_ptr<const http::response> many_writes::check_rate() {
  const auto& settings = source_.settings;
  for (std::size_t i = 0; i < list_.items.size(); ++i) {
    if (!is_open(i)) continue;
    if (const auto wait = house_->rate.count(settings.name, settings.requests_per_minute)) {
      source_.rate_limit_hits.add();
      return refuse_item(http::error_response(429, "rate_limit_exceeded",
                                              "too many requests from this source", *wait));
    }
    if (!list_.as_single_requests) break;
  }
  return nullptr;
}

std::vector<std::vector<core::entry_ptr>> many_writes::make_writes() {
  const auto& settings = source_.settings;
  const auto now = house_->options.clock();
  const std::string no_key;
  std::vector<std::vector<core::entry_ptr>> writes;
  writes.reserve(list_.items.size());
  written_.reserve(list_.items.size());
  translated_payload payload;
  for (std::size_t i = 0; i < list_.items.size(); ++i) {
    auto& item = list_.items[i];
    if (is_open(i)) {
      if ((item.refusal = translate(i, now, payload)) == nullptr) {
        item.payload_id = payload.payload_id;
        const auto& key = list_.keys.empty() ? no_key : list_.keys[i];
        writes.push_back(make_source_entries(
            settings, std::move(payload),
            make_key_note(house_->out, settings, key,
                          bodies_.empty() ? idempotency_store::body_digest{} : bodies_[i]),
            now));
        written_.push_back(i);
      }
    }
    if (item.refusal && list_.as_single_requests) {
      written_.clear();
      return {};
    }
  }
  return writes;
}

std::shared_ptr<const http::response> many_writes::translate(std::size_t index,
                                                             core::time_point now,
                                                             translated_payload& out) {
  auto& item = list_.items[index];
  auto fields = item.fields ? std::move(*item.fields) : source_.fields.apply(item.value);
  if (fields.content.empty() && !list_.content_from.empty()) {
    if (auto found = fields.metadata.find(std::string(list_.content_from));
        found != fields.metadata.end()) {
      fields.content = std::move(found->second);
      fields.metadata.erase(found);
    }
  }
  if (fields.too_large) return refuse_item(entry_too_large_response());
  if (source_.settings.require_content && fields.content.empty())
    return refuse_item(empty_content_response());
  if (list_.as_single_requests) list_.context.request_id = core::random_hex(16);
  out = make_payload(source_.settings, list_.context, std::move(fields),
                     list_.keys.empty() ? std::string() : list_.keys[index], now);
  return nullptr;
}

void many_writes::append(std::vector<std::vector<core::entry_ptr>> writes) {
  house_->out.append_batch(
      std::move(writes),
      [self = shared_from_this()](const std::vector<core::result<void>>& outcomes) {
        self->finish(outcomes);
      },
      confirmations());
}

std::vector<core::confirmation> many_writes::confirmations() {
  std::vector<core::confirmation> wanted;
  if (source_.settings.ack != config::ack_level::delivered) return wanted;
  wanted.reserve(written_.size());
  for (const auto index : written_)
    wanted.push_back({source_.settings.ack_timeout,
                      [self = shared_from_this(), index](const core::delivery_report& report) {
                        self->confirm(index, report);
                      }});
  return wanted;
}

void many_writes::finish(const std::vector<core::result<void>>& outcomes) {
  std::size_t accepted = 0;
  const core::error* last = nullptr;
  std::shared_ptr<const http::response> refusal;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (outcomes[i].ok()) {
      ++accepted;
      continue;
    }
    const core::error& why = outcomes[i].reason();
    if (last == nullptr || last->code != why.code)
      refusal = refuse_item(append_failed_response(*house_, why));
    last = &why;
    list_.items[written_[i]].refusal = refusal;
  }
  if (accepted > 0) {
    note_appended(*house_);
    source_.throughput.add(static_cast<double>(accepted));
  }
  if (source_.settings.ack == config::ack_level::delivered && accepted > 0) {
    awaited_ = accepted;
  } else {
    respond();
  }
  if (claims_.empty()) return;
  for (const auto index : written_)
    if (const auto& item = list_.items[index]; !item.refusal)
      claims_[index].settle({item.payload_id, bodies_[index]});
  claims_.clear();
}

void many_writes::confirm(std::size_t index, const core::delivery_report& report) {
  list_.items[index].delivery = std::make_unique<core::delivery_report>(report);
  if (--awaited_ == 0) respond();
}

void many_writes::respond() {
  for (std::size_t i = 0; i < repeats_.size(); ++i) {
    if (!repeats_[i] || list_.items[i].refusal) continue;
    list_.items[i].refusal = list_.items[*repeats_[i]].refusal;
    list_.items[i].payload_id = list_.items[*repeats_[i]].payload_id;
  }
  if (!written_.empty()) source_.write_latency.observe(house_->seconds_since(started_));
  respond_(answer_(list_.items));
}

}  // namespace

std::shared_ptr<const http::response> refuse_item(http::response why) {
  return std::make_shared<const http::response>(std::move(why));
}

std::string item_key(std::string_view key, std::string_view kind, std::size_t index) {
  if (key.empty()) return {};
  std::string out(key);
  return (((out += '#') += kind) += '-') += std::to_string(index);
}

void write_many(const services_ptr& house, snapshot_ptr config, const active_source& source,
                write_list list, items_answer answer, http::respond_fn respond) {
  std::make_shared<many_writes>(house, std::move(config), source, std::move(list),
                                std::move(answer), std::move(respond))
      ->run();
}

}  // namespace nexus::ingest
