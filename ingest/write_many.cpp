#include "ingest/write_many.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>
#include <variant>

#include "core/log_line.hpp"
#include "core/random.hpp"
#include "ingest/access.hpp"
#include "ingest/key_note.hpp"
#include "ingest/source_entries.hpp"
#include "ingest/write_answers.hpp"

namespace nexus::ingest {
namespace {

/// While the claims of one request end one after the other, each of them may tell another request
/// to ask again, and asking looks at all of its keys. So those who are told meanwhile, on this
/// thread, ask once, when the last claim has ended.
class asking_later {
 public:
  asking_later() : outer_(std::exchange(current_, this)) {}
  ~asking_later() {
    current_ = outer_;
    for (const auto& ask : asks_) ask();
  }
  asking_later(const asking_later&) = delete;
  asking_later& operator=(const asking_later&) = delete;

  static void run(std::function<void()> ask) {
    if (current_ == nullptr) return ask();
    current_->asks_.push_back(std::move(ask));
  }

 private:
  static thread_local asking_later* current_;
  asking_later* outer_;
  std::vector<std::function<void()>> asks_;
};

thread_local asking_later* asking_later::current_ = nullptr;

/// Whether the log will have a line that is long enough for each of them.
bool surely_fits(const std::vector<core::entry_ptr>& entries) {
  return std::all_of(entries.begin(), entries.end(), [](const auto& entry) {
    // Everything else that an entry says in texts of any length stands in its payload, too.
    constexpr std::size_t others_max = 4096;
    if (2 * entry->payload.size() + others_max <= core::sure_json_bytes_max) return true;
    std::string json;
    return core::append_json(json, *entry).ok() && json.size() <= core::sure_json_bytes_max;
  });
}

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
  std::shared_ptr<const http::response> take_from_budget();
  std::vector<std::vector<core::entry_ptr>> make_writes();
  std::vector<std::vector<core::entry_ptr>> write_nothing();
  /// False: one is refused. The log would refuse it alone, and keep the others.
  bool all_fit(const std::vector<std::vector<core::entry_ptr>>& writes);
  std::shared_ptr<const http::response> translate(write_item& item, mapping::mapped_fields& out);
  void append(std::vector<std::vector<core::entry_ptr>> writes);
  bool waits_for_delivery() const {
    return list_.awaits_delivery && source_.settings.ack == config::ack_level::delivered;
  }
  std::vector<core::confirmation> confirmations();
  /// The log has answered: an outcome for each of `written_`.
  void finish(const std::vector<core::result<void>>& outcomes);
  /// The keys of what is durable stand for it from now on, the others are free again.
  void end_claims();
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
    bodies_.push_back(body_to_note(source_.settings, item.value, list_.shared));
}

void many_writes::ask() {
  auto turns = house_->idempotency.enter_all(
      source_.settings.name, list_.keys, source_.settings.dedup_window,
      [self = shared_from_this()] { asking_later::run([self] { self->ask(); }); });
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
    item.payload_id = std::make_shared<const std::string>(written.payload_id);
  }
  if (auto answer = repeated_response(written, bodies_[index]); answer.status != 200)
    item.refusal = refuse_item(std::move(answer));
}

bool many_writes::is_open(std::size_t index) const {
  const auto& item = list_.items[index];
  return !item.refusal && !item.payload_id && (repeats_.empty() || !repeats_[index]);
}

void many_writes::proceed() {
  if (const auto refused = take_from_budget()) {
    for (std::size_t i = 0; i < list_.items.size(); ++i)
      if (is_open(i)) list_.items[i].refusal = refused;
  }
  auto writes = make_writes();
  list_.texts = {};  // not needed while the log writes, and they may be large
  if (writes.empty()) {
    respond();
    return end_claims();
  }
  append(std::move(writes));
}

