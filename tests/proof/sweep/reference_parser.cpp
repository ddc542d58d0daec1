#include "tests/proof/sweep/reference_parser.hpp"

#include <algorithm>
#include <charconv>

#include "tests/wal/reference_json.hpp"

namespace nexus::test::sweep {
namespace {

const std::string dead_letter_file = "dead-letter.jsonl";
const std::set<std::string> statuses{"PENDING", "DELIVERED", "PERMANENT_FAILURE", "REDRIVEN",
                                     "PURGED"};

struct entry {
  std::string file, id, destination, source, key, status, failed_at;
  bool shares_key(const entry& o) const {
    return !key.empty() && key == o.key && source == o.source && destination == o.destination;
  }
};

/// What has become of the entries of all lines so far.
class book {
 public:
  void add(const line& one, const std::string& file) {
    if (one["entry_type"] == "status") return mark(one);
    if (!one["entry_type"].empty() || !statuses.contains(one["status"])) return;
    all_.push_back({file, one["payload_id"], one["destination"], one["source"],
                    one["idempotency_key"], one["status"], one["failed_at"]});
    merge_copy(all_.back());
  }

  void tell(prediction& out) const {
    for (const auto& one : all_) {
      out.entries.push_back(one.id);
      if (one.status == "PENDING" && &leader_of(one) == &one) out.pending.push_back(one.id);
      if (one.status == "PERMANENT_FAILURE") out.dead.push_back(one.id);
    }
  }

 private:
  /// The pending entry that a pending one follows; itself if it follows none.
  const entry& leader_of(const entry& one) const {
    return *std::find_if(all_.begin(), all_.end(), [&](const entry& o) {
      return &o == &one || (o.status == "PENDING" && o.shares_key(one));
    });
  }

  /// A dead letter whose copy is in the dead-letter file is one with it.
  void merge_copy(entry& one) const {
    if (one.status != "PERMANENT_FAILURE" || one.file == dead_letter_file) return;
    for (const auto& o : all_)
      if (o.file == dead_letter_file && o.status == one.status && o.id == one.id &&
          o.destination == one.destination && o.failed_at == one.failed_at)
        one.status = "MOVED";
  }

  void mark(const line& by) {
    const auto word = by["mark"];
    const auto ids = by.members.find("ids");
    if (!statuses.contains(word) || word == "PENDING" || ids == by.members.end()) return;
    const auto names = strings_in(ids->second);
    const auto times = by.members.find("failed_at");
    std::vector<std::string> failed;
    if (times != by.members.end()) failed = strings_in(times->second);
    if (failed.size() != names.size()) failed.assign(names.size(), "");
    for (std::size_t i = 0; i < names.size(); ++i) mark_one(names[i], word, by, failed[i]);
  }

  /// Of an array without escapes.
  static std::vector<std::string> strings_in(const std::string& raw) {
    std::vector<std::string> all;
    for (auto at = raw.find('"'); at != raw.npos; at = raw.find('"', raw.find('"', at + 1) + 1))
      all.push_back(raw.substr(at + 1, raw.find('"', at + 1) - at - 1));
    return all;
  }

  void mark_one(const std::string& id, const std::string& word, const line& by,
                const std::string& failed) {
    const bool is_delivery = word == "DELIVERED" || word == "PERMANENT_FAILURE";
    const auto named = [&](const entry& one) {
      return one.id == id &&
             (one.destination == by["destination"] || (is_delivery && by["destination"].empty()));
    };
    std::vector<entry*> marked;
    for (auto& one : all_)
      if (is_delivery ? one.status == "PENDING" && (named(one) || named(leader_of(one)))
                      : one.status == "PERMANENT_FAILURE" && named(one) && marked.empty() &&
                            (one.failed_at == failed || one.failed_at.empty() || failed.empty()))
        marked.push_back(&one);
    for (auto* one : marked) one->status = word;
    if (!is_delivery) return;
    for (auto* one : marked) one->failed_at = by["timestamp"];
    for (auto* one : marked) merge_copy(*one);
  }

  std::vector<entry> all_;
};

std::uint64_t number(const std::string& raw) {
  std::uint64_t value = 0;
  std::from_chars(raw.data(), raw.data() + raw.size(), value);
  return value;
}

/// Reads the files one after the other.
class reader {
 public:
  explicit reader(const reading_rules& rules) : rules_(rules) {}

  void read(const std::string& file, const std::string& bytes, bool is_newest) {
    auto lines = split_lines(bytes);
    const bool is_cut = (is_newest || file == dead_letter_file) && !bytes.ends_with('\n');
    std::uint64_t synced = 0;
    for (auto& one : lines) {
      classify(one, file, rules_);
      if (one.is == line_class::whole && one["entry_type"] == "synced")
        synced = std::max(synced, number(one.members["offset"]));
    }
    for (const auto& one : lines) {
      count(one);
      if (one.is == line_class::blank) continue;
      if (one.is == line_class::whole) {
        take(one, file);
        continue;
      }
      const bool is_unsynced = is_cut && one.offset >= synced && may_be_torn(one.is);
      ++out_.damage[is_unsynced ? line_class::torn : one.is];
      const bool is_piece = is_unsynced && &one == &lines.back() && one.is == line_class::torn;
      if (!is_piece) out_.copies.insert({file, one.text});
    }
  }

  prediction finish() {
    out_.is_refused = lacks_key_ || (encrypted_ == 0 && undecrypted_ > 0) ||
                      (signed_ == 0 && out_.damage[line_class::bad_mac] >= 10);
    book_.tell(out_);
    return std::move(out_);
  }

 private:
  static bool may_be_torn(line_class is) {
    return is == line_class::torn || is == line_class::bad_sentinel || is == line_class::bad_crc;
  }

  void count(const line& one) {
    lacks_key_ = lacks_key_ || one.is == line_class::no_key;
    if (one.is_encrypted) ++(one.is == line_class::whole ? encrypted_ : undecrypted_);
    if (one.is_signed) ++signed_;
  }

  void take(const line& one, const std::string& file) {
    const auto type = one["entry_type"];
    if (type == "seal" || (type.empty() && statuses.contains(one["status"])))
      out_.chained.emplace_back(file, one.json);
    book_.add(one, file);
  }

  const reading_rules& rules_;
  prediction out_;
  book book_;
  bool lacks_key_ = false;
  std::uint64_t encrypted_ = 0, undecrypted_ = 0, signed_ = 0;
};

}  // namespace

prediction predict(const files& directory, const reading_rules& rules) {
  std::vector<std::string> segments;
  for (const auto& [name, bytes] : directory)
    if (name.starts_with("wal-") && name.ends_with(".jsonl")) segments.push_back(name);
  reader all(rules);
  if (const auto dead = directory.find(dead_letter_file); dead != directory.end())
    all.read(dead->first, dead->second, false);
  for (const auto& name : segments) all.read(name, directory.at(name), name == segments.back());
  return all.finish();
}

}  // namespace nexus::test::sweep
