#include "cli/consistency.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace nexus::cli {
namespace {

/// Entries that one question to a destination is about.
constexpr std::size_t lookup_entries_max = 256;
constexpr std::size_t lookup_bytes_max = 8 * 1024 * 1024;
/// Entries that wait for the second look; beyond that the oldest count as missing at once. They
/// were delivered long before the others.
constexpr std::size_t suspects_max = 1'000;
constexpr std::size_t suspects_bytes_max = 32 * 1024 * 1024;

constexpr std::size_t logged_ids_max = 20;

core::error stopped() {
  return {core::errc::closed, "the consistency check was stopped"};
}

/// Entries in a row, and how large they are.
struct parcel {
  std::vector<core::entry> entries;
  std::size_t bytes = 0;

  void add(core::entry one) {
    bytes += one.payload.size();  // nothing where it is not kept
    entries.push_back(std::move(one));
  }
};

/// One run: entries go in one by one, and are looked up in batches, each destination for itself.
class inspection {
 public:
  inspection(const consistency_source& from, const ingest::consistency_choice& what,
             std::stop_token stop)
      : from_(from), what_(what), stop_(std::move(stop)) {
    for (const auto& name : from.destinations)
      if (what.destination.empty() || what.destination == name) all_[name].result.name = name;
  }

  core::result<void> add(const core::entry& one) {
    if (stop_.stop_requested()) return stopped();
    const bool nameless = one.destination.empty() && !from_.destinations.empty();
    const auto& name = nameless ? from_.destinations.front() : one.destination;
    if (!what_.destination.empty() && name != what_.destination) return {};
    auto& its = all_[name];
    if (its.result.name.empty()) {  // its destination was taken out of the configuration
      its.result.name = name;
      its.result.skipped = "it is not configured";
    }
    if (!its.result.skipped.empty()) return {};
    its.fresh.add(copy_of(one, name));
    if (its.fresh.entries.size() < lookup_entries_max && its.fresh.bytes < lookup_bytes_max)
      return {};
    return look_up(its);
  }

  /// To be called once everything was added.
  core::result<ingest::consistency_report> finish(std::chrono::milliseconds until_second_look) {
    bool suspicious = false;
    for (auto& [name, its] : all_) {
      if (auto done = look_up(its); !done) return done.reason();
      suspicious = suspicious || !its.suspects.entries.empty();
    }
    if (suspicious && !wait(until_second_look)) return stopped();
    for (auto& [name, its] : all_)
      if (auto done = look_again(its); !done) return done.reason();
    ingest::consistency_report report;
    for (auto& [name, its] : all_) report.destinations.push_back(std::move(its.result));
    report.redelivered = redelivered_;
    return report;
  }

 private:
  struct one_destination {
    ingest::destination_consistency result;
    std::set<std::string> named;  ///< what `result.missing` holds
    parcel fresh;                 ///< not looked up yet
    parcel suspects;              ///< looked up, and not found
  };

  core::entry copy_of(const core::entry& one, const std::string& destination) const {
    core::entry copy;
    if (what_.redeliver) copy = one;
    copy.payload_id = one.payload_id;
    copy.destination = destination;
    return copy;
  }

  /// Moves what is not there from `which` to `missing`. False: the destination cannot say.
  core::result<bool> find(one_destination& in, parcel which, std::vector<core::entry>& missing) {
    if (stop_.stop_requested()) return stopped();
    std::vector<std::string> ids;
    for (const auto& one : which.entries) ids.push_back(one.payload_id);
    const auto there = from_.exists(in.result.name, std::move(ids));
    if (!there && there.reason().code == core::errc::closed) return there.reason();
    if (!there || there->size() != which.entries.size()) {
      in.result.skipped = there ? "its answer does not fit the question" : there.reason().text;
      return false;
    }
    for (std::size_t i = 0; i < which.entries.size(); ++i)
      if (!(*there)[i]) missing.push_back(std::move(which.entries[i]));
    return true;
  }

  core::result<void> look_up(one_destination& in) {
    if (in.fresh.entries.empty()) return {};
    const auto count = in.fresh.entries.size();
    std::vector<core::entry> missing;
    const auto asked = find(in, std::exchange(in.fresh, {}), missing);
    if (!asked) return asked.reason();
    if (!*asked) return {};
    in.result.looked_up += count;
    in.result.found += count;  // until the second look says otherwise
    for (auto& one : missing) in.suspects.add(std::move(one));
    if (in.suspects.entries.size() <= suspects_max && in.suspects.bytes <= suspects_bytes_max)
      return {};
    return note_missing(in, std::exchange(in.suspects, {}).entries);
  }