std::shared_ptr<const http::response> many_writes::take_from_budget() {
  auto budget = write_budget(source_);
  budget.record_security = !list_.as_single_requests;
  for (std::size_t i = 0; i < list_.items.size(); ++i) {
    if (!is_open(i)) continue;
    if (auto refused = check_rate(*house_, *config_, list_.request, budget))
      return refuse_item(std::move(*refused));
    if (!list_.as_single_requests) break;
  }
  return nullptr;
}

std::vector<std::vector<core::entry_ptr>> many_writes::make_writes() {
  const auto now = house_->options.clock();
  const source_entries entries(source_.settings, list_.context, now, now);
  std::vector<std::vector<core::entry_ptr>> writes;
  writes.reserve(list_.items.size());
  written_.reserve(list_.items.size());
  payload_ids ids(list_.items.size());
  auto notes = make_key_notes(house_->out, source_.settings, list_.keys, bodies_);
  for (std::size_t i = 0; i < list_.items.size(); ++i) {
    auto& item = list_.items[i];
    mapping::mapped_fields fields;
    if (is_open(i) && (item.refusal = translate(item, fields)) == nullptr) {
      if (list_.as_single_requests) list_.context.request_id = core::random_hex(16);
      const auto key = list_.keys.empty() ? std::string_view() : list_.keys[i];
      const auto& made = writes.emplace_back(
          entries.make({ids.next(), list_.context.request_id, std::move(fields), key, {}},
                       notes.empty() ? key_note{} : std::move(notes[i])));
      item.payload_id = {made.front(), &made.front()->payload_id};
      written_.push_back(i);
    }
    if (item.refusal && list_.as_single_requests) return write_nothing();
  }
  if (list_.as_single_requests && writes.size() > 1 && !all_fit(writes)) return write_nothing();
  return writes;
}

std::vector<std::vector<core::entry_ptr>> many_writes::write_nothing() {
  written_.clear();
  return {};
}

bool many_writes::all_fit(const std::vector<std::vector<core::entry_ptr>>& writes) {
  const auto large = std::find_if_not(writes.begin(), writes.end(), surely_fits);
  if (large == writes.end()) return true;
  const auto index = written_[static_cast<std::size_t>(large - writes.begin())];
  list_.items[index].refusal = refuse_item(entry_too_large_response());
  return false;
}

std::shared_ptr<const http::response> many_writes::translate(write_item& item,
                                                             mapping::mapped_fields& out) {
  out = item.fields ? std::move(*item.fields) : source_.fields.apply(item.value);
  if (out.content.empty() && !list_.content_from.empty()) {
    if (auto found = out.metadata.find(std::string(list_.content_from));
        found != out.metadata.end()) {
      out.content = std::move(found->second);
      out.metadata.erase(found);
    }
  }
  if (out.too_large) return refuse_item(entry_too_large_response());
  if (source_.settings.require_content && out.content.empty())
    return refuse_item(empty_content_response());
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
  if (!waits_for_delivery()) return wanted;
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
  if (waits_for_delivery() && accepted > 0) {
    awaited_ = accepted;
  } else {
    respond();
  }
  end_claims();
}

void many_writes::end_claims() {
  if (claims_.empty()) return;
  const asking_later together;
  std::vector<idempotency_store::settlement> durable;
  durable.reserve(written_.size());
  for (const auto index : written_)
    if (const auto& item = list_.items[index]; !item.refusal)
      durable.push_back({std::move(claims_[index]), *item.payload_id, bodies_[index]});
  idempotency_store::settle_all(durable);
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
  const auto number = std::to_string(index);
  std::string out;
  out.reserve(key.size() + kind.size() + number.size() + 2);
  ((((out += key) += '#') += kind) += '-') += number;
  return out;
}

void write_many(const services_ptr& house, snapshot_ptr config, const active_source& source,
                write_list list, items_answer answer, http::respond_fn respond) {
  std::make_shared<many_writes>(house, std::move(config), source, std::move(list),
                                std::move(answer), std::move(respond))
      ->run();
}

}  // namespace nexus::ingest