  core::result<void> look_again(one_destination& in) {
    auto suspects = std::exchange(in.suspects, {});
    for (std::size_t begin = 0; begin < suspects.entries.size(); begin += lookup_entries_max) {
      const auto end = std::min(begin + lookup_entries_max, suspects.entries.size());
      parcel some;
      for (auto i = begin; i < end; ++i) some.add(std::move(suspects.entries[i]));
      std::vector<core::entry> missing;
      const auto asked = find(in, std::move(some), missing);
      if (!asked) return asked.reason();
      if (!*asked) {  // nobody knows what has become of these
        in.result.looked_up -= suspects.entries.size() - begin;
        in.result.found -= suspects.entries.size() - begin;
        return {};
      }
      if (auto noted = note_missing(in, missing); !noted) return noted;
    }
    return {};
  }

  core::result<void> note_missing(one_destination& in, const std::vector<core::entry>& missing) {
    in.result.found -= missing.size();
    for (const auto& one : missing) {
      // Delivered twice, so that the log has it twice: it is missing once.
      if (in.named.contains(one.payload_id)) {
        --in.result.looked_up;
      } else if (in.named.size() < ingest::consistency_ids_max) {
        in.named.insert(one.payload_id);
        in.result.missing.push_back(one.payload_id);
      }
    }
    if (!what_.redeliver) return {};
    const auto sent = from_.redeliver(missing);
    if (!sent) return sent.reason();
    redelivered_ += *sent;
    return {};
  }

  /// False: not to the end, since a stop was asked for.
  bool wait(std::chrono::milliseconds time) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop_, time, [] { return false; });
    return !stop_.stop_requested();
  }

  const consistency_source& from_;
  const ingest::consistency_choice& what_;
  const std::stop_token stop_;
  std::map<std::string, one_destination> all_;
  std::uint64_t redelivered_ = 0;
};

/// The sample that is asked for. That of one destination is drawn from its own entries.
core::result<std::vector<core::entry>> draw(const consistency_source& from,
                                            const ingest::consistency_choice& what) {
  if (what.destination.empty()) return from.sample_delivered(what.sample);
  const bool is_first = from.destinations.front() == what.destination;
  std::mt19937_64 random(std::random_device{}());
  std::vector<core::entry> sample;
  std::uint64_t seen = 0;
  auto read = from.delivered_entries([&](const core::entry& one) -> core::result<void> {
    if (one.destination != what.destination && !(is_first && one.destination.empty())) return {};
    // Reservoir sampling: the n-th entry takes a place with probability count / n.
    ++seen;
    if (sample.size() < what.sample)
      sample.push_back(one);
    else if (const auto place = random() % seen; place < what.sample)
      sample[place] = one;
    return {};
  });
  if (!read) return read.reason();
  return sample;
}

std::string missing_text(const ingest::destination_consistency& one) {
  std::string text =
      fmt::format("{}: {} of {} are missing", one.name, one.looked_up - one.found, one.looked_up);
  const auto shown = std::min(one.missing.size(), logged_ids_max);
  for (std::size_t i = 0; i < shown; ++i) text += (i == 0 ? ": " : ", ") + one.missing[i];
  const auto more = one.looked_up - one.found - shown;
  if (more > 0) text += fmt::format(" and {} more", more);
  return text;
}

}  // namespace

core::result<ingest::consistency_report> check_consistency(
    const consistency_source& from, const ingest::consistency_choice& what, std::stop_token stop,
    std::chrono::milliseconds until_second_look) {
  const auto& known = from.destinations;
  if (!what.destination.empty() &&
      std::find(known.begin(), known.end(), what.destination) == known.end())
    return core::error{core::errc::not_found, "there is no destination " + what.destination};
  inspection run(from, what, std::move(stop));
  const auto add = [&](const core::entry& one) { return run.add(one); };
  if (what.all) {
    if (auto read = from.delivered_entries(add); !read) return read.reason();
  } else {
    const auto sample = draw(from, what);
    if (!sample) return sample.reason();
    for (const auto& one : *sample)
      if (auto added = add(one); !added) return added.reason();
  }
  return run.finish(until_second_look);
}

void log_report(const ingest::consistency_report& report, core::logger& log) {
  const double score = ingest::consistency_score(report);
  std::string text = fmt::format("consistency score {:.3f}", score);
  for (const auto& one : report.destinations) {
    if (one.looked_up > one.found) text += "; " + missing_text(one);
    if (!one.skipped.empty()) text += "; " + one.name + " was left out: " + one.skipped;
  }
  if (report.redelivered > 0)
    text += fmt::format("; {} are delivered once more", report.redelivered);
  if (score < 0.80) return log.error(text);
  if (score < 0.95) return log.warn(text);
  log.info(text);
}

}  // namespace nexus::cli
